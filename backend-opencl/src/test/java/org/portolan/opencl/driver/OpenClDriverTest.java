package org.portolan.opencl.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.portolan.opencl.DeviceKernel;
import org.portolan.runtime.PortolanException.BadProgramFile;
import org.portolan.runtime.PortolanException.DeviceFailed;
import org.portolan.runtime.PortolanException.DeviceMissing;
import org.portolan.runtime.PortolanException.LimitExceeded;
import org.portolan.runtime.device.DeviceOptions;
import org.portolan.runtime.device.StopSignal;

/// What goes wrong around devices is said in words, and the process lives.
class OpenClDriverTest {
    @TempDir
    Path folder;

    @Test
    void withoutALoaderTheListSaysHowToGetOne() throws Exception {
        var said = list("PORTOLAN_OPENCL_LIBRARY", "libNoSuchOpenCL.so.1");
        assertTrue(said.contains("libNoSuchOpenCL.so.1") && said.contains("ocl-icd-libopencl1"), said);
        assertTrue(said.contains("missing"), said);
    }

    @Test
    void withoutADriverTheListSaysHowToGetOne() throws Exception {
        assumeTrue(DeviceKernel.isThere(), "no OpenCL device");
        var said = list("OCL_ICD_VENDORS", Files.createDirectories(folder.resolve("none")).toString());
        assertTrue(said.contains("pocl-opencl-icd") && said.contains("missing"), said);
    }

    @Test
    void anotherLibraryIsNoLoader() throws Exception {
        var said = list("PORTOLAN_OPENCL_LIBRARY", "libc.so.6");
        assertTrue(said.contains("clGetPlatformIDs") && said.contains("missing"), said);
    }

    /// PoCL's LLVM takes the JVM's signals when its devices are listed.
    @Test
    void theJvmKeepsItsSignals() throws Exception {
        assumeTrue(DeviceKernel.isThere(), "no OpenCL device");
        var said = list("PORTOLAN_OPENCL_CACHE", "never");
        assertTrue(said.contains("handlers: as before"), said);
    }

    private String list(String variable, String value) throws IOException, InterruptedException {
        var output = folder.resolve("output");
        var builder = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-XX:+UseSerialGC",
                "-cp",
                System.getProperty("java.class.path"),
                Listed.class.getName());
        builder.environment().put(variable, value);
        // A library that keeps signals for the JVM (libjsig) shows other handlers than those that are set.
        builder.environment().remove("LD_PRELOAD");
        var process = builder.redirectErrorStream(true).redirectOutput(output.toFile()).start();
        assertTrue(process.waitFor(2, TimeUnit.MINUTES));
        assertEquals(0, process.exitValue(), () -> "the process did not live");
        return Files.readString(output);
    }

    /// Prints the reason of the list, and what opening a device says.
    static final class Listed {
        private Listed() {}

        public static void main(String[] arguments) {
            var before = Signals.handlers();
            var driver = new OpenClDriver();
            System.out.println(driver.list().devices() + " " + driver.list().reason());
            try {
                driver.open(0, DeviceOptions.defaults()).close();
            } catch (DeviceMissing e) {
                System.out.println("missing: " + e.getMessage());
            }
            // The JVM handles SIGSEGV (11), or there is nothing to compare.
            var after = Signals.handlers();
            boolean kept = before[11] != Signals.DEFAULT;
            for (int signal = 1; signal < before.length; signal++) {
                kept &= before[signal] == Signals.DEFAULT
                        || before[signal] == Signals.IGNORED
                        || before[signal] == after[signal];
            }
            System.out.println("handlers: " + (kept ? "as before" : Arrays.toString(before) + Arrays.toString(after)));
        }
    }

    @Test
    void aBuildErrorShowsTheLogTheTextAndTheNodes() {
        assumeTrue(DeviceKernel.isThere(), "no OpenCL device");
        var source =
                """
                //: broken broken buffers=1 symbols=0 block=0 shared=0 of /encoder/layer.0/Add
                #pragma OPENCL FP_CONTRACT OFF
                // /encoder/layer.0/Add
                __kernel void broken(__global uchar* restrict x_memory, ulong x_start, __global uint* error) {
                    x_memory[0] = no_such_thing;
                }
                """;
        try (var arena = Arena.ofConfined()) {
            var image = arena.allocate(source.length());
            image.copyFrom(MemorySegment.ofArray(source.getBytes(StandardCharsets.UTF_8)));
            var failure = assertThrows(DeviceFailed.class, () -> DeviceKernel.device().load(image));
            var message = failure.getMessage();
            assertTrue(message.contains("no_such_thing") && message.contains("/encoder/layer.0/Add"), message);
            assertTrue(message.contains("> 5:     x_memory[0] = no_such_thing;"), message);
        }
    }

    /// Kernels get the host's own addresses: what they write is there without a copy.
    @Test
    void hostMemoryIsUsedInPlace() {
        assumeTrue(DeviceKernel.isThere(), "no OpenCL device");
        var device = DeviceKernel.device();
        assumeTrue(device.description().sharesHostMemory(), "the device has memory of its own");
        var text =
                """
                //: twice twice buffers=2 symbols=0 block=0 shared=0 of test
                __kernel void twice(__global float* x, ulong x_start, __global float* y, ulong y_start, __global uint* error) {
                    y[get_global_id(0)] = 2.0f * x[get_global_id(0)];
                }
                """;
        try (var arena = Arena.ofShared();
                var image = device.load(arena.allocateFrom(
                        ValueLayout.JAVA_BYTE, text.getBytes(StandardCharsets.UTF_8)));
                var queue = device.openQueue(StopSignal.NEVER)) {
            var x = arena.allocate(64 * 4L, 128);
            var y = arena.allocate(64 * 4L, 128);
            for (int i = 0; i < 64; i++) {
                x.setAtIndex(ValueLayout.JAVA_FLOAT, i, i);
            }
            var words = arena.allocateFrom(ValueLayout.JAVA_LONG, x.address(), y.address());
            queue.launch(image.kernel("twice"), words, 2, new long[] {64}, 0);
            assertEquals(0, queue.takeError());
            for (int i = 0; i < 64; i++) {
                assertEquals(2f * i, y.getAtIndex(ValueLayout.JAVA_FLOAT, i));
            }
        }
    }

    @Test
    void whatIsNoImageIsRefused() {
        assumeTrue(DeviceKernel.isThere(), "no OpenCL device");
        try (var arena = Arena.ofConfined()) {
            assertThrows(DeviceFailed.class, () -> DeviceKernel.device().load(arena.allocateFrom("ELF")));
            assertThrows(BadProgramFile.class, () -> DeviceKernel.device().load(arena.allocateFrom("//: k k buffers=x\n")));
        }
    }

    @Test
    void errorCodesBecomeTypedSentences() {
        var resources = ErrorCode.failure(ErrorCode.OUT_OF_RESOURCES, "starting kernel k");
        assertTrue(resources instanceof LimitExceeded && resources.getMessage().contains("-5"), resources.toString());
        assertTrue(ErrorCode.failure(-54, "x").getMessage().contains("work-groups of that size"));
        assertTrue(ErrorCode.failure(-9999, "x").getMessage().contains("-9999"));
    }

    @Test
    void theCacheIsItsOwnersAlone() throws IOException {
        var cache = BinaryCache.open(folder.resolve("cache")).orElseThrow();
        assertEquals(
                "rwx------",
                PosixFilePermissions.toString(Files.getPosixFilePermissions(folder.resolve("cache"))));
        assertTrue(cache.find("key").isEmpty());
        cache.put("key", new byte[] {1, 2, 3});
        assertEquals(3, cache.find("key").orElseThrow().length);
        cache.forget("key");
        assertTrue(cache.find("key").isEmpty());
        Files.setPosixFilePermissions(folder.resolve("cache"), PosixFilePermissions.fromString("rwxrwxrwx"));
        assertTrue(BinaryCache.open(folder.resolve("cache")).isEmpty(), "a folder that others may write to");
    }
}
