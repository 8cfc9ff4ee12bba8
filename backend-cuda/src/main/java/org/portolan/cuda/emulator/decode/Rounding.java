package org.portolan.cuda.emulator.decode;

import java.math.BigDecimal;

/// Rounding other than to the nearest: the nearest number is found first and then moved by one place if it lies on the
/// wrong side of the exact value.
enum Rounding {
    NEAREST,
    ZERO,
    DOWN,
    UP;

    /// The rounding that a modifier names: rn, rz, rm, rp.
    static Rounding of(String modifier) {
        return switch (modifier) {
            case "rz" -> ZERO;
            case "rm" -> DOWN;
            case "rp" -> UP;
            default -> NEAREST;
        };
    }

    /// How far an exact value lies from a number: its sign is that of exact minus number.
    @FunctionalInterface
    interface Difference {
        int sign(BigDecimal number);
    }

    float apply(float nearest, boolean finite, Difference exact) {
        if (this == NEAREST || !finite || nearest != nearest) {
            return nearest;
        }
        if (Float.isInfinite(nearest)) {
            boolean inwards = this == ZERO || this == DOWN == nearest > 0;
            return inwards ? Math.copySign(Float.MAX_VALUE, nearest) : nearest;
        }
        int side = exact.sign(new BigDecimal(nearest));
        if (side == 0) {
            return nearest;
        }
        return switch (this) {
            case DOWN -> side < 0 ? Math.nextDown(nearest) : nearest;
            case UP -> side > 0 ? Math.nextUp(nearest) : nearest;
            case ZERO -> towardsZero(nearest, side);
            case NEAREST -> nearest;
        };
    }

    private static float towardsZero(float nearest, int side) {
        if (nearest > 0 && side < 0) {
            return Math.nextDown(nearest);
        }
        return nearest < 0 && side > 0 ? Math.nextUp(nearest) : nearest;
    }

    double apply(double nearest, boolean finite, Difference exact) {
        if (this == NEAREST || !finite || nearest != nearest) {
            return nearest;
        }
        if (Double.isInfinite(nearest)) {
            boolean inwards = this == ZERO || this == DOWN == nearest > 0;
            return inwards ? Math.copySign(Double.MAX_VALUE, nearest) : nearest;
        }
        int side = exact.sign(new BigDecimal(nearest));
        if (side == 0) {
            return nearest;
        }
        return switch (this) {
            case DOWN -> side < 0 ? Math.nextDown(nearest) : nearest;
            case UP -> side > 0 ? Math.nextUp(nearest) : nearest;
            case ZERO ->
                nearest > 0 && side < 0
                        ? Math.nextDown(nearest)
                        : nearest < 0 && side > 0 ? Math.nextUp(nearest) : nearest;
            case NEAREST -> nearest;
        };
    }

    float add(float a, float b) {
        float nearest = this == DOWN && a == -b && a != 0 && Float.isFinite(a) ? -0.0f : a + b;
        return apply(nearest, Float.isFinite(a) && Float.isFinite(b), number ->
                new BigDecimal(a).add(new BigDecimal(b)).compareTo(number));
    }

    double add(double a, double b) {
        double nearest = this == DOWN && a == -b && a != 0 && Double.isFinite(a) ? -0.0 : a + b;
        return apply(nearest, Double.isFinite(a) && Double.isFinite(b), number ->
                new BigDecimal(a).add(new BigDecimal(b)).compareTo(number));
    }

    float multiply(float a, float b) {
        return apply(a * b, Float.isFinite(a) && Float.isFinite(b), number ->
                new BigDecimal(a).multiply(new BigDecimal(b)).compareTo(number));
    }

    double multiply(double a, double b) {
        return apply(a * b, Double.isFinite(a) && Double.isFinite(b), number ->
                new BigDecimal(a).multiply(new BigDecimal(b)).compareTo(number));
    }

    float fma(float a, float b, float c) {
        boolean finite = Float.isFinite(a) && Float.isFinite(b) && Float.isFinite(c);
        return apply(Math.fma(a, b, c), finite, number -> new BigDecimal(a)
                .multiply(new BigDecimal(b))
                .add(new BigDecimal(c))
                .compareTo(number));
    }

    double fma(double a, double b, double c) {
        boolean finite = Double.isFinite(a) && Double.isFinite(b) && Double.isFinite(c);
        return apply(Math.fma(a, b, c), finite, number -> new BigDecimal(a)
                .multiply(new BigDecimal(b))
                .add(new BigDecimal(c))
                .compareTo(number));
    }

    float divide(float a, float b) {
        boolean finite = Float.isFinite(a) && Float.isFinite(b) && b != 0;
        return apply(a / b, finite, number ->
                new BigDecimal(a).compareTo(number.multiply(new BigDecimal(b))) * (b < 0 ? -1 : 1));
    }

    double divide(double a, double b) {
        boolean finite = Double.isFinite(a) && Double.isFinite(b) && b != 0;
        return apply(a / b, finite, number ->
                new BigDecimal(a).compareTo(number.multiply(new BigDecimal(b))) * (b < 0 ? -1 : 1));
    }

    float squareRoot(float a) {
        return apply((float) Math.sqrt(a), Float.isFinite(a), number ->
                new BigDecimal(a).compareTo(number.multiply(number)));
    }

    double squareRoot(double a) {
        return apply(Math.sqrt(a), Double.isFinite(a), number ->
                new BigDecimal(a).compareTo(number.multiply(number)));
    }

    /// To a shorter type.
    float shorten(double a) {
        return apply((float) a, Double.isFinite(a), number -> new BigDecimal(a).compareTo(number));
    }

    float ofLong(BigDecimal exact) {
        return apply(exact.floatValue(), true, exact::compareTo);
    }

    double ofLongToDouble(BigDecimal exact) {
        return apply(exact.doubleValue(), true, exact::compareTo);
    }

    /// To a whole number, as a float.
    double whole(double a) {
        return switch (this) {
            case NEAREST -> Math.rint(a);
            case ZERO -> a < 0 ? Math.ceil(a) : Math.floor(a);
            case DOWN -> Math.floor(a);
            case UP -> Math.ceil(a);
        };
    }
}
