package org.portolan.ir;

import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// The type of a {@link Value}. The text form stands beside each.
public sealed interface Type {

    /// One element: {@code f32}, {@code index}.
    record Scalar(ElementType element) implements Type {
        @Override
        public String toString() {
            return element.text();
        }
    }

    /// An array without a place: {@code f32[seq,384]}; {@code f32[]} has one element and no axis.
    record Tensor(ElementType element, List<Dim> dims) implements Type {
        public Tensor {
            dims = List.copyOf(dims);
        }

        public int rank() {
            return dims.size();
        }

        public Dim dim(int axis) {
            return dims.get(axis);
        }

        /// The number of elements.
        public Dim elements() {
            return Dim.product(dims);
        }

        public Tensor withElement(ElementType other) {
            return new Tensor(other, dims);
        }

        public Tensor withDims(List<Dim> other) {
            return new Tensor(element, other);
        }

        @Override
        public String toString() {
            return element.text() + shape(dims);
        }
    }

    /// Elements in lanes: {@code vec<16xf32>}.
    record Vector(long lanes, ElementType element) implements Type {
        public Vector {
            IrException.check(lanes > 0, "a vector needs at least one lane, found " + lanes);
        }

        @Override
        public String toString() {
            return "vec<" + lanes + "x" + element.text() + ">";
        }
    }

    /// One truth value a lane: {@code mask<16>}.
    record Mask(long lanes) implements Type {
        public Mask {
            IrException.check(lanes > 0, "a mask needs at least one lane, found " + lanes);
        }

        @Override
        public String toString() {
            return "mask<" + lanes + ">";
        }
    }

    /// An array in a memory space: {@code buffer<f32[m,k], global>}, or with a layout
    /// {@code buffer<f32[k,n], global, (k, n) -> (n/32, k, n%32)>}. The layout maps a logical index to a physical one;
    /// {@code physical} holds the physical extents and is empty where they are the logical ones in row-major order.
    record Buffer(ElementType element, List<Dim> dims, Space space, Optional<IndexMap> layout, List<Dim> physical)
            implements Type {
        public Buffer {
            dims = List.copyOf(dims);
            physical = List.copyOf(physical);
            IrException.check(
                    layout.map(map -> map.results().size()).orElse(0) == physical.size(),
                    "a layout needs one physical extent for each of its results");
            IrException.check(
                    layout.isEmpty() || layout.get().inputs().size() == dims.size(),
                    "a layout needs one index for each of the buffer's axes");
        }

        public Buffer(ElementType element, List<Dim> dims, Space space) {
            this(element, dims, space, Optional.empty(), List.of());
        }

        public int rank() {
            return dims.size();
        }

        /// The extents in memory.
        public List<Dim> storage() {
            return layout.isPresent() ? physical : dims;
        }

        @Override
        public String toString() {
            return "buffer<" + element.text() + shape(dims) + ", " + Attributes.word(space)
                    + layout.map(map -> ", " + map + ", " + shape(physical)).orElse("") + ">";
        }
    }

    /// A queue of buffers that one side fills while the other reads: {@code ring<buffer<...>, 3>}.
    record Ring(Buffer slot, long depth) implements Type {
        public Ring {
            IrException.check(depth > 0, "a ring needs at least one slot, found " + depth);
        }

        @Override
        public String toString() {
            return "ring<" + slot + ", " + depth + ">";
        }
    }

    /// A small matrix spread over lanes: {@code frag<bf16[16,16], (r, c) -> (...)>}. The spread maps an element to
    /// (lane, register).
    record Fragment(ElementType element, List<Dim> dims, IndexMap spread) implements Type {
        public Fragment {
            dims = List.copyOf(dims);
            IrException.check(spread.inputs().size() == dims.size(), "a spread needs one input for each axis");
            IrException.check(spread.results().size() == 2, "a spread gives a lane and a register");
        }

        @Override
        public String toString() {
            return "frag<" + element.text() + shape(dims) + ", " + spread + ">";
        }
    }

    /// A list of values of one type, on the host only: {@code sequence<f32[n]>}.
    record Sequence(Type item) implements Type {
        @Override
        public String toString() {
            return "sequence<" + item + ">";
        }
    }

    /// A value or nothing, on the host only: {@code optional<f32[n]>}.
    record Maybe(Type item) implements Type {
        @Override
        public String toString() {
            return "optional<" + item + ">";
        }
    }

    /// Where a buffer lies; each machine maps these four to what it has.
    enum Space {
        GLOBAL,
        SHARED,
        LOCAL,
        REGISTER
    }

    Type INDEX = new Scalar(ElementType.INDEX);
    Type BOOL = new Scalar(ElementType.BOOL);

    static Scalar scalar(ElementType element) {
        return new Scalar(element);
    }

    static Tensor tensor(ElementType element, List<Dim> dims) {
        return new Tensor(element, dims);
    }

    static Tensor tensor(ElementType element, long... dims) {
        return new Tensor(element, Dim.list(dims));
    }

    /// The element type of whatever has elements; masks hold booleans.
    ///
    /// @throws IrException for sequences, optionals and rings
    default ElementType elementType() {
        return switch (this) {
            case Scalar(ElementType element) -> element;
            case Tensor(ElementType element, _) -> element;
            case Vector(_, ElementType element) -> element;
            case Mask _ -> ElementType.BOOL;
            case Buffer buffer -> buffer.element();
            case Fragment fragment -> fragment.element();
            case Ring ring -> ring.slot().element();
            case Sequence _, Maybe _ -> IrException.expected("a type with elements", this);
        };
    }

    /// The lanes of a vector or mask; 1 for a scalar.
    default long laneCount() {
        return switch (this) {
            case Vector(long lanes, _) -> lanes;
            case Mask(long lanes) -> lanes;
            case Scalar _ -> 1;
            case Tensor _, Buffer _, Fragment _, Ring _, Sequence _, Maybe _ ->
                IrException.expected("a scalar, a vector or a mask", this);
        };
    }

    /// The scalar or vector type with the same lanes and another element; a vector of booleans is a mask.
    default Type withLaneElement(ElementType element) {
        return lanes(laneCount(), element, !(this instanceof Scalar));
    }

    /// A vector (a mask, for booleans) of that many lanes.
    static Type vector(long lanes, ElementType element) {
        return lanes(lanes, element, true);
    }

    private static Type lanes(long lanes, ElementType element, boolean vector) {
        if (!vector) {
            return new Scalar(element);
        }
        return element == ElementType.BOOL ? new Mask(lanes) : new Vector(lanes, element);
    }

    private static String shape(List<Dim> dims) {
        return dims.stream().map(Dim::toString).collect(Collectors.joining(",", "[", "]"));
    }
}
