package org.portolan.cuda.emulator.run;

/// The shapes of what one lane computes, where {@code java.util.function} has none.
public final class LaneFunctions {
    private LaneFunctions() {}

    /// Of three 32-bit values one.
    @FunctionalInterface
    public interface WordTernary {
        int of(int a, int b, int c);
    }

    /// Of three 64-bit values one.
    @FunctionalInterface
    public interface LongTernary {
        long of(long a, long b, long c);
    }

    /// Of two 32-bit values a 64-bit one.
    @FunctionalInterface
    public interface LongOfTwoWords {
        long of(int a, int b);
    }

    /// Of a 64-bit and a 32-bit value a 64-bit one.
    @FunctionalInterface
    public interface LongAndWord {
        long of(long a, int b);
    }

    /// Of two 32-bit values and a 64-bit one a 64-bit one.
    @FunctionalInterface
    public interface WordsAndLong {
        long of(int a, int b, long c);
    }

    /// Of a 64-bit value and two 32-bit ones a 64-bit one.
    @FunctionalInterface
    public interface LongAndWords {
        long of(long a, int b, int c);
    }

    /// One of two 32-bit values.
    @FunctionalInterface
    public interface WordSelect {
        int of(int a, int b, boolean choice);
    }

    /// One of two 64-bit values.
    @FunctionalInterface
    public interface LongSelect {
        long of(long a, long b, boolean choice);
    }

    /// A question about two 32-bit values.
    @FunctionalInterface
    public interface WordTest {
        boolean of(int a, int b);
    }

    /// A question about two 64-bit values.
    @FunctionalInterface
    public interface LongTest {
        boolean of(long a, long b);
    }
}
