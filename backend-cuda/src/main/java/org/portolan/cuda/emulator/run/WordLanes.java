package org.portolan.cuda.emulator.run;

import java.util.function.IntBinaryOperator;
import java.util.function.IntUnaryOperator;
import java.util.function.LongToIntFunction;
import org.portolan.cuda.emulator.run.LaneFunctions.WordSelect;
import org.portolan.cuda.emulator.run.LaneFunctions.WordTernary;

/// Instructions that compute a 32-bit register of each lane.
public final class WordLanes {
    private WordLanes() {}

    /// A 32-bit result of one 32-bit operand.
    public static Instruction word1(IntUnaryOperator function, int to, int a) {
        return OwnProfile.create(Word1.class, Word1.TYPES, function, to, a);
    }

    /// A 32-bit result of two 32-bit operands.
    public static Instruction word2(IntBinaryOperator function, int to, int a, int b) {
        return OwnProfile.create(Word2.class, Word2.TYPES, function, to, a, b);
    }

    /// A 32-bit result of three 32-bit operands.
    public static Instruction word3(WordTernary function, int to, int a, int b, int c) {
        return OwnProfile.create(Word3.class, Word3.TYPES, function, to, a, b, c);
    }

    /// A 32-bit result of a 64-bit operand.
    public static Instruction wordOfLong(LongToIntFunction function, int to, int a) {
        return OwnProfile.create(WordOfLong.class, WordOfLong.TYPES, function, to, a);
    }

    /// One of two 32-bit operands, by a predicate.
    public static Instruction wordChoice(WordSelect function, int to, int a, int b, int c) {
        return OwnProfile.create(WordChoice.class, WordChoice.TYPES, function, to, a, b, c);
    }

    /// A 32-bit result of one 32-bit operand.
    static final class Word1 extends Instruction {
        static final Class<?>[] TYPES = {IntUnaryOperator.class, int.class, int.class};

        private final IntUnaryOperator function;
        private final int to;
        private final int a;

        Word1(IntUnaryOperator function, int to, int a) {
            this.function = function;
            this.to = to;
            this.a = a;
        }

        @Override
        void run(Warp warp, int mask) {
            var words = warp.words;
            if (mask == -1) {
                for (int lane = 0; lane < Warp.LANES; lane++) {
                    words[to + lane] = function.applyAsInt(words[a + lane]);
                }
                return;
            }
            for (int left = mask; left != 0; left &= left - 1) {
                int lane = Integer.numberOfTrailingZeros(left);
                words[to + lane] = function.applyAsInt(words[a + lane]);
            }
        }
    }

    /// A 32-bit result of two 32-bit operands.
    static final class Word2 extends Instruction {
        static final Class<?>[] TYPES = {IntBinaryOperator.class, int.class, int.class, int.class};

        private final IntBinaryOperator function;
        private final int to;
        private final int a;
        private final int b;

        Word2(IntBinaryOperator function, int to, int a, int b) {
            this.function = function;
            this.to = to;
            this.a = a;
            this.b = b;
        }

        @Override
        void run(Warp warp, int mask) {
            var words = warp.words;
            if (mask == -1) {
                for (int lane = 0; lane < Warp.LANES; lane++) {
                    words[to + lane] = function.applyAsInt(words[a + lane], words[b + lane]);
                }
                return;
            }
            for (int left = mask; left != 0; left &= left - 1) {
                int lane = Integer.numberOfTrailingZeros(left);
                words[to + lane] = function.applyAsInt(words[a + lane], words[b + lane]);
            }
        }
    }

    /// A 32-bit result of three 32-bit operands.
    static final class Word3 extends Instruction {
        static final Class<?>[] TYPES = {WordTernary.class, int.class, int.class, int.class, int.class};

        private final WordTernary function;
        private final int to;
        private final int a;
        private final int b;
        private final int c;

        Word3(WordTernary function, int to, int a, int b, int c) {
            this.function = function;
            this.to = to;
            this.a = a;
            this.b = b;
            this.c = c;
        }

        @Override
        void run(Warp warp, int mask) {
            var words = warp.words;
            if (mask == -1) {
                for (int lane = 0; lane < Warp.LANES; lane++) {
                    words[to + lane] = function.of(words[a + lane], words[b + lane], words[c + lane]);
                }
                return;
            }
            for (int left = mask; left != 0; left &= left - 1) {
                int lane = Integer.numberOfTrailingZeros(left);
                words[to + lane] = function.of(words[a + lane], words[b + lane], words[c + lane]);
            }
        }
    }

    /// A 32-bit result of a 64-bit operand.
    static final class WordOfLong extends Instruction {
        static final Class<?>[] TYPES = {LongToIntFunction.class, int.class, int.class};

        private final LongToIntFunction function;
        private final int to;
        private final int a;

        WordOfLong(LongToIntFunction function, int to, int a) {
            this.function = function;
            this.to = to;
            this.a = a;
        }

        @Override
        void run(Warp warp, int mask) {
            var words = warp.words;
            var longs = warp.longs;
            if (mask == -1) {
                for (int lane = 0; lane < Warp.LANES; lane++) {
                    words[to + lane] = function.applyAsInt(longs[a + lane]);
                }
                return;
            }
            for (int left = mask; left != 0; left &= left - 1) {
                int lane = Integer.numberOfTrailingZeros(left);
                words[to + lane] = function.applyAsInt(longs[a + lane]);
            }
        }
    }

    /// One of two 32-bit operands, by a predicate.
    static final class WordChoice extends Instruction {
        static final Class<?>[] TYPES = {WordSelect.class, int.class, int.class, int.class, int.class};

        private final WordSelect function;
        private final int to;
        private final int a;
        private final int b;
        private final int c;

        WordChoice(WordSelect function, int to, int a, int b, int c) {
            this.function = function;
            this.to = to;
            this.a = a;
            this.b = b;
            this.c = c;
        }

        @Override
        void run(Warp warp, int mask) {
            var words = warp.words;
            int choice = warp.predicates[c];
            if (mask == -1) {
                for (int lane = 0; lane < Warp.LANES; lane++) {
                    words[to + lane] = function.of(words[a + lane], words[b + lane], (choice >>> lane & 1) != 0);
                }
                return;
            }
            for (int left = mask; left != 0; left &= left - 1) {
                int lane = Integer.numberOfTrailingZeros(left);
                words[to + lane] = function.of(words[a + lane], words[b + lane], (choice >>> lane & 1) != 0);
            }
        }
    }
}
