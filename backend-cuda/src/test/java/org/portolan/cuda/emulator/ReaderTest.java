package org.portolan.cuda.emulator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.NoSuchElementException;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.portolan.cuda.emulator.text.PtxOperand;
import org.portolan.cuda.emulator.text.PtxReader;
import org.portolan.cuda.emulator.text.PtxRefused;
import org.portolan.cuda.emulator.text.PtxStatement;

class ReaderTest {
    private static final String HEAD = ".version 7.0\n.target sm_80, debug\n.address_size 64\n";

    private static String refusal(String body, String... words) {
        var message = assertThrows(PtxRefused.class, () -> PtxRun.of(1, "", body)).getMessage();
        for (var word : words) {
            assertTrue(message.contains(word), () -> "'" + word + "' is not in: " + message);
        }
        return message;
    }

    @Test
    void everyKindOfDeclaration() {
        var module = PtxReader.read(HEAD
                + """
                .file 1 "a.ir"
                .const .align 4 .u32 table[3] = {1, 0x10, -1};
                .extern .shared .align 16 .b8 dynamic[];
                .visible .global .align 8 .b8 state[64];
                .visible .entry k(
                  .param .u64 .ptr .global .align 16 k_param_0,
                  .param .align 8 .b8 k_param_1[24]
                )
                .maxntid 128, 1, 1
                .minnctapersm 2
                {
                  .reg .pred %p<3>;
                  .loc 1 3 4
                  .pragma "nounroll";
                $L__BB0_1:
                  @!%p1 bra.uni $L__BB0_1; // back
                  ld.global.v2.f32 {%f1, _}, [%rd1+-8];
                  mov.f64 %fd1, 0d3FF0000000000000;
                  { .reg .b32 t; mov.b32 t, -5; }
                  /* nothing
                     more */ ret;
                }
                .section .debug_abbrev { .b8 1 .b8 2 }
                """);
        assertEquals("7.0", module.version());
        assertEquals("sm_80", module.architecture());
        assertEquals(List.of(1L, 16L, -1L), module.variables().getFirst().initial());
        assertEquals(-1, module.variables().get(1).count());
        var kernel = module.function("k").orElseThrow();
        assertEquals(List.of(128, 1, 1), kernel.bound("maxntid"));
        assertEquals(24, kernel.parameters().get(1).bytes());
        var steps = kernel.body().stream()
                .filter(PtxStatement.Step.class::isInstance)
                .map(PtxStatement.Step.class::cast)
                .toList();
        assertTrue(steps.getFirst().negated());
        assertEquals("bra.uni", steps.getFirst().fullName());
        assertEquals(
                new PtxOperand.Address(List.of(new PtxOperand.Name("%rd1", false, -8))),
                steps.get(1).operands().get(1));
        assertEquals(
                new PtxOperand.Literal(Double.doubleToRawLongBits(1), PtxOperand.Kind.DOUBLE),
                steps.get(2).operands().get(1));
        assertEquals("mov.f64 %fd1, 0d3FF0000000000000;", module.line(steps.get(2).line()));
    }

    @Test
    void whatIsNotSupportedIsRefusedByName() {
        refusal("tcgen05.fence::before_thread_sync;", "PTX line 8", "'tcgen05.", "not supported", "mma.sync");
        refusal("wgmma.mma_async.sp.sync.aligned.m64n8k32.f32.f16.f16 {%f1, %f2, %f3, %f4}, %rd0, %rd0, %r1, 0, 1, 1, 1, 0, 0;",
                "'wgmma.mma_async.sp.", "m64nNk16");
        refusal("tex.2d.v4.f32.f32 {%f1, %f2, %f3, %f4}, [%rd1, {%f1, %f2}];", "'tex.2d.v4.f32.f32'");
        refusal("cp.reduce.async.bulk.global.shared::cta.bulk_group.add.u32 [%rd0], [%r1], 16;", "without");
        refusal("cp.async.ca.shared.global [%r1], [%rd0], 12;", "copies of 4, 8 and 16 bytes");
        refusal("mbarrier.arrive_drop.shared.b64 %rd1, [%r1];", "try_wait");
        refusal("fence.proxy.alias;", ".proxy.async");
        refusal("mma.sync.aligned.m16n8k16.row.row.f32.f16.f16.f32 {%f1, %f2, %f3, %f4}, {%r1, %r2, %r3, %r4}, {%r5, %r6},"
                + " {%f1, %f2, %f3, %f4};", "m16n8k16");
        refusal("fma.rn.f8 %f1, %f1, %f1, %f1;", "no type");
        refusal("bar.red.popc.u32 %r1, 0, %p1;", "bar.sync");
    }

    @Test
    void mistakesAreTold() {
        refusal("add.s32 %r1, %r2, %rd1;", "%rd1 has 64 bits", ".s32");
        refusal("add.s32 %r1, %q2, 1;", "'%q2' is not declared");
        refusal("bra NOWHERE;", "there is no label NOWHERE");
        refusal("add.s32 %r1, %r2;", "operand 3 is missing");
        refusal("add.s32 %r1 %r2;", "column");
        refusal("ld.shared.u32 %r1, [p0];", "lies in .param");
        refusal("ld.global.u64 %r1, [%rd0];", "has only 32 bits");
        var size = assertThrows(PtxRefused.class, () -> PtxReader.read(".version 7.0 .target sm_80 .address_size 32"));
        assertTrue(size.getMessage().contains(".address_size 32"), size.getMessage());
    }

    @Test
    void sizesAreLimited() {
        refusal(".local .b8 huge[600000];", "600000 bytes of local memory", "524288");
        refusal("mov.u64 %rd1, 99999999999999999999;", "too large");
        refusal(".shared .b8 huge[4294967296];", "4294967296");
    }

    /// Text that is damaged anywhere is refused or read, and nothing else happens.
    @Test
    void damagedTextIsRefused() {
        var text = HEAD + ".visible .entry k(.param .u64 p0) {\n.reg .b32 %r<9>; .reg .b64 %rd<9>; .reg .pred %p<9>;\n"
                + "ld.param.u64 %rd1, [p0]; mov.u32 %r1, %tid.x; mad.wide.u32 %rd2, %r1, 4, %rd1;\n"
                + "setp.lt.s32 %p1, %r1, 5; @%p1 bra L; ld.global.v2.u32 {%r2, %r3}, [%rd2+8]; st.global.u32 [%rd2], %r2;\n"
                + "shfl.sync.bfly.b32 %r4|%p2, %r3, 1, 31, -1; L: ret; }\n";
        var random = new Random(3);
        int refused = 0;
        for (int round = 0; round < 1500; round++) {
            var damaged = new StringBuilder(text);
            for (int change = 0; change <= round % 3; change++) {
                int at = random.nextInt(damaged.length());
                switch (random.nextInt(3)) {
                    case 0 -> damaged.deleteCharAt(at);
                    case 1 -> damaged.setCharAt(at, text.charAt(random.nextInt(text.length())));
                    default -> damaged.insert(at, text.charAt(random.nextInt(text.length())));
                }
            }
            try {
                PtxRun.ofText(damaged.toString());
            } catch (PtxRefused e) {
                refused++;
            } catch (NoSuchElementException e) {
                // The kernel has another name now.
                refused++;
            }
        }
        assertTrue(refused > 500, refused + " were refused");
    }
}
