package org.portolan.runtime;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.portolan.runtime.device.CapturingQueue;

/// What the queue of a run state has captured: for recent shapes, each {@link Stretch} of the plan. The first run with a
/// shape walks; the second, if every slot lies where it lay, captures each stretch when it comes to it and replays it; later
/// ones only replay. A run whose slots lie elsewhere walks again.
final class Replays implements AutoCloseable {
    /// For so many shapes.
    private static final int KEPT = 8;

    private final CapturingQueue queue;
    private final List<Stretch> stretches;
    /// For each instruction the stretch that begins there, or null.
    private final Stretch[] beginnings;
    private final Map<Binding, Shape> shapes = new LinkedHashMap<>(16, 0.75f, true);
    private final long[] addresses;
    private Shape current;

    /// Runs with one binding.
    private static final class Shape {
        final long[] addresses;
        final CapturingQueue.Captured[] captured;
        /// Whether the queue could not.
        final boolean[] refused;
        boolean again;

        Shape(long[] addresses, int stretches) {
            this.addresses = addresses.clone();
            captured = new CapturingQueue.Captured[stretches];
            refused = new boolean[stretches];
        }

        void forget() {
            for (int number = 0; number < captured.length; number++) {
                if (captured[number] != null) {
                    captured[number].close();
                    captured[number] = null;
                }
            }
        }
    }

    Replays(CapturingQueue queue, FlatPlan plan) {
        this.queue = queue;
        stretches = Stretch.of(plan);
        beginnings = new Stretch[plan.instructions.length];
        stretches.forEach(stretch -> beginnings[stretch.first()] = stretch);
        addresses = new long[plan.slotBytes.length];
    }

    /// Begins a run, whose slots have their addresses.
    void begin(Binding binding, SlotMemory slots) {
        if (stretches.isEmpty()) {
            return;
        }
        slots.fixedAddresses(addresses);
        current = shapes.get(binding);
        if (current == null) {
            if (shapes.size() == KEPT) {
                var eldest = shapes.entrySet().iterator();
                eldest.next().getValue().forget();
                eldest.remove();
            }
            current = new Shape(addresses, stretches.size());
            shapes.put(binding, current);
        } else if (Arrays.equals(current.addresses, addresses)) {
            current.again = true;
        } else {
            current.forget();
            System.arraycopy(addresses, 0, current.addresses, 0, addresses.length);
            current.again = false;
        }
    }

    /// The stretch that begins at an instruction, if this run replays it; else null.
    Stretch at(int instruction) {
        var stretch = beginnings[instruction];
        return stretch != null && current.again && !current.refused[stretch.number()] ? stretch : null;
    }

    /// @return whether the device has been given the stretch; else nothing has been done
    boolean replay(Stretch stretch, Executor executor) {
        int number = stretch.number();
        if (current.captured[number] == null) {
            var captured = queue.capture(() -> executor.walk(stretch));
            if (captured.isEmpty()) {
                current.refused[number] = true;
                return false;
            }
            current.captured[number] = captured.get();
        }
        current.captured[number].replay();
        return true;
    }

    @Override
    public void close() {
        shapes.values().forEach(Shape::forget);
        shapes.clear();
    }
}
