package org.portolan.tests.hostile;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.portolan.cli.ExitCode;
import org.portolan.tests.cli.TinyOnnx;

/// Hostile models and controls through the command line, each in a process of its own: the end that is right for it, one
/// sentence of error, no signal, no stack trace, no file left behind, and nothing of a file that is none of the model's.
@EnabledOnOs(value = OS.LINUX, disabledReason = "limits of processes are set by the shell's ulimit")
class HostileModelsTest {
    private static final long GIBIBYTE = 1L << 30;
    private static final String SECRET = "TOP-SECRET-";
    private static final Pattern STACK_TRACE = Pattern.compile("(?m)^\\s+at |Exception in thread|a defect in portolan|hs_err");

    private static final Pattern OUTPUT = Pattern.compile("(?m)^y\\s+(\\S+)\\s+(.*?)\\s*-\\s+-\\s*$");

    @TempDir
    private Path scratch;

    @TestFactory
    Stream<DynamicTest> modelsOfTheManifest() throws Exception {
        var named = System.getenv("PORTOLAN_HOSTILE_MODELS");
        Assumptions.assumeTrue(named != null && !named.isBlank(), "PORTOLAN_HOSTILE_MODELS is not set: skipped");
        var folder = Path.of(named);
        var cases = new ArrayList<>(HostileCase.listed(folder));
        cases.addAll(HostileCase.listed(folder.resolve("control")));
        return judged(cases);
    }

    /// Cases that need no data: names of files that a model must not reach, and pipes, which would be waited for.
    @TestFactory
    Stream<DynamicTest> filesThatAModelMustNotReach() throws Exception {
        var secret = Files.writeString(Files.createDirectories(scratch.resolve("secrets")).resolve("s.bin"), SECRET + "0123");
        var cases = new ArrayList<HostileCase>();
        for (var location : List.of(secret.toString(), "../secrets/s.bin", "pipe.bin")) {
            var folder = Files.createDirectories(scratch.resolve("model" + cases.size()));
            if (location.equals("pipe.bin")) pipe(folder.resolve(location));
            var model = TinyOnnx.writeWithExternalData(folder.resolve("model.onnx"), location);
            cases.add(new HostileCase("E" + cases.size(), "external data at " + location, model, Set.of("reject"), List.of(), ""));
        }
        var pipe = pipe(Files.createDirectories(scratch.resolve("model-pipe")).resolve("model.onnx"));
        cases.add(new HostileCase("E" + cases.size(), "the model is a pipe", pipe, Set.of("reject"), List.of(), ""));
        return judged(cases);
    }

    private static Path pipe(Path pipe) throws IOException, InterruptedException {
        var tool = Path.of("/usr/bin/mkfifo");
        Assumptions.assumeTrue(Files.isExecutable(tool), "no mkfifo here: skipped");
        assertEquals(0, new ProcessBuilder(tool.toString(), pipe.toString()).start().waitFor());
        return pipe;
    }

    /// Runs all cases, as many at a time as there are processors but never more than two, and then judges each.
    private Stream<DynamicTest> judged(List<HostileCase> cases) throws Exception {
        var atOnce = Math.min(2, Runtime.getRuntime().availableProcessors());
        try (var pool = Executors.newFixedThreadPool(atOnce)) {
            var tests = new ArrayList<DynamicTest>();
            for (var hostile : cases) {
                Callable<LimitedRun> task = () -> run(hostile);
                var run = pool.submit(task);
                tests.add(DynamicTest.dynamicTest(hostile.toString(), () -> judge(hostile, run.get())));
            }
            return tests.stream();
        }
    }

    private LimitedRun run(HostileCase hostile) throws IOException, InterruptedException {
        var folder = Files.createDirectories(scratch.resolve("run-" + hostile.id()));
        var before = LimitedRun.leftIn(hostile.model().getParent());
        var arguments = new ArrayList<>(List.of("run", hostile.model().toString(), "--device", "cpu", "--threads", "1"));
        arguments.addAll(hostile.inputs());
        var run = LimitedRun.of(folder, arguments);
        assertEquals(before, LimitedRun.leftIn(hostile.model().getParent()), "files beside the model");
        assertEquals(List.of(), LimitedRun.leftIn(folder), "files left behind");
        return run;
    }

    private static void judge(HostileCase hostile, LimitedRun run) {
        var said = run.out() + run.err();
        assertFalse(run.endedBySignal(), () -> "ended by a signal: " + run);
        assertFalse(STACK_TRACE.matcher(said).find(), said);
        assertFalse(said.contains(SECRET), "a secret was printed");
        assertTrue(run.peakBytes() > 0 && run.peakBytes() < GIBIBYTE, () -> run.peakBytes() + " bytes were resident");
        if (run.exitCode() == ExitCode.FINE) {
            assertTrue(hostile.musts().contains("exact"), () -> "it ran: " + run.out());
            assertEquals(hostile.answer(), answer(run));
        } else {
            assertFalse(hostile.musts().equals(Set.of("exact")), said);
            assertTrue(run.exitCode() == ExitCode.FAILURE || run.exitCode() == ExitCode.OPERATOR_UNSUPPORTED, () -> "" + run);
            assertEquals(1, run.err().lines().filter(line -> line.startsWith("error: ")).count(), run::err);
            // What a missing input says: the case would not have reached the place that it is about.
            assertFalse(run.err().contains("is missing; help: --input"), run::err);
        }
    }

    /// Type, shape and values of the only output, out of the table that is printed.
    private static String answer(LimitedRun run) {
        var row = OUTPUT.matcher(run.out());
        assertTrue(row.find(), run::out);
        return (row.group(1) + " " + row.group(2)).strip();
    }
}
