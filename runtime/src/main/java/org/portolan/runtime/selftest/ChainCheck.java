package org.portolan.runtime.selftest;

import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.portolan.runtime.Tensor;

/// Checks the result of a chain of equal operations, all links of it, by sums in f64 that are far less work than the chain.
final class ChainCheck {
    private static final int SAMPLES = 32;
    private static final int ROWS = 6;

    private ChainCheck() {}

    /// @param inputs those of the chain, in order
    static Finding compare(Pack.Speed speed, double tolerance, List<Tensor> inputs, Tensor found) {
        return switch (speed.work().operation()) {
            case PRODUCT -> products(speed, tolerance, inputs.get(0), inputs.get(1), found);
            case ATTENTION -> attention(speed, tolerance, inputs, found);
            case NONE, ENCODER -> Finding.FINE;
        };
    }

    /// The chain's result times a vector of ones and minus ones, against the chain done to that vector: every element of the
    /// result takes part. Of a single link some elements are looked at as well.
    private static Finding products(Pack.Speed speed, double tolerance, Tensor a, Tensor b, Tensor found) {
        int n = Math.toIntExact(a.extent(0));
        var elements = speed.links() == 1 ? elements(tolerance, speed.scale(), a, b, found) : Finding.FINE;
        if (!elements.isFine()) {
            return elements;
        }
        var random = new SplittableRandom(17);
        var vector = new double[n];
        for (int i = 0; i < n; i++) {
            vector[i] = random.nextBoolean() ? 1 : -1;
        }
        var expected = times(b, vector, 1);
        for (int link = 0; link < speed.links(); link++) {
            expected = times(a, expected, speed.scale());
        }
        var got = times(found, vector, 1);
        double size = 0;
        double difference = 0;
        for (int i = 0; i < n; i++) {
            size += expected[i] * expected[i];
            difference += (got[i] - expected[i]) * (got[i] - expected[i]);
        }
        double error = Math.sqrt(difference) / Math.sqrt(size);
        var problem = error <= tolerance
                ? ""
                : "the result times a vector differs by " + Math.sqrt(difference) + " from a vector of the length "
                        + Math.sqrt(size);
        return elements.and(new Finding(problem, error, tolerance));
    }

    private static double[] times(Tensor matrix, double[] vector, double scale) {
        int n = vector.length;
        return IntStream.range(0, n)
                .parallel()
                .mapToDouble(row -> {
                    double sum = 0;
                    for (int k = 0; k < n; k++) {
                        sum += matrix.getDouble((long) row * n + k) * vector[k];
                    }
                    return sum * scale;
                })
                .toArray();
    }

    private static Finding elements(double tolerance, double scale, Tensor a, Tensor b, Tensor found) {
        long n = a.extent(0);
        double worst = 0;
        for (long sample = 0; sample < SAMPLES; sample++) {
            long row = sample * 7919 % n;
            long column = sample * 104_729 % n;
            double sum = 0;
            double size = 0;
            for (long k = 0; k < n; k++) {
                double term = a.getDouble(row * n + k) * b.getDouble(k * n + column);
                sum += term;
                size += term * term;
            }
            double got = found.getDouble(row * n + column);
            double error = Math.abs(sum * scale - got) / (Math.sqrt(size) * scale);
            worst = Math.max(worst, error);
            if (!(error <= tolerance)) {
                return new Finding(
                        "element [" + row + ", " + column + "] is " + got + ", expected " + sum * scale, error, tolerance);
            }
        }
        return new Finding("", worst, tolerance);
    }

    /// Some rows of the queries, through the whole chain: a row depends on no other.
    private static Finding attention(Pack.Speed speed, double tolerance, List<Tensor> inputs, Tensor found) {
        int heads = Math.toIntExact(found.extent(0));
        int length = Math.toIntExact(found.extent(1));
        int size = Math.toIntExact(found.extent(2));
        double worst = 0;
        for (int sample = 0; sample < ROWS; sample++) {
            int head = sample * 7919 % heads;
            int row = sample * 104_729 % length;
            long start = ((long) head * length + row) * size;
            var query = new double[size];
            for (int i = 0; i < size; i++) {
                query[i] = inputs.get(0).getDouble(start + i);
            }
            for (int link = 0; link < speed.links(); link++) {
                query = attend(query, (long) head * length * size, length, inputs.get(1), inputs.get(2), speed.scale());
            }
            double largest = 0;
            for (double value : query) {
                largest = Math.max(largest, Math.abs(value));
            }
            for (int i = 0; i < size; i++) {
                double got = found.getDouble(start + i);
                double error = Math.abs(query[i] - got) / largest;
                worst = Math.max(worst, error);
                if (!(error <= tolerance)) {
                    return new Finding(
                            "element [" + head + ", " + row + ", " + i + "] is " + got + ", expected " + query[i], error,
                            tolerance);
                }
            }
        }
        return new Finding("", worst, tolerance);
    }

    private static double[] attend(double[] query, long head, int length, Tensor keys, Tensor values, double scale) {
        int size = query.length;
        var weights = new double[length];
        double largest = Double.NEGATIVE_INFINITY;
        for (int j = 0; j < length; j++) {
            double score = 0;
            for (int i = 0; i < size; i++) {
                score += query[i] * keys.getDouble(head + (long) j * size + i);
            }
            weights[j] = score / Math.sqrt(size);
            largest = Math.max(largest, weights[j]);
        }
        double sum = 0;
        for (int j = 0; j < length; j++) {
            weights[j] = Math.exp(weights[j] - largest);
            sum += weights[j];
        }
        var result = new double[size];
        for (int j = 0; j < length; j++) {
            for (int i = 0; i < size; i++) {
                result[i] += scale * weights[j] / sum * values.getDouble(head + (long) j * size + i);
            }
        }
        return result;
    }
}
