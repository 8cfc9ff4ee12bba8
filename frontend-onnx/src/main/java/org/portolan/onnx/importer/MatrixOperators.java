package org.portolan.onnx.importer;

import static org.portolan.onnx.importer.Operator.since;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.portolan.ir.Value;
import org.portolan.onnx.OnnxException;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// Products of matrices.
final class MatrixOperators {
    static final List<Operator> ROWS = List.of(
            since(1, "MatMul", call -> product(call.writer(), call.input(0), call.input(1))),
            since(1, "Gemm", MatrixOperators::gemm),
            since(10, "MatMulInteger", MatrixOperators::integerProduct),
            since(12, "Einsum", EinsumOperator::einsum));

    private MatrixOperators() {}

    static Operand product(GraphWriter writer, Operand left, Operand right) {
        var element = left.element();
        return product(writer, left, right, GraphWriter.accumulator(element), element);
    }

    /// The product by numpy's rule: vectors become matrices for its time, and stacks broadcast. A stack on the left
    /// that
    /// meets one matrix on the right is one taller matrix.
    static Operand product(
            GraphWriter writer, Operand left, Operand right, ElementType accumulate, ElementType result) {
        if (left.rank() == 0 || right.rank() == 0) {
            throw new OnnxException(
                    "a product of %s and %s: scalars are not allowed".formatted(left.type(), right.type()));
        }
        if (left.rank() == 1) {
            var row = writer.reshape(left, List.of(Dim.ONE, left.dim(0)));
            return without(writer, product(writer, row, right, accumulate, result), right.rank() == 1 ? 1 : 2);
        }
        if (right.rank() == 1) {
            var column = writer.reshape(right, List.of(right.dim(0), Dim.ONE));
            return without(writer, product(writer, left, column, accumulate, result), 1);
        }
        int leftRank = left.rank();
        int rightRank = right.rank();
        writer.equal(left.dim(leftRank - 1), right.dim(rightRank - 2), "the inner extents of a matrix product");
        if (rightRank == 2) {
            if (leftRank == 2) {
                return writer.matMul(left, right, accumulate, result);
            }
            var rows = Dim.product(left.dims().subList(0, leftRank - 1));
            var tall = writer.reshape(left, List.of(rows, left.dim(leftRank - 1)));
            var dims = new ArrayList<>(left.dims());
            dims.set(leftRank - 1, right.dim(1));
            return writer.reshape(writer.matMul(tall, right, accumulate, result), dims);
        }
        var stack = stack(writer, left, right);
        return writer.matMul(stacked(writer, left, stack), stacked(writer, right, stack), accumulate, result);
    }

    private static List<Dim> stack(GraphWriter writer, Operand left, Operand right) {
        var leftStack = Operand.of(Value.of(left.type().withDims(left.dims().subList(0, left.rank() - 2))));
        var rightStack = Operand.of(Value.of(right.type().withDims(right.dims().subList(0, right.rank() - 2))));
        return writer.together(List.of(leftStack, rightStack), "stacks of matrices");
    }

    private static Operand stacked(GraphWriter writer, Operand x, List<Dim> stack) {
        var dims = new ArrayList<>(stack);
        dims.addAll(x.dims().subList(x.rank() - 2, x.rank()));
        return writer.broadcast(x, dims);
    }

    /// Without the axis that stands so far from the end.
    private static Operand without(GraphWriter writer, Operand x, int fromEnd) {
        var dims = new ArrayList<>(x.dims());
        dims.remove(x.rank() - fromEnd);
        return writer.reshape(x, dims);
    }

    private static Operand gemm(Call call) {
        var writer = call.writer();
        var left = transposed(call, call.input(0), "transA");
        var right = transposed(call, call.input(1), "transB");
        double alpha = call.number("alpha", 1);
        double beta = call.number("beta", 1);
        var element = left.element();
        var product = product(writer, left, right);
        var scaled = alpha == 1 ? product : writer.map(product, (s, x) -> s.mul(x, s.number(x, alpha)));
        var bias = call.optional(2);
        if (bias.isEmpty() || beta == 0) {
            return scaled;
        }
        return writer.mapTo(
                scaled.dims(),
                element,
                List.of(scaled, bias.get()),
                (s, v) -> s.add(v.get(0), beta == 1 ? v.get(1) : s.mul(v.get(1), s.number(v.get(1), beta))));
    }

    private static Operand transposed(Call call, Operand x, String flag) {
        if (x.rank() != 2) {
            throw call.error("expected matrices, found %s".formatted(x.type()));
        }
        return call.flag(flag, false) ? call.writer().transpose(x, List.of(1, 0)) : x;
    }

    /// Products of integers less their zero points, in i32.
    private static Operand integerProduct(Call call) {
        var writer = call.writer();
        var left = call.input(0);
        var right = call.input(1);
        var leftZero = call.optional(2)
                .map(zero -> zero.rank() == 1 && left.rank() > 1
                        ? writer.reshape(zero, List.of(zero.dim(0), Dim.ONE))
                        : zero);
        return product(
                writer,
                centred(writer, left, leftZero),
                centred(writer, right, call.optional(3)),
                ElementType.I32,
                ElementType.I32);
    }

    /// The difference to a zero point, as i32. Without one the elements stay as narrow as they are.
    static Operand centred(GraphWriter writer, Operand x, Optional<Operand> zero) {
        if (zero.isEmpty() || isZero(zero.get())) {
            return x;
        }
        return writer.map(
                ElementType.I32,
                x,
                zero.get(),
                (s, a, b) -> s.sub(s.cast(a, ElementType.I32), s.cast(b, ElementType.I32)));
    }

    private static boolean isZero(Operand zero) {
        return zero.elements()
                .map(elements -> elements.stream().allMatch(Element.of(0)::equals))
                .orElse(false);
    }
}
