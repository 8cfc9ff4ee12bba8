package org.portolan.cuda.emulator;

import static org.portolan.cuda.emulator.OneInstruction.longs;
import static org.portolan.cuda.emulator.OneInstruction.words;

import java.math.BigInteger;
import org.junit.jupiter.api.Test;

class WholeNumbersTest {
    private static final long MASK = 0xFFFF_FFFFL;

    private static BigInteger unsigned(long value, int bits) {
        return BigInteger.valueOf(value).and(BigInteger.ONE.shiftLeft(bits).subtract(BigInteger.ONE));
    }

    @Test
    void sumsAndProductsOf32Bits() {
        words("add.s32 %r0, %r1, %r2;", "r", (a, b, c) -> a + b & MASK);
        words("sub.u32 %r0, %r1, %r2;", "r", (a, b, c) -> a - b & MASK);
        words("add.sat.s32 %r0, %r1, %r2;", "r", (a, b, c) ->
                Math.max(Integer.MIN_VALUE, Math.min(Integer.MAX_VALUE, (long) (int) a + (int) b)) & MASK);
        words("mul.lo.s32 %r0, %r1, %r2;", "r", (a, b, c) -> a * b & MASK);
        words("mul.hi.s32 %r0, %r1, %r2;", "r", (a, b, c) -> (long) (int) a * (int) b >> 32 & MASK);
        words("mul.hi.u32 %r0, %r1, %r2;", "r", (a, b, c) -> (a & MASK) * (b & MASK) >>> 32);
        words("mul.wide.s32 %rd0, %r1, %r2;", "rd", (a, b, c) -> (long) (int) a * (int) b);
        words("mul.wide.u32 %rd0, %r1, %r2;", "rd", (a, b, c) -> (a & MASK) * (b & MASK));
        words("mad.lo.s32 %r0, %r1, %r2, %r3;", "r", (a, b, c) -> a * b + c & MASK);
        words("mad.hi.u32 %r0, %r1, %r2, %r3;", "r", (a, b, c) -> ((a & MASK) * (b & MASK) >>> 32) + c & MASK);
        words("mad.wide.s32 %rd0, %r1, %r2, %rd3;", "rd", (a, b, c) -> (long) (int) a * (int) b + c);
        words("mad.wide.u32 %rd0, %r1, %r2, %rd3;", "rd", (a, b, c) -> (a & MASK) * (b & MASK) + c);
        words("mad24.lo.s32 %r0, %r1, %r2, %r3;", "r", (a, b, c) -> (a << 40 >> 40) * (b << 40 >> 40) + c & MASK);
        words("sad.u32 %r0, %r1, %r2, %r3;", "r", (a, b, c) -> Math.abs((a & MASK) - (b & MASK)) + c & MASK);
    }

    @Test
    void quotientsOf32Bits() {
        words("or.b32 %r4, %r2, 1; div.s32 %r0, %r1, %r4;", "r", (a, b, c) -> (long) (int) a / (int) (b | 1) & MASK);
        words("or.b32 %r4, %r2, 1; rem.s32 %r0, %r1, %r4;", "r", (a, b, c) -> (long) (int) a % (int) (b | 1) & MASK);
        words("or.b32 %r4, %r2, 1; div.u32 %r0, %r1, %r4;", "r", (a, b, c) -> (a & MASK) / (b & MASK | 1));
        words("or.b32 %r4, %r2, 1; rem.u32 %r0, %r1, %r4;", "r", (a, b, c) -> (a & MASK) % (b & MASK | 1));
    }

    @Test
    void signsAndExtremesOf32Bits() {
        words("neg.s32 %r0, %r1;", "r", (a, b, c) -> -a & MASK);
        words("abs.s32 %r0, %r1;", "r", (a, b, c) -> Math.abs((long) (int) a) & MASK);
        words("min.s32 %r0, %r1, %r2;", "r", (a, b, c) -> Math.min((int) a, (int) b) & MASK);
        words("max.u32 %r0, %r1, %r2;", "r", (a, b, c) -> Math.max(a & MASK, b & MASK));
        words("min.u32 %r0, %r1, %r2;", "r", (a, b, c) -> Math.min(a & MASK, b & MASK));
    }

    @Test
    void halves() {
        words("add.s16 %rs0, %rs1, %rs2;", "rs", (a, b, c) -> a + b & 0xFFFF);
        words("mul.lo.s16 %rs0, %rs1, %rs2;", "rs", (a, b, c) -> a * b & 0xFFFF);
        words("mul.wide.s16 %r0, %rs1, %rs2;", "r", (a, b, c) -> (short) a * (short) b & MASK);
        words("mul.wide.u16 %r0, %rs1, %rs2;", "r", (a, b, c) -> (a & 0xFFFF) * (b & 0xFFFF) & MASK);
        words("min.s16 %rs0, %rs1, %rs2;", "rs", (a, b, c) -> Math.min((short) a, (short) b) & 0xFFFF);
        words("max.u16 %rs0, %rs1, %rs2;", "rs", (a, b, c) -> Math.max(a & 0xFFFF, b & 0xFFFF));
        words("neg.s16 %rs0, %rs1;", "rs", (a, b, c) -> -a & 0xFFFF);
        words("shr.s16 %rs0, %rs1, 3;", "rs", (a, b, c) -> (short) a >> 3 & 0xFFFF);
        words("shl.b16 %rs0, %rs1, %r2;", "rs", (a, b, c) -> (b & MASK) >= 16 ? 0 : a << b & 0xFFFF);
        words("not.b16 %rs0, %rs1;", "rs", (a, b, c) -> ~a & 0xFFFF);
        words("or.b16 %rs4, %rs2, 1; div.s16 %rs0, %rs1, %rs4;", "rs", (a, b, c) -> (short) a / (short) (b | 1) & 0xFFFF);
        words("or.b16 %rs4, %rs2, 1; rem.u16 %rs0, %rs1, %rs4;", "rs", (a, b, c) -> (a & 0xFFFF) % (b & 0xFFFF | 1));
    }

    @Test
    void longNumbers() {
        longs("add.s64 %rd0, %rd1, %rd2;", "rd", (a, b, c) -> a + b);
        longs("mul.lo.s64 %rd0, %rd1, %rd2;", "rd", (a, b, c) -> a * b);
        longs("mul.hi.s64 %rd0, %rd1, %rd2;", "rd", (a, b, c) ->
                BigInteger.valueOf(a).multiply(BigInteger.valueOf(b)).shiftRight(64).longValue());
        longs("mul.hi.u64 %rd0, %rd1, %rd2;", "rd", (a, b, c) ->
                unsigned(a, 64).multiply(unsigned(b, 64)).shiftRight(64).longValue());
        longs("mad.lo.s64 %rd0, %rd1, %rd2, %rd3;", "rd", (a, b, c) -> a * b + c);
        longs("or.b64 %rd4, %rd2, 1; div.s64 %rd0, %rd1, %rd4;", "rd", (a, b, c) -> a / (b | 1));
        longs("or.b64 %rd4, %rd2, 1; rem.u64 %rd0, %rd1, %rd4;", "rd", (a, b, c) ->
                unsigned(a, 64).mod(unsigned(b | 1, 64)).longValue());
        longs("min.s64 %rd0, %rd1, %rd2;", "rd", (a, b, c) -> Math.min(a, b));
        longs("max.u64 %rd0, %rd1, %rd2;", "rd", (a, b, c) -> unsigned(a, 64).max(unsigned(b, 64)).longValue());
        longs("neg.s64 %rd0, %rd1;", "rd", (a, b, c) -> -a);
        longs("add.cc.u32 %r0, %r1, %r2; addc.u32 %r4, %r3, 0; mov.b64 %rd0, {%r0, %r4};", "rd", (a, b, c) ->
                (a & MASK) + (b & MASK) + (c << 32));
        longs("sub.cc.u64 %rd4, %rd1, %rd2; subc.u64 %rd0, %rd3, 0;", "rd", (a, b, c) ->
                c - (Long.compareUnsigned(a, b) < 0 ? 1 : 0));
    }

    @Test
    void shifts() {
        words("shl.b32 %r0, %r1, %r2;", "r", (a, b, c) -> (b & MASK) >= 32 ? 0 : a << b & MASK);
        words("shr.u32 %r0, %r1, %r2;", "r", (a, b, c) -> (b & MASK) >= 32 ? 0 : (a & MASK) >>> b);
        words("shr.s32 %r0, %r1, %r2;", "r", (a, b, c) -> (int) a >> Math.min(b & MASK, 31) & MASK);
        longs("shl.b64 %rd0, %rd1, %r2;", "rd", (a, b, c) -> (b & MASK) >= 64 ? 0 : a << b);
        longs("shr.s64 %rd0, %rd1, %r2;", "rd", (a, b, c) -> a >> Math.min(b & MASK, 63));
        longs("shr.u64 %rd0, %rd1, %r2;", "rd", (a, b, c) -> (b & MASK) >= 64 ? 0 : a >>> b);
        words("shf.l.wrap.b32 %r0, %r1, %r2, %r3;", "r", (a, b, c) ->
                ((b & MASK) << 32 | a & MASK) << (c & 31) >>> 32);
        words("shf.r.clamp.b32 %r0, %r1, %r2, %r3;", "r", (a, b, c) ->
                ((b & MASK) << 32 | a & MASK) >>> Math.min(c & MASK, 32) & MASK);
    }

    @Test
    void logic() {
        words("and.b32 %r0, %r1, %r2;", "r", (a, b, c) -> a & b & MASK);
        words("xor.b32 %r0, %r1, %r2;", "r", (a, b, c) -> (a ^ b) & MASK);
        words("not.b32 %r0, %r1;", "r", (a, b, c) -> ~a & MASK);
        words("cnot.b32 %r0, %r1;", "r", (a, b, c) -> (a & MASK) == 0 ? 1 : 0);
        words("lop3.b32 %r0, %r1, %r2, %r3, 0xCA;", "r", (a, b, c) -> (a & b | ~a & c) & MASK);
        longs("or.b64 %rd0, %rd1, %rd2;", "rd", (a, b, c) -> a | b);
        words("setp.lt.s32 %p1, %r1, %r2; setp.eq.s32 %p2, %r2, %r3; xor.pred %p0, %p1, %p2;", "p", (a, b, c) ->
                (int) a < (int) b ^ (int) b == (int) c ? 1 : 0);
        words("setp.lt.s32 %p1, %r1, %r2; not.pred %p0, %p1;", "p", (a, b, c) -> (int) a < (int) b ? 0 : 1);
    }

    @Test
    void bits() {
        words("popc.b32 %r0, %r1;", "r", (a, b, c) -> Long.bitCount(a & MASK));
        words("clz.b32 %r0, %r1;", "r", (a, b, c) -> Long.numberOfLeadingZeros(a & MASK) - 32);
        words("brev.b32 %r0, %r1;", "r", (a, b, c) -> Long.reverse(a & MASK) >>> 32);
        words("bfind.u32 %r0, %r1;", "r", (a, b, c) -> 63 - Long.numberOfLeadingZeros(a & MASK) & MASK);
        words("bfind.s32 %r0, %r1;", "r", (a, b, c) ->
                63 - Long.numberOfLeadingZeros(((int) a < 0 ? ~a : a) & MASK) & MASK);
        longs("popc.b64 %r0, %rd1;", "r", (a, b, c) -> Long.bitCount(a));
        longs("clz.b64 %r0, %rd1;", "r", (a, b, c) -> Long.numberOfLeadingZeros(a));
        words("bfe.u32 %r0, %r1, %r2, %r3;", "r", (a, b, c) -> field(a & MASK, (int) b & 255, (int) c & 255, 32, false));
        words("bfe.s32 %r0, %r1, %r2, %r3;", "r", (a, b, c) -> field(a & MASK, (int) b & 255, (int) c & 255, 32, true));
        longs("bfe.u64 %rd0, %rd1, %r2, %r3;", "rd", (a, b, c) -> field(a, (int) b & 255, (int) c & 255, 64, false));
        longs("bfe.s64 %rd0, %rd1, %r2, %r3;", "rd", (a, b, c) -> field(a, (int) b & 255, (int) c & 255, 64, true));
        words("bfi.b32 %r0, %r1, %r2, 4, 8;", "r", (a, b, c) -> (b & ~0xFF0L | a << 4 & 0xFF0) & MASK);
        words("prmt.b32 %r0, %r1, %r2, 0x7531;", "r", (a, b, c) ->
                a >>> 8 & 0xFF | (a >>> 24 & 0xFF) << 8 | (b >>> 8 & 0xFF) << 16 | (b >>> 24 & 0xFF) << 24);
        words("prmt.b32 %r0, %r1, %r2, 0x8880;", "r", (a, b, c) ->
                a & 0xFF | ((byte) a < 0 ? 0xFFFF_FF00L : 0));
        words("dp4a.s32.u32 %r0, %r1, %r2, %r3;", "r", (a, b, c) -> {
            long sum = c;
            for (int part = 0; part < 32; part += 8) {
                sum += (byte) (a >> part) * (b >> part & 0xFF);
            }
            return sum & MASK;
        });
    }

    /// Bit by bit, as the manual says it.
    private static long field(long value, int position, int length, int bits, boolean signed) {
        int top = bits - 1;
        long sign = signed && length > 0 ? value >>> Math.min(position + length - 1, top) & 1 : 0;
        long result = 0;
        for (int bit = 0; bit < bits; bit++) {
            long one = bit < length && position + bit <= top ? value >>> position + bit & 1 : sign;
            result |= one << bit;
        }
        return result;
    }

    @Test
    void choices() {
        words("setp.gt.u32 %p1, %r1, %r2; selp.b32 %r0, %r3, %r2, %p1;", "r", (a, b, c) ->
                ((a & MASK) > (b & MASK) ? c : b) & MASK);
        words("slct.s32.s32 %r0, %r1, %r2, %r3;", "r", (a, b, c) -> ((int) c >= 0 ? a : b) & MASK);
        longs("setp.le.u64 %p0, %rd1, %rd2;", "p", (a, b, c) -> Long.compareUnsigned(a, b) <= 0 ? 1 : 0);
        longs("setp.ge.s64 %p0, %rd1, %rd2;", "p", (a, b, c) -> a >= b ? 1 : 0);
        words("setp.hi.u32 %p0, %r1, %r2;", "p", (a, b, c) -> (a & MASK) > (b & MASK) ? 1 : 0);
        words("setp.lt.s16 %p0, %rs1, %rs2;", "p", (a, b, c) -> (short) a < (short) b ? 1 : 0);
        words("setp.lt.u16 %p0, %rs1, %rs2;", "p", (a, b, c) -> (a & 0xFFFF) < (b & 0xFFFF) ? 1 : 0);
        words("setp.ne.s32 %p1, %r3, 0; setp.lt.and.s32 %p0|%p2, %r1, %r2, %p1;", "p", (a, b, c) ->
                (int) a < (int) b && (int) c != 0 ? 1 : 0);
        words("setp.ne.s32 %p1, %r3, 0; setp.lt.and.s32 %p2|%p0, %r1, %r2, !%p1;", "p", (a, b, c) ->
                (int) a >= (int) b && (int) c == 0 ? 1 : 0);
        words("set.lt.u32.s32 %r0, %r1, %r2;", "r", (a, b, c) -> (int) a < (int) b ? MASK : 0);
    }
}
