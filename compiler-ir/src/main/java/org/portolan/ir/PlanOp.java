package org.portolan.ir;

import java.util.List;
import org.portolan.runtime.type.Dim;

/// What the host does: allocate, copy, launch, evaluate a shape, branch, loop. Values are buffers.
public sealed interface PlanOp extends Op {

    /// The host side of a compiled model. Parameters are the inputs, the return's values the outputs; hints are their
    /// names. {@code arena} is the size in bytes of the one block that holds all allocations but the late ones.
    record Program(String name, List<SymbolRange> symbols, Dim arena, Body body) implements PlanOp {
        public Program {
            symbols = List.copyOf(symbols);
            body.params().forEach(Value::buffer);
        }
    }

    /// Ends a {@link Program}.
    record Return(List<Value> values) implements PlanOp, Terminator {
        public Return {
            values = List.copyOf(values);
        }
    }

    /// Ends the bodies of {@link If} and {@link Loop}, which work by what they write.
    record Yield() implements PlanOp, Terminator {}

    /// Weights, in the layout of the type.
    record Constant(Resource data, @Out Value result) implements PlanOp, Pure {
        public Constant {
            result.buffer();
        }
    }

    /// A place in the arena, at an offset in bytes.
    record Allocate(Dim offset, @Out Value result) implements PlanOp {
        public Allocate {
            result.buffer();
        }
    }

    /// Memory outside the arena: of an output, or of what has a size that is known only once a symbol was read from
    /// what the device computed.
    record AllocateLate(@Out Value result) implements PlanOp {
        public AllocateLate {
            result.buffer();
        }
    }

    /// The same bytes as another type.
    record View(Value buffer, @Out Value result) implements PlanOp, Pure {
        public View {
            buffer.buffer();
            result.buffer();
        }
    }

    /// Runs a kernel. The arguments are its buffers, the extents its symbols; {@code writes} are the indices of those
    /// arguments that it may change, and {@code cost_of_point} estimates the nanoseconds of one point of the grid on one
    /// core. A kernel on the {@code host} beside an accelerator uses an element type that the accelerator lacks.
    record Launch(
            List<Value> arguments,
            String kernel,
            Place place,
            List<Dim> extents,
            List<Dim> grid,
            Dim costOfPoint,
            List<Long> writes,
            List<String> origin)
            implements PlanOp {
        public Launch {
            writes = List.copyOf(writes);
            arguments = List.copyOf(arguments);
            extents = List.copyOf(extents);
            grid = List.copyOf(grid);
            origin = List.copyOf(origin);
        }
    }

    /// Where a kernel runs.
    enum Place {
        DEVICE,
        HOST
    }

    /// Copies all bytes of {@code from} to {@code to}, from {@code offset} bytes after its start.
    record Copy(Value from, Value to, Dim offset) implements PlanOp {
        public Copy {
            from.buffer();
            to.buffer();
        }

        public Copy(Value from, Value to) {
            this(from, to, Dim.ZERO);
        }
    }

    /// Binds symbols to the elements of a small integer buffer.
    record Bind(Value buffer, List<String> symbols) implements PlanOp {
        public Bind {
            symbols = List.copyOf(symbols);
        }
    }

    /// Writes numbers into a small integer buffer.
    record Dims(List<Dim> values, Value buffer) implements PlanOp {
        public Dims {
            values = List.copyOf(values);
        }
    }

    /// Fails the run with the message unless the relation holds.
    record Check(Dim left, Relation relation, Dim right, String message) implements PlanOp {}

    /// Runs one of two bodies, chosen by a one-element buffer of booleans. What a body computes for later it writes to
    /// buffers that are allocated before.
    record If(Value condition, Body yes, Body no) implements PlanOp {}

    /// Repeats its body while the one-element buffer {@code condition} holds, at most {@code limit} times
    /// ({@link #UNLIMITED} for no limit); both are tested before each round. The symbol {@code iteration} counts the
    /// rounds from 0 and {@code trips} is their number when the loop has ended. The body updates the condition and
    /// whatever state there is in place, and yields nothing.
    record Loop(Dim limit, Value condition, String iteration, String trips, Body body) implements PlanOp {
        /// The limit of a loop that has none.
        public static final Dim UNLIMITED = Dim.of(Long.MAX_VALUE);
    }
}
