package org.portolan.cuda.emulator.run;

import java.util.function.IntToLongFunction;
import java.util.function.LongBinaryOperator;
import java.util.function.LongUnaryOperator;
import org.portolan.cuda.emulator.run.LaneFunctions.LongAndWord;
import org.portolan.cuda.emulator.run.LaneFunctions.LongAndWords;
import org.portolan.cuda.emulator.run.LaneFunctions.LongOfTwoWords;
import org.portolan.cuda.emulator.run.LaneFunctions.LongSelect;
import org.portolan.cuda.emulator.run.LaneFunctions.LongTernary;
import org.portolan.cuda.emulator.run.LaneFunctions.WordsAndLong;

/// Instructions that compute a 64-bit register of each lane.
public final class LongLanes {
    private LongLanes() {}

    /// A 64-bit result of one 64-bit operand.
    public static Instruction long1(LongUnaryOperator function, int to, int a) {
        return OwnProfile.create(Long1.class, Long1.TYPES, function, to, a);
    }

    /// A 64-bit result of two 64-bit operands.
    public static Instruction long2(LongBinaryOperator function, int to, int a, int b) {
        return OwnProfile.create(Long2.class, Long2.TYPES, function, to, a, b);
    }

    /// A 64-bit result of three 64-bit operands.
    public static Instruction long3(LongTernary function, int to, int a, int b, int c) {
        return OwnProfile.create(Long3.class, Long3.TYPES, function, to, a, b, c);
    }

    /// A 64-bit result of a 32-bit operand.
    public static Instruction longOfWord(IntToLongFunction function, int to, int a) {
        return OwnProfile.create(LongOfWord.class, LongOfWord.TYPES, function, to, a);
    }

    /// A 64-bit result of two 32-bit operands.
    public static Instruction longOfWords(LongOfTwoWords function, int to, int a, int b) {
        return OwnProfile.create(LongOfWords.class, LongOfWords.TYPES, function, to, a, b);
    }

    /// A 64-bit result of a 64-bit and a 32-bit operand: shifts.
    public static Instruction longOfLongWord(LongAndWord function, int to, int a, int b) {
        return OwnProfile.create(LongOfLongWord.class, LongOfLongWord.TYPES, function, to, a, b);
    }

    /// A 64-bit result of two 32-bit operands and a 64-bit one: wide multiply and add.
    public static Instruction longOfWordsLong(WordsAndLong function, int to, int a, int b, int c) {
        return OwnProfile.create(LongOfWordsLong.class, LongOfWordsLong.TYPES, function, to, a, b, c);
    }

    /// A 64-bit result of a 64-bit operand and two 32-bit ones: bit fields.
    public static Instruction longOfLongWords(LongAndWords function, int to, int a, int b, int c) {
        return OwnProfile.create(LongOfLongWords.class, LongOfLongWords.TYPES, function, to, a, b, c);
    }

    /// One of two 64-bit operands, by a predicate.
    public static Instruction longChoice(LongSelect function, int to, int a, int b, int c) {
        return OwnProfile.create(LongChoice.class, LongChoice.TYPES, function, to, a, b, c);
    }

    /// A 64-bit result of one 64-bit operand.
    static final class Long1 extends Instruction {
        static final Class<?>[] TYPES = {LongUnaryOperator.class, int.class, int.class};

        private final LongUnaryOperator function;
        private final int to;
        private final int a;

        Long1(LongUnaryOperator function, int to, int a) {
            this.function = function;
            this.to = to;
            this.a = a;
        }

        @Override
        void run(Warp warp, int mask) {
            var longs = warp.longs;
            if (mask == -1) {
                for (int lane = 0; lane < Warp.LANES; lane++) {
                    longs[to + lane] = function.applyAsLong(longs[a + lane]);
                }
                return;
            }
            for (int left = mask; left != 0; left &= left - 1) {
                int lane = Integer.numberOfTrailingZeros(left);
                longs[to + lane] = function.applyAsLong(longs[a + lane]);
            }
        }
    }

    /// A 64-bit result of two 64-bit operands.
    static final class Long2 extends Instruction {
        static final Class<?>[] TYPES = {LongBinaryOperator.class, int.class, int.class, int.class};

        private final LongBinaryOperator function;
        private final int to;
        private final int a;
        private final int b;

        Long2(LongBinaryOperator function, int to, int a, int b) {
            this.function = function;
            this.to = to;
            this.a = a;
            this.b = b;
        }

        @Override
        void run(Warp warp, int mask) {
            var longs = warp.longs;
            if (mask == -1) {
                for (int lane = 0; lane < Warp.LANES; lane++) {
                    longs[to + lane] = function.applyAsLong(longs[a + lane], longs[b + lane]);
                }
                return;
            }
            for (int left = mask; left != 0; left &= left - 1) {
                int lane = Integer.numberOfTrailingZeros(left);
                longs[to + lane] = function.applyAsLong(longs[a + lane], longs[b + lane]);
            }
        }
    }

    /// A 64-bit result of three 64-bit operands.
    static final class Long3 extends Instruction {
        static final Class<?>[] TYPES = {LongTernary.class, int.class, int.class, int.class, int.class};

        private final LongTernary function;
        private final int to;
        private final int a;
        private final int b;
        private final int c;

        Long3(LongTernary function, int to, int a, int b, int c) {
            this.function = function;
            this.to = to;
            this.a = a;
            this.b = b;
            this.c = c;
        }

        @Override
        void run(Warp warp, int mask) {
            var longs = warp.longs;
            if (mask == -1) {
                for (int lane = 0; lane < Warp.LANES; lane++) {
                    longs[to + lane] = function.of(longs[a + lane], longs[b + lane], longs[c + lane]);
                }
                return;
            }
            for (int left = mask; left != 0; left &= left - 1) {
                int lane = Integer.numberOfTrailingZeros(left);
                longs[to + lane] = function.of(longs[a + lane], longs[b + lane], longs[c + lane]);
            }
        }
    }

    /// A 64-bit result of a 32-bit operand.
    static final class LongOfWord extends Instruction {
        static final Class<?>[] TYPES = {IntToLongFunction.class, int.class, int.class};

        private final IntToLongFunction function;
        private final int to;
        private final int a;

        LongOfWord(IntToLongFunction function, int to, int a) {
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
                    longs[to + lane] = function.applyAsLong(words[a + lane]);
                }
                return;
            }
            for (int left = mask; left != 0; left &= left - 1) {
                int lane = Integer.numberOfTrailingZeros(left);
                longs[to + lane] = function.applyAsLong(words[a + lane]);
            }
        }
    }

    /// A 64-bit result of two 32-bit operands.
    static final class LongOfWords extends Instruction {
        static final Class<?>[] TYPES = {LongOfTwoWords.class, int.class, int.class, int.class};

        private final LongOfTwoWords function;
        private final int to;
        private final int a;
        private final int b;

        LongOfWords(LongOfTwoWords function, int to, int a, int b) {
            this.function = function;
            this.to = to;
            this.a = a;
            this.b = b;
        }

        @Override
        void run(Warp warp, int mask) {
            var words = warp.words;
            var longs = warp.longs;
            if (mask == -1) {
                for (int lane = 0; lane < Warp.LANES; lane++) {
                    longs[to + lane] = function.of(words[a + lane], words[b + lane]);
                }
                return;
            }
            for (int left = mask; left != 0; left &= left - 1) {
                int lane = Integer.numberOfTrailingZeros(left);
                longs[to + lane] = function.of(words[a + lane], words[b + lane]);
            }
        }
    }

    /// A 64-bit result of a 64-bit and a 32-bit operand: shifts.
    static final class LongOfLongWord extends Instruction {
        static final Class<?>[] TYPES = {LongAndWord.class, int.class, int.class, int.class};

        private final LongAndWord function;
        private final int to;
        private final int a;
        private final int b;

        LongOfLongWord(LongAndWord function, int to, int a, int b) {
            this.function = function;
            this.to = to;
            this.a = a;
            this.b = b;
        }

        @Override
        void run(Warp warp, int mask) {
            var words = warp.words;
            var longs = warp.longs;
            if (mask == -1) {
                for (int lane = 0; lane < Warp.LANES; lane++) {
                    longs[to + lane] = function.of(longs[a + lane], words[b + lane]);
                }
                return;
            }
            for (int left = mask; left != 0; left &= left - 1) {
                int lane = Integer.numberOfTrailingZeros(left);
                longs[to + lane] = function.of(longs[a + lane], words[b + lane]);
            }
        }
    }

    /// A 64-bit result of two 32-bit operands and a 64-bit one: wide multiply and add.
    static final class LongOfWordsLong extends Instruction {
        static final Class<?>[] TYPES = {WordsAndLong.class, int.class, int.class, int.class, int.class};

        private final WordsAndLong function;
        private final int to;
        private final int a;
        private final int b;
        private final int c;

        LongOfWordsLong(WordsAndLong function, int to, int a, int b, int c) {
            this.function = function;
            this.to = to;
            this.a = a;
            this.b = b;
            this.c = c;
        }

        @Override
        void run(Warp warp, int mask) {
            var words = warp.words;
            var longs = warp.longs;
            if (mask == -1) {
                for (int lane = 0; lane < Warp.LANES; lane++) {
                    longs[to + lane] = function.of(words[a + lane], words[b + lane], longs[c + lane]);
                }
                return;
            }
            for (int left = mask; left != 0; left &= left - 1) {
                int lane = Integer.numberOfTrailingZeros(left);
                longs[to + lane] = function.of(words[a + lane], words[b + lane], longs[c + lane]);
            }
        }
    }

    /// A 64-bit result of a 64-bit operand and two 32-bit ones: bit fields.
    static final class LongOfLongWords extends Instruction {
        static final Class<?>[] TYPES = {LongAndWords.class, int.class, int.class, int.class, int.class};

        private final LongAndWords function;
        private final int to;
        private final int a;
        private final int b;
        private final int c;

        LongOfLongWords(LongAndWords function, int to, int a, int b, int c) {
            this.function = function;
            this.to = to;
            this.a = a;
            this.b = b;
            this.c = c;
        }

        @Override
        void run(Warp warp, int mask) {
            var words = warp.words;
            var longs = warp.longs;
            if (mask == -1) {
                for (int lane = 0; lane < Warp.LANES; lane++) {
                    longs[to + lane] = function.of(longs[a + lane], words[b + lane], words[c + lane]);
                }
                return;
            }
            for (int left = mask; left != 0; left &= left - 1) {
                int lane = Integer.numberOfTrailingZeros(left);
                longs[to + lane] = function.of(longs[a + lane], words[b + lane], words[c + lane]);
            }
        }
    }

    /// One of two 64-bit operands, by a predicate.
    static final class LongChoice extends Instruction {
        static final Class<?>[] TYPES = {LongSelect.class, int.class, int.class, int.class, int.class};

        private final LongSelect function;
        private final int to;
        private final int a;
        private final int b;
        private final int c;

        LongChoice(LongSelect function, int to, int a, int b, int c) {
            this.function = function;
            this.to = to;
            this.a = a;
            this.b = b;
            this.c = c;
        }

        @Override
        void run(Warp warp, int mask) {
            int choice = warp.predicates[c];
            var longs = warp.longs;
            if (mask == -1) {
                for (int lane = 0; lane < Warp.LANES; lane++) {
                    longs[to + lane] = function.of(longs[a + lane], longs[b + lane], (choice >>> lane & 1) != 0);
                }
                return;
            }
            for (int left = mask; left != 0; left &= left - 1) {
                int lane = Integer.numberOfTrailingZeros(left);
                longs[to + lane] = function.of(longs[a + lane], longs[b + lane], (choice >>> lane & 1) != 0);
            }
        }
    }
}
