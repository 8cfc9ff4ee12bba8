package org.portolan.ir.interpreter;

import java.util.Arrays;
import org.portolan.ir.GraphOp;
import org.portolan.runtime.PortolanException;
import org.portolan.runtime.device.KernelError;
import org.portolan.runtime.type.ElementType;

/// Matrix products and convolutions: rows of sums in the nearest cache, products in ascending order.
final class Contractions {
    private Contractions() {}

    static void matMul(NdArray left, NdArray right, ElementType accumulate, NdArray result) {
        int rank = result.rank();
        int rows = result.shape()[rank - 2];
        int columns = result.shape()[rank - 1];
        int depth = left.shape()[rank - 1];
        int batches = NdArray.product(result.shape(), 0, rank - 2);
        var sums = Accumulation.of(accumulate, left.elements(), right.elements(), columns);
        for (int batch = 0; batch < batches; batch++) {
            for (int i = 0; i < rows; i++) {
                int row = batch * rows + i;
                sums.clear();
                for (int k = 0; k < depth; k++) {
                    sums.add(row * depth + k, (batch * depth + k) * columns, 1, 0, 1, columns);
                }
                sums.store(result.elements(), row * columns, columns);
            }
        }
    }

    static void convolution(GraphOp.Convolution op, NdArray input, NdArray weights, long[] low, NdArray result) {
        var plan = new Windows(
                Arrays.copyOfRange(input.shape(), 2, input.rank()),
                Arrays.copyOfRange(weights.shape(), 2, weights.rank()),
                Arrays.copyOfRange(result.shape(), 2, result.rank()),
                op.strides(),
                op.dilations(),
                low);
        int groups = Math.toIntExact(op.groups());
        int channels = weights.shape()[1];
        int outputs = result.shape()[1];
        expect(
                outputs % groups == 0 && input.shape()[1] == channels * groups,
                "graph.convolution: " + input + " and " + weights + " do not fall into " + groups + " groups");
        var sums = Accumulation.of(op.accumulate(), weights.elements(), input.elements(), plan.outputPoints);
        for (int n = 0; n < result.shape()[0]; n++) {
            for (int o = 0; o < outputs; o++) {
                int first = o / (outputs / groups) * channels;
                sums.clear();
                for (int c = 0; c < channels; c++) {
                    int plane = (n * input.shape()[1] + first + c) * plan.inputPoints;
                    for (int k = 0; k < plan.windowPoints; k++) {
                        int weight = (o * channels + c) * plan.windowPoints + k;
                        plan.rows(k, (from, fromStep, to, count, inside) -> {
                            if (inside) {
                                sums.add(weight, plane + from, fromStep, to, 1, count);
                            } else {
                                sums.addZeros(weight, to, 1, count);
                            }
                        });
                    }
                }
                sums.store(result.elements(), (n * outputs + o) * plan.outputPoints, plan.outputPoints);
            }
        }
    }

    static void convolutionTranspose(
            GraphOp.ConvolutionTranspose op, NdArray input, NdArray weights, long[] low, NdArray result) {
        // The same windows with the roles of input and output exchanged: y = x * stride + k * dilation - low.
        var plan = new Windows(
                Arrays.copyOfRange(result.shape(), 2, result.rank()),
                Arrays.copyOfRange(weights.shape(), 2, weights.rank()),
                Arrays.copyOfRange(input.shape(), 2, input.rank()),
                op.strides(),
                op.dilations(),
                low);
        int groups = Math.toIntExact(op.groups());
        int perGroup = weights.shape()[1];
        int channels = input.shape()[1] / groups;
        int outputs = result.shape()[1];
        expect(
                outputs == perGroup * groups && channels * groups == input.shape()[1],
                "graph.convolution-transpose: " + input + " and " + weights + " do not fall into " + groups
                        + " groups for " + result);
        var sums = Accumulation.of(op.accumulate(), weights.elements(), input.elements(), plan.inputPoints);
        for (int n = 0; n < result.shape()[0]; n++) {
            for (int o = 0; o < outputs; o++) {
                int group = o / perGroup;
                sums.clear();
                for (int c = 0; c < channels; c++) {
                    int channel = group * channels + c;
                    int plane = (n * input.shape()[1] + channel) * plan.outputPoints;
                    for (int k = 0; k < plan.windowPoints; k++) {
                        int weight = (channel * perGroup + o % perGroup) * plan.windowPoints + k;
                        plan.rows(k, (at, atStep, from, count, inside) -> {
                            if (inside) {
                                sums.add(weight, plane + from, 1, at, atStep, count);
                            }
                        });
                    }
                }
                sums.store(result.elements(), (n * outputs + o) * plan.inputPoints, plan.inputPoints);
            }
        }
    }

    private static void expect(boolean holds, String message) {
        if (!holds) {
            throw new PortolanException.RunFailed(message, KernelError.INVALID_SIZE, -1);
        }
    }
}
