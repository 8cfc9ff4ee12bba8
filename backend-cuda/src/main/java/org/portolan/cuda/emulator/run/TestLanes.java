package org.portolan.cuda.emulator.run;

import java.util.function.IntPredicate;
import java.util.function.LongPredicate;
import org.portolan.cuda.emulator.run.LaneFunctions.LongTest;
import org.portolan.cuda.emulator.run.LaneFunctions.WordTest;

/// Instructions that compute a predicate of each lane.
public final class TestLanes {
    private TestLanes() {}

    /// A predicate of a 32-bit operand.
    public static Instruction test1(IntPredicate function, int to, int a) {
        return OwnProfile.create(Test1.class, Test1.TYPES, function, to, a);
    }

    /// A predicate of two 32-bit operands.
    public static Instruction test2(WordTest function, int to, int a, int b) {
        return OwnProfile.create(Test2.class, Test2.TYPES, function, to, a, b);
    }

    /// A predicate of two 64-bit operands.
    public static Instruction longTest2(LongTest function, int to, int a, int b) {
        return OwnProfile.create(LongTest2.class, LongTest2.TYPES, function, to, a, b);
    }

    /// A predicate of a 64-bit operand.
    public static Instruction longTest1(LongPredicate function, int to, int a) {
        return OwnProfile.create(LongTest1.class, LongTest1.TYPES, function, to, a);
    }

    /// A predicate of a 32-bit operand.
    static final class Test1 extends Instruction {
        static final Class<?>[] TYPES = {IntPredicate.class, int.class, int.class};

        private final IntPredicate function;
        private final int to;
        private final int a;

        Test1(IntPredicate function, int to, int a) {
            this.function = function;
            this.to = to;
            this.a = a;
        }

        @Override
        void run(Warp warp, int mask) {
            var words = warp.words;
            int result = 0;
            for (int left = mask; left != 0; left &= left - 1) {
                int lane = Integer.numberOfTrailingZeros(left);
                if (function.test(words[a + lane])) {
                    result |= 1 << lane;
                }
            }
            warp.setPredicate(to, result, mask);
        }
    }

    /// A predicate of two 32-bit operands.
    static final class Test2 extends Instruction {
        static final Class<?>[] TYPES = {WordTest.class, int.class, int.class, int.class};

        private final WordTest function;
        private final int to;
        private final int a;
        private final int b;

        Test2(WordTest function, int to, int a, int b) {
            this.function = function;
            this.to = to;
            this.a = a;
            this.b = b;
        }

        @Override
        void run(Warp warp, int mask) {
            var words = warp.words;
            int result = 0;
            for (int left = mask; left != 0; left &= left - 1) {
                int lane = Integer.numberOfTrailingZeros(left);
                if (function.of(words[a + lane], words[b + lane])) {
                    result |= 1 << lane;
                }
            }
            warp.setPredicate(to, result, mask);
        }
    }

    /// A predicate of two 64-bit operands.
    static final class LongTest2 extends Instruction {
        static final Class<?>[] TYPES = {LongTest.class, int.class, int.class, int.class};

        private final LongTest function;
        private final int to;
        private final int a;
        private final int b;

        LongTest2(LongTest function, int to, int a, int b) {
            this.function = function;
            this.to = to;
            this.a = a;
            this.b = b;
        }

        @Override
        void run(Warp warp, int mask) {
            var longs = warp.longs;
            int result = 0;
            for (int left = mask; left != 0; left &= left - 1) {
                int lane = Integer.numberOfTrailingZeros(left);
                if (function.of(longs[a + lane], longs[b + lane])) {
                    result |= 1 << lane;
                }
            }
            warp.setPredicate(to, result, mask);
        }
    }

    /// A predicate of a 64-bit operand.
    static final class LongTest1 extends Instruction {
        static final Class<?>[] TYPES = {LongPredicate.class, int.class, int.class};

        private final LongPredicate function;
        private final int to;
        private final int a;

        LongTest1(LongPredicate function, int to, int a) {
            this.function = function;
            this.to = to;
            this.a = a;
        }

        @Override
        void run(Warp warp, int mask) {
            var longs = warp.longs;
            int result = 0;
            for (int left = mask; left != 0; left &= left - 1) {
                int lane = Integer.numberOfTrailingZeros(left);
                if (function.test(longs[a + lane])) {
                    result |= 1 << lane;
                }
            }
            warp.setPredicate(to, result, mask);
        }
    }
}
