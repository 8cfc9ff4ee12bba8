package org.portolan.cuda.emulator;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashMap;
import java.util.NoSuchElementException;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.portolan.cuda.emulator.decode.KernelDecoder;
import org.portolan.cuda.emulator.run.KernelFault;
import org.portolan.cuda.emulator.text.PtxReader;
import org.portolan.cuda.emulator.text.PtxRefused;
import org.portolan.runtime.PortolanException;

/// Text that wants the reader's stack, its memory or its time is refused, with a line and a reason.
class HostileTextTest {
    private static final String HEAD = ".version 7.0\n.target sm_80\n.address_size 64\n";
    private static final String OPEN = HEAD + ".visible .entry k(.param .u64 p0) {\n.reg .b32 %r<9>; .reg .b64 %rd<9>; .reg .pred %p<9>;\n";

    private static void read(String text) {
        var module = PtxReader.read(text);
        KernelDecoder.decode(module, module.function("k").orElseThrow(), new HashMap<>());
    }

    @ParameterizedTest
    @CsvSource({
        "100000, '{ '", "100000, 'add.s32 %r1, ['", "100000, 'add.s32 %r1, {'", "100000, '('", "100000, '{ .reg .b32 t; '",
        "3000, '{ '", "3000, '['", "200, '{ '"
    })
    void bracketsWithinEachOther(int depth, String piece) {
        var refused = assertThrows(PtxRefused.class, () -> read(OPEN + piece.repeat(depth)));
        assertTrue(refused.line() >= 1);
        var closed = OPEN + piece.repeat(depth) + "}".repeat(depth) + "ret;\n}\n";
        assertThrows(PtxRefused.class, () -> read(closed));
    }

    @ParameterizedTest
    @CsvSource({
        "'.shared .b8 big[1125899906842624];'", "'.local .b8 big[9223372036854775807];'", "'.shared .align 1073741824 .b8 big[8];'",
        "'.shared .align 3 .b8 big[8];'", "'.local .b64 a[70000]; .local .b64 b[70000];'"
    })
    void whatTakesRoom(String declaration) {
        assertThrows(PtxRefused.class, () -> read(OPEN + declaration + "ret;\n}\n"));
    }

    /// Registers that nobody uses take no room.
    @Test
    void registersThatNobodyUses() {
        read(OPEN + ".reg .b32 %q<2147483647>; .reg .b64 %z<2147483647>; mov.u32 %q2147483646, 1; ret;\n}\n");
    }

    @Test
    void manySmallThingsAreReadInTime() {
        var many = new StringBuilder(OPEN);
        for (int i = 0; i < 5_000; i++) {
            many.append("add.s32 %r1, %r1, ").append(i).append(";\nL").append(i).append(": @%p1 bra L").append(i / 2).append(";\n");
        }
        read(many.append("ret;\n}\n").toString());
    }

    /// What a mutant that is read does when it runs is a fault or a result.
    @Test
    void damagedKernelsThatRun() {
        var body = "ld.param.u64 %rd0, [p0]; mov.u32 %r1, %tid.x; mul.wide.u32 %rd2, %r1, 4; add.s64 %rd2, %rd0, %rd2;\n"
                + ".shared .align 16 .b8 tile[256]; mov.u32 %r2, tile; shl.b32 %r3, %r1, 2; add.u32 %r2, %r2, %r3;\n"
                + "st.shared.u32 [%r2], %r1; bar.sync 0; ld.shared.u32 %r4, [%r2]; setp.lt.u32 %p1, %r1, 7; @%p1 bra L;\n"
                + "mul.lo.u32 %r4, %r4, 3; L: shfl.sync.bfly.b32 %r5, %r4, 1, 31, -1; vote.sync.ballot.b32 %r6, %p1, -1;\n"
                + "fma.rn.f32 %f1, %f1, %f2, %f1; ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%r7}, [tile];\n"
                + "add.u32 %r5, %r5, %r6; st.global.u32 [%rd2], %r5; ret;\n}\n";
        var text = OPEN + ".reg .f32 %f<4>; mov.f32 %f1, 0f3F800000; mov.f32 %f2, %f1;\n" + body;
        var words = text.split("(?<=[ ,;\\[\\]])");
        var random = new Random(11);
        int ran = 0;
        int refused = 0;
        for (int round = 0; round < 1000; round++) {
            var mutant = words.clone();
            for (int change = 0; change <= round % 2; change++) {
                int at = 8 + random.nextInt(words.length - 8);
                switch (random.nextInt(3)) {
                    case 0 -> mutant[at] = words[random.nextInt(words.length)];
                    case 1 -> mutant[at] = "";
                    default -> mutant[at] = mutant[at] + words[random.nextInt(words.length)];
                }
            }
            try {
                var run = PtxRun.ofText(String.join("", mutant)).block(32);
                var asked = new int[1];
                run.stopAfter(() -> ++asked[0] > 3).run(run.buffer(new int[32]));
                ran++;
            } catch (PtxRefused | NoSuchElementException e) {
                refused++;
            } catch (KernelFault | PortolanException e) {
                assertTrue(e.getMessage() != null && !e.getMessage().contains("emulator itself failed"), String.join("", mutant) + e);
                ran++;
            }
        }
        assertTrue(ran > 100 && refused > 100, ran + " ran, " + refused + " were refused");
    }
}
