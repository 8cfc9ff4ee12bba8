package org.portolan.runtime;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.stream.Collectors;
import org.portolan.runtime.device.CapturingQueue;
import org.portolan.runtime.device.Event;
import org.portolan.runtime.device.KernelError;
import org.portolan.runtime.device.Queue;
import org.portolan.runtime.device.SynchronousQueue;
import org.portolan.runtime.type.ElementType;
import org.portolan.runtime.type.ElementTypes;

/// Walks the instructions of a plan. A walk allocates nothing, and waits for the device only where a number from it
/// decides what comes next.
final class Executor implements AutoCloseable {
    /// How many launches may be under way in a run that can be cancelled or has a deadline, twice over.
    private static final int WINDOW = Stretch.MOST_LAUNCHES;

    /// So many nodes an error names, where their kernel is the same.
    private static final int MOST_NAMED = 4;

    private final RunState state;
    private final FlatPlan plan;
    private final SlotMemory slots;
    private final Numbers numbers;
    private final long[] hostAddresses;
    /// What the device's queue does again by itself; null where it cannot.
    private final Replays replays;
    private Event windowStart = Event.PAST;
    private int launches;

    Executor(RunState state) {
        this.state = state;
        plan = state.plan;
        slots = state.slots;
        long bytes = 8;
        for (var instruction : plan.instructions) {
            bytes = switch (instruction) {
                case Instruction.ReadSymbols read -> Math.max(bytes, read.symbols().length * 8L);
                case Instruction.WriteDims write -> Math.max(bytes, write.values().length * 8L);
                case Instruction.Launch _, Instruction.Copy _, Instruction.Check _, Instruction.Branch _,
                        Instruction.Jump _, Instruction.LoopEnter _, Instruction.LoopTest _, Instruction.LoopNext _ ->
                    bytes;
            };
        }
        numbers = new Numbers(state, bytes);
        hostAddresses = new long[plan.mostWords];
        replays = state.queue() instanceof CapturingQueue queue ? new Replays(queue, plan) : null;
    }

    /// Gives everything up to the last step to the devices.
    void execute() {
        var instructions = plan.instructions;
        if (replays != null) {
            replays.begin(state.binding, slots);
        }
        int next = 0;
        while (next < instructions.length) {
            var stretch = replays == null ? null : replays.at(next);
            if (stretch != null && replays.replay(stretch, this)) {
                for (int slot : stretch.written()) {
                    written(slot);
                }
                if (state.control().isLimited()) {
                    keepWindow(state.queue(), stretch.launches());
                }
                state.control().check();
                next = stretch.end();
                continue;
            }
            next = switch (instructions[next]) {
                case Instruction.Launch launch -> {
                    launch(launch);
                    yield next + 1;
                }
                case Instruction.Copy copy -> {
                    copy(copy);
                    yield next + 1;
                }
                case Instruction.ReadSymbols read -> {
                    readSymbols(read);
                    yield next + 1;
                }
                case Instruction.WriteDims write -> {
                    writeDims(write);
                    yield next + 1;
                }
                case Instruction.Check check -> {
                    check(check);
                    yield next + 1;
                }
                case Instruction.Branch branch -> isTrue(branch.condition()) ? next + 1 : branch.otherwise();
                case Instruction.Jump jump -> jump.to();
                case Instruction.LoopEnter enter -> {
                    state.loopCounts[enter.loop()] = 0;
                    state.loopLimits[enter.loop()] =
                            enter.limit() == FlatPlan.NONE ? Long.MAX_VALUE : state.value(enter.limit());
                    yield next + 1;
                }
                case Instruction.LoopTest test -> loopTest(test, next);
                case Instruction.LoopNext loop -> {
                    state.loopCounts[loop.loop()]++;
                    yield loop.test();
                }
            };
        }
    }

    /// Gives the queue, which is capturing, all that a stretch does.
    void walk(Stretch stretch) {
        for (int index = stretch.first(); index < stretch.end(); index++) {
            switch (plan.instructions[index]) {
                case Instruction.Launch launch -> start(launch, false);
                case Instruction.Copy copy -> copy(copy);
                case Instruction.Check check -> check(check);
                case Instruction.ReadSymbols _, Instruction.WriteDims _, Instruction.Branch _, Instruction.Jump _,
                        Instruction.LoopEnter _, Instruction.LoopTest _, Instruction.LoopNext _ ->
                    throw new IllegalStateException("a stretch has no " + plan.instructions[index]);
            }
        }
    }

    private void launch(Instruction.Launch launch) {
        boolean beside = launch.device() != 0;
        if (beside) {
            bring(launch);
        }
        start(launch, beside);
        var queue = state.queues[launch.device()];
        if (queue instanceof SynchronousQueue synchronous && synchronous.failed()) {
            throw failure(queue.takeError(), launch.origin());
        }
        if (beside) {
            handBack(launch);
        } else {
            for (int argument : launch.writes()) {
                written(launch.slots()[argument]);
            }
            if (state.control().isLimited()) {
                keepWindow(queue, 1);
            }
        }
        state.control().check();
    }

    /// The device writes a slot, so that a copy of it on the host is not what it was.
    private void written(int slot) {
        if (state.hostArguments != null) {
            state.hostArguments.written(slot);
        }
    }

    private void start(Instruction.Launch launch, boolean beside) {
        int[] slotNumbers = launch.slots();
        int[] extents = launch.extents();
        var words = state.words;
        int word = 0;
        for (int slot : slotNumbers) {
            words.setAtIndex(
                    ValueLayout.JAVA_LONG, word, beside ? hostAddresses[word] : slots.addressForLaunch(slot));
            word++;
        }
        for (int extent : extents) {
            words.setAtIndex(ValueLayout.JAVA_LONG, word++, state.value(extent));
        }
        long[] grid = state.binding.grids[launch.number()];
        if (grid == null) {
            grid = state.lateGrids[launch.number()];
            for (int axis = 0; axis < grid.length; axis++) {
                grid[axis] = state.value(launch.grid()[axis]);
            }
        }
        state.queues[launch.device()].launch(launch.kernel(), words, word, grid, state.value(launch.cost()));
    }

    /// Finds the arguments of a launch on the host, after all work of the device so far.
    private void bring(Instruction.Launch launch) {
        if (state.hostArguments != null) {
            state.hostArguments.bring(launch, hostAddresses);
        } else {
            for (int argument = 0; argument < launch.slots().length; argument++) {
                hostAddresses[argument] = slots.addressForLaunch(launch.slots()[argument]);
            }
        }
        if (!(state.queue() instanceof SynchronousQueue) || state.hostArguments != null) {
            await();
        }
    }

    /// Waits for the host, whose kernels come seldom, so that the device goes on with what they wrote.
    private void handBack(Instruction.Launch launch) {
        var queue = state.queues[launch.device()];
        if (!(queue instanceof SynchronousQueue)) {
            queue.record().await();
        }
        if (state.hostArguments != null) {
            state.hostArguments.handBack(launch);
        }
    }

    /// Keeps the device from falling far behind, so that a run that is to end can end soon.
    private void keepWindow(Queue queue, int more) {
        launches += more;
        if (!(queue instanceof SynchronousQueue) && launches >= WINDOW) {
            launches = 0;
            windowStart.await();
            windowStart = queue.record();
        }
    }

    private void copy(Instruction.Copy copy) {
        written(copy.to());
        long bytes = state.value(copy.bytes());
        long fromOffset = state.value(copy.fromOffset());
        long toOffset = state.value(copy.toOffset());
        if (bytes != 0) {
            long to = slots.addressForWrite(copy.to(), toOffset, bytes);
            long from = slots.addressForRead(copy.from(), fromOffset, bytes);
            state.queue().copy(from, to, bytes);
        }
    }

    private void readSymbols(Instruction.ReadSymbols read) {
        var type = read.type();
        int[] symbols = read.symbols();
        var found = fetch(read.slot(), type.bytes(symbols.length));
        for (int index = 0; index < symbols.length; index++) {
            bindSymbol(symbols[index], ElementTypes.getLong(type, found, index));
        }
    }

    /// The start of a slot, after all work so far.
    private MemorySegment fetch(int slot, long bytes) {
        var found = numbers.incoming(bytes);
        state.queue().copyOut(slots.addressForRead(slot, 0, bytes), found, bytes);
        await();
        return found;
    }

    private void bindSymbol(int symbol, long value) {
        var bound = plan.plan.symbols().get(symbol);
        if (value < bound.minimum() || value > bound.maximum()) {
            throw new PortolanException.RunFailed("the size " + bound.name() + ", which the model computes from its "
                    + "inputs, must be from " + bound.minimum() + " to " + bound.maximum() + " and is " + value, 0, -1);
        }
        state.symbols[symbol] = value;
    }

    private void writeDims(Instruction.WriteDims write) {
        var type = write.type();
        int[] values = write.values();
        long bytes = type.bytes(values.length);
        long to = slots.addressForWrite(write.slot(), 0, bytes);
        var outgoing = numbers.outgoing(bytes);
        for (int index = 0; index < values.length; index++) {
            ElementTypes.setLong(type, outgoing, index, state.value(values[index]));
        }
        state.queue().copyIn(outgoing, to, bytes);
        written(write.slot());
    }

    private void check(Instruction.Check check) {
        long left = state.value(check.left());
        long right = state.value(check.right());
        if (!check.relation().holds(left, right)) {
            throw new PortolanException.RunFailed(check.message() + " (needed " + plan.expressions.dim(check.left())
                    + " " + check.relation().sign() + " " + plan.expressions.dim(check.right()) + ", got " + left
                    + " and " + right + ")", 0, -1);
        }
    }

    private boolean isTrue(int slot) {
        return ElementTypes.getLong(ElementType.BOOL, fetch(slot, 1), 0) != 0;
    }

    private int loopTest(Instruction.LoopTest test, int here) {
        state.control().check();
        long count = state.loopCounts[test.loop()];
        boolean goesOn = count < state.loopLimits[test.loop()]
                && (test.condition() == FlatPlan.NONE || isTrue(test.condition()));
        bindSymbol(goesOn ? test.iteration() : test.trips(), count);
        return goesOn ? here + 1 : test.exit();
    }

    /// Waits for all work so far, and ends the run if a kernel has failed or if it should stop.
    void await() {
        for (int device = 0; device < state.queues.length; device++) {
            long error = state.queues[device].takeError();
            if (error != 0) {
                throw failure(error, origins(device, KernelError.ofWord(error).kernel()));
            }
        }
        state.settled();
        state.control().check();
    }

    /// All queues have done what they were given.
    void settled() {
        numbers.settled();
        try {
            // It is in the past; a driver takes its handle back when somebody has waited.
            windowStart.await();
        } catch (PortolanException lost) {
            // Its queue takes it back when it is closed.
        }
        windowStart = Event.PAST;
    }

    @Override
    public void close() {
        if (replays != null) {
            replays.close();
        }
        numbers.close();
    }

    /// What the launches of a kernel stand for: which of them failed, the error word does not say.
    private String origins(int device, int kernel) {
        return Arrays.stream(plan.instructions)
                .filter(Instruction.Launch.class::isInstance)
                .map(Instruction.Launch.class::cast)
                .filter(launch -> kernel != 0 && launch.device() == device && launch.kernelNumber() == kernel)
                .map(Instruction.Launch::origin)
                .distinct()
                .limit(MOST_NAMED)
                .collect(Collectors.joining(" or "));
    }

    private static PortolanException failure(long word, String origin) {
        var error = KernelError.ofWord(word);
        var where = origin.isEmpty() ? "" : " in " + origin;
        return new PortolanException.RunFailed("the run failed" + where + ": " + error.reason() + " (check "
                + error.operation() + " of the kernel)", error.code(), error.operation());
    }
}
