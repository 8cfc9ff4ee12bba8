package org.portolan.opencl;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Kernels under Oclgrind, which checks every access for races, bounds and values that nobody has set. It runs in a
/// process of its own, loaded as a driver: what it finds is in its log.
class OclgrindTest {
    private static final Path LIBRARY = Path.of("/usr/lib/oclgrind/liboclgrind-rt-icd.so");

    @TempDir
    Path folder;

    @ParameterizedTest
    @CsvSource({"opencl-cpu", "opencl-gpu", "opencl-gpu-intel-xe"})
    void nestsHaveNoReport(String machine) throws Exception {
        assertEquals("", run("nests", machine));
    }

    @Test
    void aPlantedRaceIsFound() throws Exception {
        assertTrue(run("race", "opencl-gpu").contains("race"));
    }

    @Test
    void aPlantedOverrunIsFound() throws Exception {
        assertTrue(run("overrun", "opencl-gpu").contains("Invalid write"));
    }

    /// What Oclgrind says.
    private String run(String what, String machine) throws IOException, InterruptedException {
        assumeTrue(Files.exists(LIBRARY), "Oclgrind is not installed (Debian: oclgrind)");
        var drivers = Files.createDirectories(folder.resolve("drivers"));
        Files.writeString(drivers.resolve("oclgrind.icd"), LIBRARY + "\n");
        var log = folder.resolve("log");
        var builder = new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-XX:+UseSerialGC",
                "-cp",
                System.getProperty("java.class.path"),
                Checked.class.getName(),
                what,
                machine);
        builder.environment().put("OCL_ICD_VENDORS", drivers.toString());
        builder.environment().put("OCLGRIND_DATA_RACES", "1");
        builder.environment().put("OCLGRIND_UNINITIALIZED", "1");
        builder.environment().put("OCLGRIND_LOG", log.toString());
        builder.redirectErrorStream(true).redirectOutput(folder.resolve("output").toFile());
        var process = builder.start();
        assertTrue(process.waitFor(5, TimeUnit.MINUTES), "Oclgrind takes too long");
        assertEquals(0, process.exitValue(), () -> read(folder.resolve("output")));
        return read(log);
    }

    private static String read(Path file) {
        try {
            return Files.exists(file) ? Files.readString(file).strip() : "";
        } catch (IOException e) {
            return e.toString();
        }
    }

    /// The process.
    static final class Checked {
        private static final String RACE =
                """
                tile.kernel <name = "race", symbols = [], grid = [1], origin = ["planted"]> { (%y: buffer<f32[64], global>) ->
                  %zero = arith.integer <value = 0> : index
                  %one = arith.integer <value = 1> : index
                  %threads = arith.integer <value = 64> : index
                  tile.for %zero, %one, %one <bind = grid> { (%block: index) ->
                    %near = tile.alloc : buffer<f32[64], shared>
                    tile.for %zero, %threads, %one <bind = lane> { (%t: index) ->
                      %v = arith.const <value = 1.0> : f32
                      tile.store %v, %near, [%t]
                      %other = tile.dim [%t] <expression = 63 - $0> : index
                      %w = tile.load %near, [%other] : f32
                      tile.store %w, %y, [%t]
                    }
                  }
                }
                """;
        private static final String OVERRUN =
                """
                tile.kernel <name = "overrun", symbols = [], grid = [65], origin = ["planted"]> { (%y: buffer<f32[64], global>) ->
                  %zero = arith.integer <value = 0> : index
                  %one = arith.integer <value = 1> : index
                  %points = arith.integer <value = 65> : index
                  tile.for %zero, %points, %one <bind = grid> { (%t: index) ->
                    %v = arith.const <value = 1.0> : f32
                    tile.store %v, %y, [%t]
                  }
                }
                """;

        private Checked() {}

        public static void main(String[] arguments) {
            var chip = DeviceKernel.chip(arguments[1]);
            switch (arguments[0]) {
                case "nests" -> {
                    var nests = new NestsOnDevice(DeviceKernel.device(), chip);
                    for (var name : NestsOnDevice.names()) {
                        nests.check(name, 3, 21);
                        nests.check(name, 1, 1);
                    }
                    nests.check("elementwise", 0, 3);
                    nests.check("row sums", 3, 0);
                for (var sizes : new int[][] {{3, 7, 5}, {1, 1, 1}, {2, 0, 3}, {0, 4, 2}}) {
                    LibraryKernelsOnDevice.check(DeviceKernel.device(), chip, sizes[0], sizes[1], sizes[2]);
                }
                }
                case "race", "overrun" -> {
                    var text = arguments[0].equals("race") ? RACE : OVERRUN;
                    try (var arena = Arena.ofConfined();
                            var kernel = new DeviceKernel(
                                    DeviceKernel.device(), List.of(DeviceKernel.kernel(text)), chip)) {
                        kernel.run(
                                arguments[0],
                                List.of(arena.allocate(256, 64)),
                                List.of(),
                                arguments[0].equals("race") ? 1 : 65);
                    }
                }
                default -> throw new IllegalArgumentException(arguments[0]);
            }
            System.exit(0);
        }
    }
}
