package org.portolan.cuda.emulator;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.portolan.cuda.image.CudaImage;
import org.portolan.cuda.image.KernelEntry;
import org.portolan.runtime.PortolanException.DeviceFailed;
import org.portolan.runtime.PortolanException.DeviceLost;
import org.portolan.runtime.PortolanException.LimitExceeded;
import org.portolan.runtime.device.DeviceHealth;
import org.portolan.runtime.device.KernelImage;
import org.portolan.runtime.device.StopSignal;

class EmulatedDeviceTest {
    /// {@code x[i] += 1} for i below n; the parameters are x, n and the error word.
    private static final String INCREMENT =
            """
            // kernel increment
            // of Add_7
            .version 7.0
            .target TARGET
            .address_size 64
            .extern .shared .align 16 .b8 dynamic[];
            .visible .entry increment(.param .u64 x, .param .u64 n, .param .u64 error) BOUNDS
            {
              .reg .b64 %rd<9>; .reg .b32 %r<9>; .reg .pred %p<2>;
              ld.param.u64 %rd1, [x]; ld.param.u64 %rd2, [n];
              mov.u32 %r1, %tid.x; mov.u32 %r2, %ctaid.x; mov.u32 %r3, %ntid.x;
              mad.lo.u32 %r4, %r2, %r3, %r1; cvt.u64.u32 %rd3, %r4;
              setp.ge.u64 %p1, %rd3, %rd2;
              @%p1 bra END;
              shl.b64 %rd4, %rd3, 2; add.s64 %rd4, %rd4, %rd1;
              ld.global.u32 %r5, [%rd4]; add.u32 %r5, %r5, 1; st.global.u32 [%rd4], %r5;
            END: ret;
            }
            """;

    private static CudaImage image(String target, String bounds, int threads, long shared) {
        var entry = new KernelEntry("increment", threads, KernelEntry.Points.THREADS, shared, 2);
        var text = INCREMENT.replace("TARGET", target).replace("BOUNDS", bounds);
        return new CudaImage(target, List.of(new CudaImage.Module(entry, text, Optional.empty())));
    }

    private static EmulatedDevice open(String architecture, long memory) {
        var settings = new Settings(architecture, memory, true, Optional.empty());
        var description = new EmulatedCuda().list(0).getFirst();
        return new EmulatedDevice(description, Architecture.of(architecture).orElseThrow(), settings, 2);
    }

    private static KernelImage load(EmulatedDevice device, CudaImage image) {
        return device.load(MemorySegment.ofArray(image.toBytes()));
    }

    @Test
    void workIsDoneWhenSomebodyWaits() {
        try (var device = open("sm_80", 1 << 20);
                var image = load(device, image("sm_80", "", 128, 0));
                var queue = device.openQueue(StopSignal.NEVER);
                var arena = Arena.ofShared()) {
            var memory = device.allocate(arena, 4000, 256);
            assertEquals(0, memory.byteSize());
            var host = arena.allocate(4000, 8);
            host.fill((byte) 0);
            queue.copyIn(host, memory.address(), 4000);
            var words = arena.allocateFrom(ValueLayout.JAVA_LONG, memory.address(), 1000);
            queue.launch(image.kernel("increment"), words, 2, new long[] {1000}, 0);
            words.fill((byte) 0);
            queue.copyOut(memory.address(), host, 4000);
            assertEquals(0, host.get(ValueLayout.JAVA_INT, 0), "nobody has waited");
            queue.record().await();
            var expected = new int[1000];
            Arrays.fill(expected, 1);
            assertArrayEquals(expected, host.toArray(ValueLayout.JAVA_INT));
            assertEquals(0, queue.takeError());
        }
    }

    @Test
    void kernelsAreCountedWhenAskedFor() {
        try (var device = open("sm_80", 1 << 20);
                var image = load(device, image("sm_80", "", 128, 0));
                var queue = device.openQueue(StopSignal.NEVER);
                var arena = Arena.ofShared()) {
            assertEquals(List.of(), device.counts());
            device.count();
            var memory = device.allocate(arena, 4000, 256);
            var host = arena.allocate(4000, 8);
            queue.copyIn(host, memory.address(), 4000);
            var words = arena.allocateFrom(ValueLayout.JAVA_LONG, memory.address(), 1000);
            queue.launch(image.kernel("increment"), words, 2, new long[] {1000}, 0);
            queue.record().await();
            var counts = device.counts().getFirst();
            assertEquals("increment", counts.kernel());
            assertEquals("Add_7", counts.origin());
            assertEquals(1, counts.launches());
            // 1000 threads are 32 warps: each reads and writes 32 neighbouring words, the last one 8.
            assertEquals(32, counts.executed().get("ld.global"));
            assertEquals(64.0, counts.figures().get("global requests"));
            assertEquals((31 * 4 + 1) * 2 / 64.0, counts.figures().get("sectors/request"));
            assertEquals(0.0, counts.figures().get("shared requests"));
            device.count();
            assertEquals(List.of(), device.counts());
        }
    }

    @Test
    void aFaultLosesTheDevice() {
        try (var device = open("sm_80", 1 << 20);
                var image = load(device, image("sm_80", "", 128, 0));
                var queue = device.openQueue(StopSignal.NEVER);
                var arena = Arena.ofShared()) {
            var memory = device.allocate(arena, 400, 256);
            queue.copyIn(arena.allocate(400, 8), memory.address(), 400);
            queue.launch(
                    image.kernel("increment"),
                    arena.allocateFrom(ValueLayout.JAVA_LONG, memory.address(), 101),
                    2,
                    new long[] {101},
                    0);
            var point = queue.record();
            assertEquals(DeviceHealth.WORKING, device.health());
            var lost = assertThrows(DeviceLost.class, point::await);
            assertTrue(
                    lost.getMessage().contains("kernel 'increment' of Add_7, PTX line 16")
                            && lost.getMessage().contains("thread (100, 0, 0)")
                            && lost.getMessage().contains("0 bytes beyond the end of the 400 bytes"),
                    lost.getMessage());
            assertEquals(DeviceHealth.LOST, device.health());
            assertThrows(DeviceLost.class, () -> device.allocate(arena, 8, 8));
            assertThrows(DeviceLost.class, queue::takeError);
        }
    }

    @Test
    void memoryEnds() {
        try (var device = open("sm_80", 1000);
                var arena = Arena.ofShared()) {
            try (var inner = Arena.ofShared()) {
                device.allocate(inner, 900, 8);
                var refused = assertThrows(LimitExceeded.class, () -> device.allocate(arena, 200, 8));
                assertTrue(refused.getMessage().contains("100 of its 1000 bytes"), refused.getMessage());
            }
            device.allocate(arena, 200, 8);
        }
    }

    private static String refused(String architecture, CudaImage image, long points) {
        try (var device = open(architecture, 1 << 20);
                var loaded = load(device, image);
                var queue = device.openQueue(StopSignal.NEVER);
                var arena = Arena.ofShared()) {
            var words = arena.allocateFrom(ValueLayout.JAVA_LONG, 0, 0);
            return assertThrows(
                            DeviceFailed.class,
                            () -> queue.launch(loaded.kernel("increment"), words, 2, new long[] {points}, 0))
                    .getMessage();
        }
    }

    @Test
    void launchesBeyondTheLimitsAreRefused() {
        var threads = refused("sm_80", image("sm_80", "", 2048, 0), 5000);
        assertTrue(threads.contains("a block of (2048, 1, 1) threads; sm_80 takes up to 1024"), threads);
        var shared = refused("sm_75", image("sm_75", "", 128, 70_000), 1);
        assertTrue(shared.contains("70000 bytes of shared memory; a block of sm_75 has up to 65536"), shared);
        var most = refused("sm_80", image("sm_80", ".maxntid 64, 1, 1", 128, 0), 1);
        assertTrue(most.contains(".maxntid (64, 1, 1)"), most);
        var required = refused("sm_80", image("sm_80", ".reqntid 64", 128, 0), 1);
        assertTrue(required.contains(".reqntid (64, 1, 1)"), required);
        var registers = refused("sm_80", image("sm_80", ".maxnreg 255", 1024, 0), 1);
        assertTrue(registers.contains("255 registers each; sm_80 has 65536"), registers);
        var grid = refused("sm_80", image("sm_80", "", 1, 0), 1L << 31);
        assertTrue(grid.contains("a grid of 2147483648 blocks"), grid);
    }

    @Test
    void codeForNewerChipsIsRefused() {
        try (var device = open("sm_80", 1 << 20)) {
            var newer = assertThrows(DeviceFailed.class, () -> load(device, image("sm_90", "", 128, 0)));
            assertTrue(newer.getMessage().contains("was compiled for sm_90; the emulated device is sm_80"), newer.getMessage());
            var special = assertThrows(DeviceFailed.class, () -> load(device, image("sm_90a", "", 128, 0)));
            assertTrue(special.getMessage().contains("sm_90a"), special.getMessage());
            load(device, image("sm_75", "", 128, 0)).close();
        }
    }
}
