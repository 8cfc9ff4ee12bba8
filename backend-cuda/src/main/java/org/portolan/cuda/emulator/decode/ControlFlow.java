package org.portolan.cuda.emulator.decode;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.portolan.cuda.emulator.run.Program;

/// Where lanes that part at a branch meet again: the nearest instruction through which every way from the branch to the
/// end of the kernel leads.
final class ControlFlow {
    private final int count;
    private final List<int[]> successors;
    /// The nearest post-dominator of each instruction; {@code count} is the end of the kernel.
    private final int[] next;
    /// Position in an order in which an instruction stands after those that it leads to.
    private final int[] order;

    /// @param successors of each instruction; none: it ends the kernel
    ControlFlow(List<int[]> successors) {
        this.successors = successors;
        count = successors.size();
        next = new int[count + 1];
        order = new int[count + 1];
        solve();
    }

    /// Where lanes that part at an instruction meet again; {@link Program#NOWHERE}: nowhere.
    int meeting(int instruction) {
        int found = next[instruction];
        return found < 0 || found == count ? Program.NOWHERE : found;
    }

    private void solve() {
        var predecessors = new ArrayList<List<Integer>>();
        for (int index = 0; index <= count; index++) {
            predecessors.add(new ArrayList<>());
        }
        for (int index = 0; index < count; index++) {
            if (successors.get(index).length == 0) {
                predecessors.get(count).add(index);
            }
            for (int successor : successors.get(index)) {
                predecessors.get(successor).add(index);
            }
        }
        int[] sequence = backwards(predecessors);
        Arrays.fill(next, -1);
        next[count] = count;
        boolean changed = true;
        while (changed) {
            changed = false;
            for (int position = sequence.length - 1; position >= 0; position--) {
                int index = sequence[position];
                if (index != count && improve(index)) {
                    changed = true;
                }
            }
        }
    }

    /// Postorder of the reversed graph from the end of the kernel.
    private int[] backwards(List<List<Integer>> predecessors) {
        var sequence = new ArrayList<Integer>();
        var seen = new boolean[count + 1];
        var path = new ArrayList<int[]>();
        path.add(new int[] {count, 0});
        seen[count] = true;
        while (!path.isEmpty()) {
            var top = path.getLast();
            var before = predecessors.get(top[0]);
            if (top[1] < before.size()) {
                int index = before.get(top[1]++);
                if (!seen[index]) {
                    seen[index] = true;
                    path.add(new int[] {index, 0});
                }
            } else {
                path.removeLast();
                order[top[0]] = sequence.size();
                sequence.add(top[0]);
            }
        }
        return sequence.stream().mapToInt(Integer::intValue).toArray();
    }

    private boolean improve(int index) {
        int[] after = successors.get(index);
        int found = after.length == 0 ? count : -1;
        for (int successor : after) {
            if (next[successor] >= 0) {
                found = found < 0 ? successor : common(found, successor);
            }
        }
        if (found == next[index]) {
            return false;
        }
        next[index] = found;
        return true;
    }

    private int common(int first, int second) {
        int a = first;
        int b = second;
        while (a != b) {
            while (order[a] < order[b]) {
                a = next[a];
            }
            while (order[b] < order[a]) {
                b = next[b];
            }
        }
        return a;
    }
}
