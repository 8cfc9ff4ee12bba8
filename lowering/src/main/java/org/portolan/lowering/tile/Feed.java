package org.portolan.lowering.tile;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.portolan.ir.IndexMap;
import org.portolan.ir.MachineOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.runtime.type.Dim;

/// An operand of a product that lies in memory as it is multiplied, so that tiles of it can be copied without passing through
/// registers: a read without a guard, whose index moves by one along each axis of the tile.
///
/// @param deepAxis the tensor's axis that goes along the reduced one
/// @param acrossAxis the tensor's axis that goes along the tile's other one
/// @param deepFast whether neighbours along the reduced axis are neighbours in memory
record Feed(NestOp.Read read, String deep, String across, int deepAxis, int acrossAxis, boolean deepFast) {
    /// What the machine copies at once, and the banks of shared memory that a whole round of it takes.
    private static final long CHUNK_BYTES = 16;

    private static final long ROUND_BYTES = 128;
    private static final int MOST_AXES = 5;

    /// Whether a machine copies to shared memory by itself.
    static boolean copies(MachineOp.Chip machine) {
        return machine.intrinsics().ops().stream()
                .anyMatch(op -> op instanceof MachineOp.Intrinsic intrinsic && intrinsic.name().equals("copy.async"));
    }

    /// Whether a machine has an engine that copies boxes of what a launch describes once.
    static boolean copiesBoxes(MachineOp.Chip machine) {
        return machine.intrinsics().ops().stream()
                .anyMatch(op -> op instanceof MachineOp.Intrinsic intrinsic && intrinsic.name().equals("copy.box"));
    }

    /// Whether the operand's tensor can be described for such an engine: up to five axes, all rows a multiple of 16 bytes apart
    /// whatever the symbols are, and tiles in rows of 32 bytes or more.
    boolean isBoxed(long depth, long width) {
        var tensor = read.source().tensor();
        long bits = tensor.element().bits();
        boolean apart = IntStream.range(1, tensor.dims().size())
                .allMatch(axis -> Dim.product(tensor.dims().subList(axis, tensor.dims().size()))
                        .times(bits)
                        .modulo(CHUNK_BYTES * 8)
                        .isConstant(0));
        return apart && tensor.dims().size() <= MOST_AXES && (deepFast ? depth : width) * bits % (2 * CHUNK_BYTES * 8) == 0;
    }

    /// @param depth points of the reduced axis in a tile
    /// @param memory how the elements of a tensor lie
    static Optional<Feed> of(
            NestAnalysis analysis,
            Value value,
            String deep,
            String across,
            long depth,
            Function<Value, Type.Buffer> memory) {
        if (!(analysis.definition(value) instanceof NestOp.Read read)
                || !read.indices().isEmpty()
                || read.otherwise() != NestOp.Otherwise.PROVEN
                || memory.apply(read.source()).layout().isPresent()
                || value.type().elementType().bits() < 8) {
            return Optional.empty();
        }
        int deepAxis = axis(read, deep);
        int acrossAxis = axis(read, across);
        int fastest = MemoryEmitter.fastestAxis(memory.apply(read.source()));
        if (deepAxis < 0 || acrossAxis < 0 || deepAxis == acrossAxis || fastest != deepAxis && fastest != acrossAxis) {
            return Optional.empty();
        }
        // What lies beyond the reduced axis has to be 0: either there is nothing, or the tensor ends there as well.
        var extent = analysis.extent(deep);
        boolean ends = extent.modulo(depth).isConstant(0)
                || read.at().get(deepAxis).equals(Dim.symbol(deep))
                        && read.source().tensor().dim(deepAxis).equals(extent);
        return ends
                ? Optional.of(new Feed(read, deep, across, deepAxis, acrossAxis, fastest == deepAxis))
                : Optional.empty();
    }

    /// The one axis of the tensor whose index moves along an axis of the nest, by one; -1 if there is none.
    private static int axis(NestOp.Read read, String name) {
        int found = -1;
        for (int i = 0; i < read.at().size(); i++) {
            if (read.at().get(i).symbols().contains(name)) {
                if (found >= 0 || NestAnalysis.stride(read.at().get(i), name).orElse(0) != 1) {
                    return -1;
                }
                found = i;
            }
        }
        return found;
    }

    /// Where a tile begins in the tensor, less what the axes of the tile add.
    List<Dim> origin() {
        return read.at().stream()
                .map(index -> index.substitute(name -> name.equals(deep) || name.equals(across) ? Dim.ZERO : null))
                .toList();
    }

    /// The tile's memory, whose axes are (reduced, other) or the other way round. The chunks of a row are exchanged so that the
    /// same chunk of neighbouring rows lies in other banks.
    Type.Buffer slot(long depth, long width, boolean deepLast) {
        var element = read.source().tensor().element();
        var names = deepLast ? List.of("a", "d") : List.of("d", "a");
        long row = deepFast ? depth : width;
        long rows = deepFast ? width : depth;
        var slow = Dim.symbol(deepFast ? "a" : "d");
        var fast = Dim.symbol(deepFast ? "d" : "a");
        long chunk = CHUNK_BYTES * 8 / element.bits();
        long chunks = row / chunk;
        var dims = deepLast ? Dim.list(width, depth) : Dim.list(depth, width);
        var layout = new ArrayList<Dim>();
        layout.add(slow);
        if (chunks < 2 || row % chunk != 0 || Long.bitCount(chunks) != 1) {
            layout.add(fast);
            return new Type.Buffer(
                    element, dims, Type.Space.SHARED, Optional.of(new IndexMap(names, layout)), Dim.list(rows, row));
        }
        long round = Math.min(chunks, ROUND_BYTES / CHUNK_BYTES);
        if (chunks > round) {
            // Rows that are longer lie in strips.
            var place = fast.modulo(round * chunk);
            layout.addFirst(fast.floorDivide(round * chunk));
            layout.add(place.floorDivide(chunk).exclusiveOr(slow.modulo(round)));
            layout.add(fast.modulo(chunk));
            return new Type.Buffer(
                    element,
                    dims,
                    Type.Space.SHARED,
                    Optional.of(new IndexMap(names, layout)),
                    Dim.list(chunks / round, rows, round, chunk));
        }
        var turn = slow.floorDivide(ROUND_BYTES / CHUNK_BYTES / round).modulo(round);
        layout.add(fast.floorDivide(chunk).exclusiveOr(turn));
        layout.add(fast.modulo(chunk));
        return new Type.Buffer(
                element, dims, Type.Space.SHARED, Optional.of(new IndexMap(names, layout)), Dim.list(rows, chunks, chunk));
    }

    /// For each axis of such a tile the tensor's.
    List<Long> axes(boolean deepLast) {
        return IntStream.of(deepLast ? acrossAxis : deepAxis, deepLast ? deepAxis : acrossAxis)
                .mapToObj(axis -> (long) axis)
                .toList();
    }
}
