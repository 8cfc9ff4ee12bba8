package org.portolan.tests.hostile;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/// One call of the command line in a process of its own that may use five seconds of processor time.
///
/// The limit counts processor time and not the clock, so that a busy machine decides nothing; the kernel itself ends a process
/// that exceeds it, which shows as an exit code above 128. A process that sleeps forever is ended after a minute.
///
/// @param exitCode what the command line ended with; above 128 where a signal ended it
/// @param peakBytes the most memory that was resident at once, as far as it was seen
record LimitedRun(int exitCode, String out, String err, long peakBytes) {
    private static final int PROCESSOR_SECONDS = 5;
    private static final int CLOCK_SECONDS = 60;
    private static final int HEAP_MIB = 512;
    private static final int KILLED = 137;
    private static final int POLL_MILLISECONDS = 10;

    /// @param folder an empty folder that the process starts in and that takes its output and its temporary files
    static LimitedRun of(Path folder, List<String> arguments) throws IOException, InterruptedException {
        var line = new ArrayList<>(List.of("/bin/sh", "-c", "ulimit -t " + PROCESSOR_SECONDS + "; ulimit -c 0; exec \"$@\"", "sh"));
        line.addAll(java(folder));
        line.addAll(arguments);
        var out = folder.resolve("out.txt");
        var err = folder.resolve("err.txt");
        var process = new ProcessBuilder(line)
                .directory(Files.createDirectories(folder.resolve("here")).toFile())
                .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
                .redirectOutput(out.toFile())
                .redirectError(err.toFile())
                .start();
        var peak = 0L;
        var end = System.nanoTime() + TimeUnit.SECONDS.toNanos(CLOCK_SECONDS);
        while (!process.waitFor(POLL_MILLISECONDS, TimeUnit.MILLISECONDS)) {
            peak = Math.max(peak, peakOf(process.pid()));
            if (System.nanoTime() > end) process.destroyForcibly();
        }
        var exit = process.exitValue();
        return new LimitedRun(exit, Files.readString(out), Files.readString(err), peak);
    }

    /// Starts fast: a short program gains nothing from the optimizing compiler or from a collector with threads.
    private static List<String> java(Path folder) throws IOException {
        var temporary = Files.createDirectories(folder.resolve("temporary"));
        return List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx" + HEAP_MIB + "m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-XX:-UsePerfData",
                "--enable-native-access=ALL-UNNAMED",
                "-Djava.io.tmpdir=" + temporary,
                "-cp",
                System.getProperty("java.class.path"),
                "org.portolan.cli.Main");
    }

    /// What the kernel calls the high-water mark of a process's resident memory; 0 where it has just ended.
    private static long peakOf(long process) {
        try (var lines = Files.lines(Path.of("/proc", "" + process, "status"))) {
            return lines.filter(line -> line.startsWith("VmHWM:"))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) << 10)
                    .findFirst()
                    .orElse(0);
        } catch (IOException | java.io.UncheckedIOException _) {
            return 0;
        }
    }

    boolean endedBySignal() {
        return exitCode > KILLED - 9;
    }

    /// Files below the folder that the process left, besides the given ones: names relative to the folder.
    static List<String> leftIn(Path folder) throws IOException {
        try (var files = Files.walk(folder)) {
            return files.filter(file -> !Files.isDirectory(file))
                    .map(file -> folder.relativize(file).toString())
                    .filter(name -> !name.equals("out.txt") && !name.equals("err.txt"))
                    .sorted()
                    .toList();
        }
    }
}
