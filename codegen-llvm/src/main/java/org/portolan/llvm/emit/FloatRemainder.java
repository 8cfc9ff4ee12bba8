package org.portolan.llvm.emit;

/// The exact remainder of two floats: a long division of the mantissas, one bit a step. LLVM's own instruction is a
/// call of `fmod`.
final class FloatRemainder {
    private FloatRemainder() {}

    /// Adds the function for `float` or `double` to the module, and gives its name.
    static String declare(ModuleText module, String type) {
        boolean single = type.equals("float");
        var name = "portolan.rem." + (single ? "f32" : "f64");
        var integer = single ? "i32" : "i64";
        for (var function : new String[] {"umax", "umin"}) {
            module.declare(integer + " @llvm." + function + "." + integer + "(" + integer + ", " + integer + ")");
        }
        module.declare(integer + " @llvm.ctlz." + integer + "(" + integer + ", i1)");
        module.helper(name, () -> text(name, type, single ? 32 : 64, single ? 23 : 52));
        return name;
    }

    /// Both magnitudes become a whole mantissa, shifted so that its leading bit is in place, and an exponent;
    /// denormals are shifted up by their leading zeros. The left mantissa is then reduced by the right one and
    /// doubled, as often as the exponents differ; what is left is shifted back under the right exponent.
    private static String text(String name, String type, int bits, int fraction) {
        long infinity = ((1L << bits - 1 - fraction) - 1) << fraction;
        long magnitude = (1L << bits - 1) - 1;
        return """
                define internal TYPE @NAME(TYPE %x, TYPE %y) #0 {
                  %xb = bitcast TYPE %x to INT
                  %yb = bitcast TYPE %y to INT
                  %xm = and INT %xb, MAGNITUDE
                  %ym = and INT %yb, MAGNITUDE
                  %sign = xor INT %xb, %xm
                  %xbad = icmp uge INT %xm, INFINITY
                  %ynan = icmp ugt INT %ym, INFINITY
                  %yzero = icmp eq INT %ym, 0
                  %bad.1 = or i1 %xbad, %ynan
                  %bad = or i1 %bad.1, %yzero
                  br i1 %bad, label %invalid, label %valid
                invalid:
                  ret TYPE 0x7FF8000000000000
                valid:
                  %small = icmp ult INT %xm, %ym
                  br i1 %small, label %same, label %split
                same:
                  ret TYPE %x
                split:
                  %xe = lshr INT %xm, FRACTION
                  %ye = lshr INT %ym, FRACTION
                  %xf = and INT %xm, LOW
                  %yf = and INT %ym, LOW
                  %xnormal = icmp ne INT %xe, 0
                  %ynormal = icmp ne INT %ye, 0
                  %xlead = or INT %xf, ONE
                  %ylead = or INT %yf, ONE
                  %xw = select i1 %xnormal, INT %xlead, INT %xf
                  %yw = select i1 %ynormal, INT %ylead, INT %yf
                  %xexp = call INT @llvm.umax.INT(INT %xe, INT 1)
                  %yexp = call INT @llvm.umax.INT(INT %ye, INT 1)
                  %steps = sub INT %xexp, %yexp
                  br label %loop
                loop:
                  %r = phi INT [ %xw, %split ], [ %next, %step ]
                  %left = phi INT [ %steps, %split ], [ %less, %step ]
                  %cut = urem INT %r, %yw
                  %done = icmp eq INT %left, 0
                  br i1 %done, label %end, label %step
                step:
                  %room = call INT @llvm.umin.INT(INT %left, INT ROOM)
                  %next = shl INT %cut, %room
                  %less = sub INT %left, %room
                  br label %loop
                end:
                  %zero = icmp eq INT %cut, 0
                  %lead = call INT @llvm.ctlz.INT(INT %cut, i1 false)
                  %distance = sub INT %lead, LEADING
                  %most = sub INT %yexp, 1
                  %shift = call INT @llvm.umin.INT(INT %distance, INT %most)
                  %shifted = shl INT %cut, %shift
                  %exponent = sub INT %yexp, %shift
                  %hidden = icmp uge INT %shifted, ONE
                  %without = sub INT %shifted, ONE
                  %place = shl INT %exponent, FRACTION
                  %joined = or INT %without, %place
                  %finite = select i1 %hidden, INT %joined, INT %shifted
                  %magnitude = select i1 %zero, INT 0, INT %finite
                  %bits = or INT %magnitude, %sign
                  %result = bitcast INT %bits to TYPE
                  ret TYPE %result
                }
                """
                .replace("TYPE", type)
                .replace("NAME", name)
                .replace("MAGNITUDE", Long.toString(magnitude))
                .replace("INFINITY", Long.toString(infinity))
                .replace("FRACTION", Integer.toString(fraction))
                .replace("LOW", Long.toString((1L << fraction) - 1))
                .replace("ONE", Long.toString(1L << fraction))
                .replace("ROOM", Integer.toString(bits - fraction - 1))
                .replace("LEADING", Integer.toString(bits - fraction - 1))
                .replace("INT", "i" + bits);
    }
}
