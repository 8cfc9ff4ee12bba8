package org.portolan.runtime.selftest.suite;

import java.util.Arrays;
import java.util.Objects;
import java.util.function.Supplier;

/// What a check says of what it sees.
final class Expect {
    private Expect() {}

    /// Work that may fail.
    @FunctionalInterface
    interface Work {
        void run() throws Exception;
    }

    static void holds(boolean condition) {
        holds(condition, "");
    }

    static void holds(boolean condition, String what) {
        holds(condition, () -> what);
    }

    static void holds(boolean condition, Supplier<String> what) {
        if (!condition) {
            throw new CheckFailed("it does not hold: " + what.get());
        }
    }

    static void equal(long expected, long found) {
        equal(expected, found, "");
    }

    static void equal(long expected, long found, String what) {
        equal(expected, found, () -> what);
    }

    static void equal(long expected, long found, Supplier<String> what) {
        if (expected != found) {
            throw different(Long.toString(expected), Long.toString(found), what.get());
        }
    }

    static void equal(double expected, double found) {
        equal(expected, found, "");
    }

    static void equal(double expected, double found, String what) {
        if (Double.compare(expected, found) != 0) {
            throw different(Double.toString(expected), Double.toString(found), what);
        }
    }

    static void equal(Object expected, Object found) {
        if (!Objects.equals(expected, found)) {
            throw different(String.valueOf(expected), String.valueOf(found), "");
        }
    }

    static void equal(float[] expected, float[] found) {
        equal(expected, found, "");
    }

    static void equal(float[] expected, float[] found, String what) {
        int at = Arrays.mismatch(expected, found);
        if (at >= 0) {
            var got = at < found.length ? Float.toString(found[at]) : "nothing";
            throw different(at < expected.length ? Float.toString(expected[at]) : "nothing", got, "[" + at + "] " + what);
        }
    }

    static void equal(byte[] expected, byte[] found) {
        equal(expected, found, "");
    }

    static void equal(byte[] expected, byte[] found, String what) {
        int at = Arrays.mismatch(expected, found);
        if (at >= 0) {
            throw new CheckFailed("byte " + at + " of " + expected.length + " is wrong " + what);
        }
    }

    static void equal(long[] expected, long[] found) {
        if (!Arrays.equals(expected, found)) {
            throw different(Arrays.toString(expected), Arrays.toString(found), "");
        }
    }

    private static CheckFailed different(String expected, String found, String what) {
        return new CheckFailed((what.isBlank() ? "" : what.strip() + ": ") + "found " + found + ", expected " + expected);
    }

    /// The error that the work ends with.
    static <E extends Exception> E fails(Class<E> expected, Work work) {
        return fails(expected, work, "");
    }

    static <E extends Exception> E fails(Class<E> expected, Work work, String what) {
        try {
            work.run();
        } catch (Exception problem) {
            if (expected.isInstance(problem)) {
                return expected.cast(problem);
            }
            throw new CheckFailed("expected " + expected.getSimpleName() + " and got " + problem + " " + what, problem);
        }
        throw new CheckFailed("expected " + expected.getSimpleName() + " and nothing failed " + what);
    }

    /// Leaves the check out, with the reason.
    static <T> T skip(String reason) {
        throw new CheckSkipped(reason);
    }

    static void only(boolean condition, Supplier<String> reason) {
        if (!condition) {
            skip(reason.get());
        }
    }
}
