package org.portolan.runtime.plan;

import java.util.List;
import java.util.Optional;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// One thing that the host does. Slots are named by their numbers in {@link Plan#slots()}.
public sealed interface Step {

    /// Starts a kernel. Its parameter words are the addresses of {@code slots} in order, then {@code extents} in
    /// order; it runs over the product of {@code grid}.
    ///
    /// @param kernel index in {@link Plan#kernels()}
    /// @param grid extents, outermost first; none is one point, and a product of 0 launches nothing
    /// @param cost estimated nanoseconds of one core for the whole grid; only steers how it is split
    /// @param device 0 is the target's device, 1 the host beside an accelerator
    /// @param writes which of the slots the kernel may change, by their index in {@code slots}; absent: any of them
    /// @param origin names of the nodes of the source model that this stands for
    record Launch(
            int kernel,
            List<Integer> slots,
            List<Dim> extents,
            List<Dim> grid,
            Dim cost,
            int device,
            Optional<List<Integer>> writes,
            String origin)
            implements Step {
        public Launch {
            writes = writes.map(List::copyOf);
            slots = List.copyOf(slots);
            extents = List.copyOf(extents);
            grid = List.copyOf(grid);
        }
    }

    /// Copies {@code bytes} from one slot to another, from and to the given offsets in bytes.
    record Copy(int from, Dim fromOffset, int to, Dim toOffset, Dim bytes) implements Step {
        public Copy(int from, int to, Dim bytes) {
            this(from, Dim.ZERO, to, Dim.ZERO, bytes);
        }
    }

    /// Binds symbols to the first elements of a small integer (or bool) tensor, in order; they may be bound before.
    record ReadSymbols(int slot, ElementType type, List<String> symbols) implements Step {
        public ReadSymbols {
            symbols = List.copyOf(symbols);
        }
    }

    /// Writes the values as the elements of a tensor of {@code type}.
    record WriteDims(int slot, ElementType type, List<Dim> values) implements Step {
        public WriteDims {
            values = List.copyOf(values);
        }
    }

    /// Fails the run with {@code message} unless the relation holds.
    record Check(Dim left, Relation relation, Dim right, String message) implements Step {}

    /// Runs one of two lists of steps.
    ///
    /// @param condition slot of a bool scalar
    record If(int condition, List<Step> thenSteps, List<Step> elseSteps) implements Step {
        public If {
            thenSteps = List.copyOf(thenSteps);
            elseSteps = List.copyOf(elseSteps);
        }
    }

    /// Repeats {@code body}: while the number of completed rounds is below {@code limit} (if there is one) and the
    /// bool scalar in slot {@code condition} (if it is not -1) is true, both tested before each round. After each
    /// round the carried slots are copied, in order; a slot that is copied from must not have been overwritten by an
    /// earlier pair.
    ///
    /// @param iteration a symbol that is bound to 0, 1, 2 ... before each round
    /// @param trips a symbol that is bound to the number of rounds done, when the loop ends
    record Loop(
            Optional<Dim> limit, int condition, String iteration, String trips, List<Carry> carried, List<Step> body)
            implements Step {
        public static final int NO_CONDITION = -1;

        public Loop {
            carried = List.copyOf(carried);
            body = List.copyOf(body);
        }
    }

    /// What one round of a loop hands to the next: {@code bytes} from one slot to another.
    record Carry(int from, int to, Dim bytes) {}

    /// How {@link Check} compares.
    enum Relation {
        EQUAL("=="),
        NOT_EQUAL("!="),
        LESS("<"),
        LESS_OR_EQUAL("<="),
        GREATER(">"),
        GREATER_OR_EQUAL(">=");

        private final String sign;

        Relation(String sign) {
            this.sign = sign;
        }

        public String sign() {
            return sign;
        }

        public boolean holds(long left, long right) {
            return switch (this) {
                case EQUAL -> left == right;
                case NOT_EQUAL -> left != right;
                case LESS -> left < right;
                case LESS_OR_EQUAL -> left <= right;
                case GREATER -> left > right;
                case GREATER_OR_EQUAL -> left >= right;
            };
        }
    }
}
