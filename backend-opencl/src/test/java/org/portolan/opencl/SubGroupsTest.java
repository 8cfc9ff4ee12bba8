package org.portolan.opencl;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.foreign.Arena;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.portolan.lowering.CompileException;
import org.portolan.opencl.codegen.OpenClCodegen;
import org.portolan.runtime.PortolanException.DeviceFailed;
import org.portolan.runtime.type.ElementType;
import org.portolan.runtime.type.ElementTypes;

/// Threads of a sub-group that exchange what they have: as text, run, and refused where a device has no sub-groups. Where
/// the device has none, the kernels are run with exchanges through local memory.
class SubGroupsTest {
    private static final int THREADS = 64;

    private static String kernel(String type, long distance) {
        return """
                tile.kernel <name = "pass", symbols = [], grid = [1], origin = ["test"]> { (%x: buffer<TYPE[64], global>, %y: buffer<TYPE[64], global>) ->
                  %zero = arith.integer <value = 0> : index
                  %one = arith.integer <value = 1> : index
                  %threads = arith.integer <value = 64> : index
                  tile.for %zero, %one, %one <bind = grid> { (%block: index) ->
                    tile.for %zero, %threads, %one <bind = lane> { (%t: index) ->
                      %v = tile.load %x, [%t] : TYPE
                      %w = tile.exchange %v <distance = DISTANCE> : TYPE
                      tile.store %w, %y, [%t]
                    }
                  }
                }
                """
                .replace("TYPE", type)
                .replace("DISTANCE", Long.toString(distance));
    }

    private static String text(String machine) {
        return new OpenClCodegen()
                .emit("opencl", List.of(DeviceKernel.kernel(kernel("f32", 4))), DeviceKernel.chip(machine));
    }

    @Test
    void aMachineWithSubGroupsExchangesInThem() {
        var text = text("opencl-gpu-intel-xe");
        assertTrue(text.startsWith("//: pass pass buffers=2 symbols=0 block=64 shared=0 warp=16 of test\n"), text);
        assertTrue(text.contains("sub_group_shuffle_xor(value,") && text.contains("intel_sub_group_shuffle_xor(value,"), text);
        assertTrue(text.contains("intel_reqd_sub_group_size(16)"), text);
        assertTrue(text.contains("__kernel SUB_GROUP __attribute__((reqd_work_group_size(64, 1, 1)))"), text);
        assertTrue(text.contains(" = exchange(word, 4);"), text);
        assertTrue(text("opencl-gpu-adreno").contains("qcom_reqd_sub_group_size(\"half\")"));
        var codegen = new OpenClCodegen();
        assertTrue(codegen.requirements(DeviceKernel.chip("opencl-gpu-intel-xe")).contains("sub_group_exchange"));
        assertFalse(codegen.requirements(DeviceKernel.chip("opencl-gpu")).contains("sub_group_exchange"));
    }

    @Test
    void aMachineWithoutThemHasNoWordForIt() {
        var refusal = assertThrows(CompileException.class, () -> text("opencl-gpu"));
        assertTrue(refusal.getMessage().contains("warp = 1"), refusal.getMessage());
    }

    @Test
    void aDeviceWithoutSubGroupsRefusesTheKernels() {
        assumeTrue(DeviceKernel.isThere(), "no OpenCL device");
        var device = DeviceKernel.device();
        assumeFalse(device.description().features().contains("sub_group_exchange"), "the device has sub-groups");
        try (var arena = Arena.ofConfined()) {
            var image = arena.allocateFrom(text("opencl-gpu-intel-xe"));
            var refusal = assertThrows(DeviceFailed.class, () -> device.load(image.asSlice(0, image.byteSize() - 1)));
            assertTrue(refusal.getMessage().contains("cl_khr_subgroup_shuffle"), refusal.getMessage());
        }
    }

    @ParameterizedTest
    @CsvSource({"f32, 8", "i64, 1", "u16, 2", "f16, 4", "i8, 8", "bool, 1"})
    void everyTypeArrivesAsItIs(String name, long distance) {
        assumeTrue(DeviceKernel.isThere(), "no OpenCL device");
        var type = ElementType.parse(name);
        try (var arena = Arena.ofConfined();
                var kernel = new DeviceKernel(
                        DeviceKernel.device(),
                        List.of(DeviceKernel.kernel(kernel(name, distance))),
                        DeviceKernel.chip("opencl-gpu-intel-xe"))) {
            var x = arena.allocate(type.bytes(THREADS), 64);
            var y = arena.allocate(type.bytes(THREADS), 64);
            for (int i = 0; i < THREADS; i++) {
                long bits = type == ElementType.BOOL ? i % 3 & 1 : 0x9e37_79b9_7f4a_7c15L * (i + 1) >>> 64 - type.bits();
                ElementTypes.setBits(type, x, i, bits);
            }
            assertEquals(0, kernel.run("pass", List.of(x, y), List.of(), 1));
            for (int i = 0; i < THREADS; i++) {
                assertEquals(
                        ElementTypes.getBits(type, x, (int) (i ^ distance)), ElementTypes.getBits(type, y, i), name + " " + i);
            }
            assertTrue(x.mismatch(y) >= 0, "nothing was exchanged");
        }
    }
}
