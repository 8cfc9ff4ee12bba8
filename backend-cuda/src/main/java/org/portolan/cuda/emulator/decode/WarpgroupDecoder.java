package org.portolan.cuda.emulator.decode;

import java.util.Arrays;
import org.portolan.cuda.emulator.run.Instruction;
import org.portolan.cuda.emulator.run.Matrices.Factor;
import org.portolan.cuda.emulator.run.WarpgroupMultiply;
import org.portolan.cuda.emulator.run.WarpgroupMultiply.Form;
import org.portolan.cuda.emulator.text.PtxOperand;

/// Products of a warpgroup: 128 threads.
final class WarpgroupDecoder {
    private static final String SUPPORTED = "wgmma.fence, commit_group, wait_group, and mma_async.sync.aligned of m64nNk16 of"
            + " f16 and bf16, m64nNk8 of tf32, m64nNk32 of e4m3, e5m2, s8 and u8; N a multiple of 8 up to 256";
    private static final String SHAPE = "m64n";
    private static final int MOST_COLUMNS = 256;
    private static final int LEFT_REGISTERS = 4;

    private WarpgroupDecoder() {}

    static Instruction decode(Operation operation) {
        if (!operation.has("sync") || !operation.has("aligned")) {
            throw operation.unsupported(SUPPORTED);
        }
        if (operation.has("fence")) {
            return WarpgroupMultiply.fence();
        }
        if (operation.has("commit_group")) {
            return WarpgroupMultiply.commit();
        }
        if (operation.has("wait_group")) {
            return WarpgroupMultiply.await(operation.number(0));
        }
        if (!operation.has("mma_async")) {
            throw operation.unsupported(SUPPORTED);
        }
        return multiply(operation);
    }

    private static Instruction multiply(Operation operation) {
        var parts = operation.step().modifiers().stream()
                .filter(modifier -> !modifier.equals("satfinite"))
                .toList();
        int at = 0;
        while (at < parts.size() && !parts.get(at).startsWith(SHAPE)) {
            at++;
        }
        if (at != parts.size() - 4) {
            throw operation.unsupported(SUPPORTED);
        }
        var sumType = parts.get(at + 1);
        var left = factor(operation, parts.get(at + 2));
        var right = factor(operation, parts.get(at + 3));
        var sizes = parts.get(at).substring(SHAPE.length()).split("k", 2);
        int columns = Integer.parseInt(sizes[0]);
        boolean whole = left == Factor.S8 || left == Factor.U8;
        requireShape(operation, columns, sizes[1], left, right, whole);
        requireSums(operation, sumType, left, whole);
        var factors = operation.operand(1) instanceof PtxOperand.Vector
                ? operation.words(operation.operand(1), "b32")
                : new int[0];
        boolean sixteen = left == Factor.F16 || left == Factor.BF16;
        int[] options = options(operation, whole, sixteen, factors.length > 0);
        var form = new Form(
                left,
                right,
                columns,
                sumType.equals("f16"),
                operation.has("satfinite"),
                options[0] < 0,
                options[1] < 0,
                options[2] > 0,
                options[3] > 0);
        var sums = operation.wordsTo(operation.operand(0), "b32");
        if (sums.length != form.registers() || factors.length != 0 && factors.length != LEFT_REGISTERS) {
            throw operation.refuse("the number of registers does not fit: sums need " + form.registers()
                    + ", a left operand " + LEFT_REGISTERS);
        }
        return new WarpgroupMultiply(
                form,
                sums,
                factors,
                factors.length > 0 ? -1 : operation.wide(1, "b64"),
                operation.wide(2, "b64"),
                operation.predicate(3),
                operation.negated(3));
    }

    private static void requireShape(
            Operation operation, int columns, String depth, Factor left, Factor right, boolean whole) {
        boolean width = columns % 8 == 0 && columns > 0 && columns <= MOST_COLUMNS;
        boolean wholeWidth = !whole || columns % 16 == 0 || columns == 8 || columns == 24;
        boolean alike = left == right || left.packed() == 4 && right.packed() == 4 && whole == right.isWhole();
        if (!width || !wholeWidth || !alike || !depth.equals(Integer.toString(8 * left.packed()))) {
            throw operation.unsupported(SUPPORTED);
        }
    }

    private static void requireSums(Operation operation, String sumType, Factor left, boolean whole) {
        boolean halves = sumType.equals("f16") && left != Factor.BF16 && left != Factor.TF32;
        if (whole ? !sumType.equals("s32") : !sumType.equals("f32") && !halves) {
            throw operation.unsupported(SUPPORTED);
        }
    }

    /// The numbers at the end: both signs, and whether each operand is turned.
    private static int[] options(Operation operation, boolean whole, boolean sixteen, boolean registers) {
        int[] options = {1, 1, 0, 0};
        int expected = whole ? 4 : !sixteen ? 6 : registers ? 7 : 8;
        if (operation.count() != expected) {
            throw operation.refuse("has " + operation.count() + " operands; " + expected + " are expected");
        }
        for (int index = 4; index < expected; index++) {
            options[index == 6 && registers ? 3 : index - 4] = operation.number(index);
        }
        boolean signs = Arrays.stream(options, 0, 2).allMatch(sign -> Math.abs(sign) == 1);
        boolean turns = Arrays.stream(options, 2, 4).allMatch(turn -> turn == 0 || turn == 1);
        if (!signs || !turns) {
            throw operation.refuse("signs must be 1 or -1, and turns 0 or 1");
        }
        return options;
    }

    private static Factor factor(Operation operation, String type) {
        return Factor.of(type).orElseThrow(() -> operation.unsupported(SUPPORTED));
    }
}
