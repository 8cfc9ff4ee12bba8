package org.portolan.lowering.c;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.portolan.ir.Combine;
import org.portolan.ir.Type.Space;

/// The words of a language of the C family: how types, threads, memory spaces and functions are spelled. Arguments and
/// results are expressions that can stand in any other.
public interface Words {

    /// What stands above everything: pragmas and includes.
    ///
    /// @param doubles whether a kernel uses numbers of 64 bits with a fraction
    String prelude(boolean doubles);

    /// Names that variables must not have: keywords, types and every function that is called.
    Set<String> reserved();

    /// The lanes of the vectors that the language has, the most first; the last is 1.
    List<Integer> widths();

    // ------------------------------------------------------------------------------------------------------- functions

    /// A kernel from its opening to the brace: its parameters are for each buffer what {@link #place} makes a pointer of,
    /// then the symbols, then the error word.
    ///
    /// @param block threads of a block; 0 where each thread is on its own
    String kernelHead(String name, List<Parameter> buffers, List<String> symbols, long block);

    /// The beginning of a function that kernels call: qualifiers and the type of the result.
    String helperHead(CType result);

    /// A buffer among a kernel's parameters.
    ///
    /// @param written whether the kernel stores to it
    record Parameter(String name, CType element, boolean written) {}

    /// A statement that gives a parameter's name a pointer to its first element; empty if it is one already.
    String place(Parameter buffer);

    /// The number of this thread among all, or with blocks the number of its block.
    String globalNumber(boolean blocks);

    /// The number of this thread within its block.
    String threadNumber();

    /// A statement: all threads of the block come here, and see what the others have written.
    String barrier();

    /// What the thread has whose number in its warp differs in the bit of a distance; absent where threads cannot exchange.
    ///
    /// @param value an unsigned integer of 32 bits
    default Optional<String> exchange(String value, long distance) {
        return Optional.empty();
    }

    /// A statement that stores the first error of a run, {@code code} and which failure of the kernel it was.
    String recordError(long code, int failure);

    // ---------------------------------------------------------------------------------------------------------- memory

    /// The type of a pointer to elements in a space.
    ///
    /// @param shared whether a buffer in {@link Space#SHARED} belongs to a block; else it is the thread's own
    String pointer(CType element, Space space, boolean constant, boolean shared);

    /// A statement that declares an array inside a kernel.
    String array(CType element, String name, long elements, Space space, boolean shared);

    /// A vector from adjacent elements.
    String load(CType vector, String pointer);

    /// A statement that stores a vector to adjacent elements.
    String store(CType vector, String value, String pointer);

    /// A statement that asks for a cache line; empty if there is no such thing.
    String prefetch(String pointer);

    /// An operation on memory that nobody comes between, giving what was there; absent if the language has none.
    Optional<String> atomic(Combine combine, CType element, String pointer, String value, Space space, boolean shared);

    /// Stores where the memory still is as expected; gives what was there. The element is an integer of 32 or 64 bits.
    String compareAndSwap(
            CType element, String pointer, String expected, String wanted, Space space, boolean shared);

    // ------------------------------------------------------------------------------------------------------ arithmetic

    String type(CType type);

    /// A scalar number.
    String integer(CType type, long value);

    /// A scalar number that is finite.
    String floating(CType type, double value);

    /// The scalar in every lane.
    String splat(CType vector, String scalar);

    /// A vector of these scalars.
    String build(CType vector, List<String> lanes);

    String lane(CType vector, String value, int lane);

    /// The same number as another type: towards zero, low bits kept. Never a truth value.
    String convert(CType from, CType to, String value);

    /// The same bits as another type of as many.
    String bits(CType from, CType to, String value);

    /// A truth value for each lane.
    String compare(String operator, CType operands, String left, String right);

    /// Lane by lane one of two; a scalar condition chooses whole vectors.
    String choose(CType condition, CType result, String truth, String yes, String no);

    /// The negation of a truth value, lane by lane.
    String not(CType truth, String value);

    /// 1 where a truth value holds, else 0.
    String number(CType truth, CType to, String value);

    /// Whether any lane of a truth value holds.
    String any(CType truth, String value);

    /// Whether all lanes of a truth value hold.
    String all(CType truth, String value);

    /// Whether numbers of 64 bits with a fraction can be used.
    boolean hasDouble();

    /// A function of numbers, lane by lane, rounded as IEEE 754 says.
    String function(Function function, CType type, List<String> arguments);

    /// The functions that every language has.
    enum Function {
        /// {@code a * b + c}, rounded once.
        FMA,
        FLOOR,
        CEIL,
        /// To the nearest whole number, ties to even.
        ROUND,
        TRUNC,
        SQRT,
        ABS,
        /// The first number with the sign of the second.
        COPYSIGN,
        /// Of integers.
        MIN,
        /// Of integers.
        MAX,
        /// How many leading bits of an unsigned integer are 0.
        LEADING_ZEROS
    }

    /// A call of a machine's intrinsic as its file spells it.
    String call(String spelling, List<String> arguments);

    /// The words for vectors in memory, of languages for machines that have them there.
    default Optional<NearWords> near() {
        return Optional.empty();
    }
}
