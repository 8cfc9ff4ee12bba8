package org.portolan.ir.analysis;

import org.portolan.runtime.type.Dim;

/// All integers from one to another, both included; the limits of {@code long} stand for infinity.
record Interval(long low, long high) {
    private static final long MINUS_INFINITY = Long.MIN_VALUE;
    private static final long INFINITY = Long.MAX_VALUE;

    static final Interval ALL = new Interval(MINUS_INFINITY, INFINITY);
    static final Interval NATURAL = new Interval(0, INFINITY);

    boolean hasLow() {
        return low != MINUS_INFINITY;
    }

    boolean hasHigh() {
        return high != INFINITY;
    }

    Interval plus(Interval other) {
        return new Interval(
                hasLow() && other.hasLow() ? add(low, other.low) : MINUS_INFINITY,
                hasHigh() && other.hasHigh() ? add(high, other.high) : INFINITY);
    }

    Interval times(Interval other) {
        long a = multiply(low, other.low);
        long b = multiply(low, other.high);
        long c = multiply(high, other.low);
        long d = multiply(high, other.high);
        return new Interval(Math.min(Math.min(a, b), Math.min(c, d)), Math.max(Math.max(a, b), Math.max(c, d)));
    }

    Interval times(long factor) {
        return times(new Interval(factor, factor));
    }

    Interval apply(Dim.Operator operator, Interval right) {
        return switch (operator) {
            case FLOOR_DIVIDE -> right.low > 0 ? divided(right, false) : ALL;
            case CEIL_DIVIDE -> right.low > 0 ? divided(right, true) : ALL;
            case MODULO -> modulo(right);
            case MINIMUM -> new Interval(Math.min(low, right.low), Math.min(high, right.high));
            case MAXIMUM -> new Interval(Math.max(low, right.low), Math.max(high, right.high));
            case EXCLUSIVE_OR -> exclusiveOr(right);
        };
    }

    /// By a positive number: the extremes are at the corners.
    private Interval divided(Interval divisor, boolean up) {
        long lowest = low < 0 ? divide(low, divisor.low, up) : divide(low, divisor.high, up);
        long highest = high < 0 ? divide(high, divisor.high, up) : divide(high, divisor.low, up);
        return new Interval(lowest, highest);
    }

    private Interval modulo(Interval divisor) {
        if (divisor.low <= 0) {
            return ALL;
        }
        long highest = divisor.hasHigh() ? divisor.high - 1 : INFINITY;
        return new Interval(0, low >= 0 ? Math.min(high, highest) : highest);
    }

    private Interval exclusiveOr(Interval right) {
        if (low < 0 || right.low < 0) {
            return ALL;
        }
        long top = Long.highestOneBit(Math.max(high, right.high));
        return new Interval(0, hasHigh() && right.hasHigh() && top < Long.MAX_VALUE / 4 ? 2 * top - 1 : INFINITY);
    }

    private static long divide(long dividend, long divisor, boolean up) {
        if (dividend == MINUS_INFINITY || dividend == INFINITY) {
            return divisor == INFINITY && dividend == MINUS_INFINITY ? MINUS_INFINITY : dividend;
        }
        if (divisor == INFINITY) {
            // The quotient of a finite number tends to 0 from its own side.
            return up ? (dividend > 0 ? 1 : 0) : (dividend < 0 ? -1 : 0);
        }
        return up ? Math.ceilDiv(dividend, divisor) : Math.floorDiv(dividend, divisor);
    }

    private static long add(long left, long right) {
        long sum = left + right;
        if (((left ^ sum) & (right ^ sum)) < 0) {
            return left < 0 ? MINUS_INFINITY : INFINITY;
        }
        return sum;
    }

    private static long multiply(long left, long right) {
        if (left == 0 || right == 0) {
            return 0;
        }
        boolean infinite = left == MINUS_INFINITY || left == INFINITY || right == MINUS_INFINITY || right == INFINITY;
        long high = Math.multiplyHigh(left, right);
        long product = left * right;
        if (infinite || high != (product >> 63)) {
            return (left < 0) == (right < 0) ? INFINITY : MINUS_INFINITY;
        }
        return product;
    }
}
