package org.portolan.lowering.c;

import java.util.List;
import java.util.Optional;
import org.portolan.ir.ArithOp;
import org.portolan.ir.TileOp.Unit;
import org.portolan.runtime.type.ElementType;

/// The words of a language for machines whose vectors live in memory: near memory, queues, operations on whole buffers,
/// and who waits for whom. Each gives statements. Such a kernel is run by cores that each take a range of the points of
/// the grid.
public interface NearWords {
    /// A buffer in near memory. What booleans are there is the language's business.
    record Piece(String name, ElementType element, long count) {}

    /// An operand of an operation on buffers: a piece, or an expression that is the same for all elements.
    record Operand(Optional<Piece> piece, String scalar, ElementType element) {}

    /// A matrix in global memory: {@code place} is the number of the buffer's element that its first one is, {@code
    /// stride} how many elements a row lies from the next.
    record Matrix(Words.Parameter buffer, String place, String stride, String rows, String columns) {}

    /// What stands at the beginning of a kernel: its buffers are there by the names of the parameters then.
    ///
    /// @param matrices whether the kernel is one for the matrix unit, which calls its intrinsics and nothing else
    List<String> begin(List<Words.Parameter> buffers, List<String> symbols, String function, boolean matrices);

    /// What stands at its end, and before it is left early.
    List<String> end(boolean matrices);

    /// A call of an intrinsic of the matrix unit.
    String call(String spelling, List<Matrix> matrices);

    /// The first and the end of the points of this core, as expressions.
    String firstPoint(String points);

    String endPoint(String points);

    /// An expression whose elements can be taken and given with brackets.
    String elements(Words.Parameter buffer);

    String elements(Piece piece);

    /// A statement that declares by {@code name} what elements of less than a byte are stored through, and whose bytes can be
    /// taken with brackets.
    String packed(Words.Parameter buffer, String name, int bits, String elements);

    /// A statement that stores one element of less than a byte.
    String store(String packed, String element, String value);

    List<String> allocate(Piece piece);

    /// @param incoming whether what is global comes in through it
    List<String> queue(String name, Piece slot, long depth, boolean incoming);

    String acquire(String queue, Piece slot);

    String publish(String queue, Piece slot);

    String consume(String queue, Piece slot);

    String release(String queue, Piece slot);

    /// A name for the part of a piece that begins at an element.
    String view(Piece whole, Piece part, String first);

    /// @param place the number of the buffer's element that the piece's first one is
    List<String> fetch(
            Words.Parameter from, String place, Optional<String> first, Optional<String> limit, Optional<String> other, Piece to, long count);

    /// How pieces lie: the elements from one to the next and those of each, as expressions, how many there are, and the elements
    /// from one to the next in near memory.
    record Steps(String step, String width, long count, long spread) {}

    List<String> rows(
            Words.Parameter from, String place, Steps steps, Optional<String> first, Optional<String> limit, Optional<String> other, Piece to);

    /// @param places of what is taken, in bytes
    String take(Piece to, Piece from, Piece places, long count);

    List<String> put(
            Piece from, Words.Parameter to, String place, Optional<String> first, Optional<String> limit, long count);

    /// @param op the operation, whose own operands say nothing but their types; absent where elements are copied
    List<String> map(Piece to, List<Operand> from, Optional<ArithOp> op, long count);

    String order(Unit before, Unit after);
}
