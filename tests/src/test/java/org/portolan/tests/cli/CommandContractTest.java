package org.portolan.tests.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPairGenerator;
import java.util.Base64;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.portolan.cli.ExitCode;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.data.Json;
import org.portolan.runtime.data.NpyFiles;
import org.portolan.runtime.data.NpzFiles;

class CommandContractTest {
    @TempDir
    Path folder;

    private Path model;

    @BeforeEach
    void writeModel() throws IOException {
        model = TinyOnnx.write(folder.resolve("add.onnx"), "Add", "a", "b");
    }

    private Path inputs() throws IOException {
        var file = folder.resolve("inputs.npz");
        NpzFiles.write(file, Map.of(
                "a", Tensor.of(new float[] {1, 2, 3, 4, 5, 6}, 2, 3), "b", Tensor.of(new float[] {10, 20, 30, 40, 50, 60}, 2, 3)));
        return file;
    }

    private Path expected(float last) throws IOException {
        var file = folder.resolve("expected.npz");
        NpzFiles.write(file, Map.of("y", Tensor.of(new float[] {11, 22, 33, 44, 55, last}, 2, 3)));
        return file;
    }

    @Test
    void oneProgramFileForSeveralTargetsRunsWithoutTheModel() throws IOException {
        var program = folder.resolve("add.portolan");
        var compiled = ShellRun.of("compile", model, "-o", program, "--target", "cpu,cpu:x86-64-v3", "--json");
        assertEquals(ExitCode.FINE, compiled.exitCode(), compiled::err);
        assertEquals(2, Json.parse(compiled.out()).asMembers().get("targets").asList().size());
        Files.delete(model);
        var output = folder.resolve("out.npz");
        var run = ShellRun.of(
                "run", program, "--device", "cpu", "--threads", 1, "--inputs", inputs(), "--output", output, "--expect", expected(66));
        assertEquals(ExitCode.FINE, run.exitCode(), run::err);
        assertEquals(66, NpzFiles.read(output).get("y").getDouble(5));
    }

    @Test
    void differingNumbersExitWithThree() throws IOException {
        var run = ShellRun.of("run", model, "--inputs", inputs(), "--expect", expected(67), "--json");
        assertEquals(ExitCode.NUMBERS_DIFFER, run.exitCode(), run::err);
        var output = Json.parse(run.out()).asMembers().get("outputs").asList().getFirst().asMembers();
        assertEquals("y", output.get("name").asText());
        assertFalse(Json.parse(run.out()).asMembers().get("fellBack").asBoolean());
        assertEquals(1, output.get("largestError").asDouble());
        var tolerant = ShellRun.of("run", model, "--inputs", inputs(), "--expect", expected(67), "--atol", 2, "--rtol", 0);
        assertEquals(ExitCode.FINE, tolerant.exitCode(), tolerant::err);
    }

    @Test
    void inputsComeFromFilesLiteralsAndGenerators() throws IOException {
        var file = folder.resolve("a.npy");
        NpyFiles.write(file, Tensor.of(new float[] {1, 2, 3}, 1, 3));
        var run = ShellRun.of("run", model, "--input", "a=@" + file, "--input", "b=1x3xf32=[[1 1 2]]", "--json");
        assertEquals(ExitCode.FINE, run.exitCode(), run::err);
        var first = Json.parse(run.out()).asMembers().get("outputs").asList().getFirst().asMembers().get("first");
        assertEquals("[2.0,3.0,5.0]", first.print().replace(" ", ""));
        var random = ShellRun.of("run", model, "--input", "a=4x3xf32=random(seed=7)", "--shape", "b=4x3");
        assertEquals(ExitCode.FINE, random.exitCode(), random::err);
    }

    @Test
    void anInputWithoutADeclaredShapeHasTheAxesOfWhatIsGiven() throws IOException {
        var open = TinyOnnx.writeWithoutShapes(folder.resolve("open.onnx"), "Neg");
        var run = ShellRun.of("run", open, "--input", "x=2x1x2xf32=[1 2 3 4]", "--json");
        assertEquals(ExitCode.FINE, run.exitCode(), run::err);
        var output = Json.parse(run.out()).asMembers().get("outputs").asList().getFirst().asMembers();
        assertEquals("[2,1,2]", output.get("shape").print().replace(" ", ""));
        var bench = ShellRun.of("bench", open, "--shape", "x=3", "--seconds", 0.1);
        assertEquals(ExitCode.FINE, bench.exitCode(), bench::err);
        var check = ShellRun.of("check", open, "--shape", "x=3", "--device", "cpu");
        assertEquals(ExitCode.FINE, check.exitCode(), check::err);
        assertError(ExitCode.FAILURE, "--shape x=", ShellRun.of("compile", open, "-o", folder.resolve("open.portolan")));
    }

    @Test
    void everyUnsupportedOperatorIsListedAndExitsWithFour() throws IOException {
        var unknown = TinyOnnx.write(folder.resolve("unknown.onnx"), "Frobnicate", "a");
        var compiled = ShellRun.of("compile", unknown, "-o", folder.resolve("x.portolan"));
        assertEquals(ExitCode.OPERATOR_UNSUPPORTED, compiled.exitCode());
        assertTrue(compiled.err().contains("the_node") && compiled.err().contains("Frobnicate"), compiled::err);
        assertTrue(Files.notExists(folder.resolve("x.portolan")));
    }

    private Path pem(String name, String label, byte[] key) throws IOException {
        var body = Base64.getMimeEncoder().encodeToString(key);
        return Files.writeString(folder.resolve(name), "-----BEGIN " + label + "-----\n" + body + "\n-----END " + label + "-----\n");
    }

    @Test
    void aProgramFileIsSignedAndSignaturesAreDemanded() throws Exception {
        var keys = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
        var stranger = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
        var secret = pem("secret.pem", "PRIVATE KEY", keys.getPrivate().getEncoded());
        var trusted = pem("trusted.pem", "PUBLIC KEY", keys.getPublic().getEncoded());
        var other = pem("other.pem", "PUBLIC KEY", stranger.getPublic().getEncoded());
        var program = folder.resolve("signed.portolan");
        var compiled = ShellRun.of("compile", model, "-o", program, "--sign", secret);
        assertEquals(ExitCode.FINE, compiled.exitCode(), compiled::err);
        var run = ShellRun.of("run", program, "--device", "cpu", "--inputs", inputs(), "--trust", other + "," + trusted, "--fallback", "cpu");
        assertEquals(ExitCode.FINE, run.exitCode(), run::err);
        assertError(ExitCode.FAILURE, "sign", ShellRun.of("run", program, "--device", "cpu", "--inputs", inputs(), "--trust", other));
        assertError(ExitCode.FAILURE, "--sign", ShellRun.of("run", model, "--inputs", inputs(), "--trust", trusted));
        assertError(ExitCode.FAILURE, "PRIVATE KEY", ShellRun.of("compile", model, "-o", program, "--sign", trusted));
        assertError(ExitCode.WRONG_USAGE, "cpu", ShellRun.of("run", model, "--inputs", inputs(), "--fallback", "cuda"));
    }

    @Test
    void errorsAreOneSentenceWithAnExitCode() throws IOException {
        var program = folder.resolve("add.portolan");
        assertError(ExitCode.DEVICE_MISSING, "cuda", ShellRun.of("run", model, "--device", "cuda:9", "--shape", "a=1x3"));
        assertError(ExitCode.FAILURE, "'b'", ShellRun.of("run", model, "--shape", "a=1x3"));
        assertError(ExitCode.FAILURE, "no input 'c'", ShellRun.of("run", model, "--shape", "c=1x3"));
        assertError(ExitCode.FAILURE, "rank 3", ShellRun.of("run", model, "--shape", "a=1x3x1", "--shape", "b=1x3"));
        assertError(ExitCode.FAILURE, "no such file", ShellRun.of("run", folder.resolve("none.onnx")));
        assertError(ExitCode.WRONG_USAGE, "--shape", ShellRun.of("run", model, "--shape", "a=one"));
        assertError(ExitCode.WRONG_USAGE, "-o", ShellRun.of("compile", model));
        Files.write(program, new byte[] {'P', 'K', 3, 4, 0, 0});
        assertError(ExitCode.FAILURE, "", ShellRun.of("run", program, "--shape", "a=1x3"));
        Files.write(model, new byte[] {1, 2, 3});
        assertError(ExitCode.FAILURE, "byte", ShellRun.of("run", model, "--shape", "a=1x3"));
    }

    /// An option that would have no effect, or would hide what is asked for, is refused rather than left unused.
    @Test
    void optionsThatMeanNothingAreRefused() throws IOException {
        var pack = folder.resolve("cpu.pack");
        var program = folder.resolve("add.portolan");
        assertError(ExitCode.WRONG_USAGE, "--narrow", ShellRun.of("compile", model, "-o", program, "--keep-wide", "gather"));
        assertError(ExitCode.WRONG_USAGE, "--fallback", ShellRun.of("bench", model, "--shape", "a=1x3", "--fallback", "cpu"));
        var twin = TinyOnnx.write(Files.createDirectory(folder.resolve("other")).resolve("add.onnx"), "Sub", "a", "b");
        var twice = ShellRun.of("selftest", "--target", "cpu", "--pack", pack, "--model", model, "--model", twin);
        assertError(ExitCode.WRONG_USAGE, "add.onnx", twice);
        var none = ShellRun.of("selftest", "--target", "cpu", "--pack", pack, "--cases", folder.resolve("other"));
        assertError(ExitCode.WRONG_USAGE, "--cases", none);
        assertTrue(Files.notExists(pack));
        var ignored = Map.of("--model", model, "--cases", folder, "--share", "8", "--shape", "a=1x3");
        ignored.forEach((option, value) -> assertError(
                ExitCode.WRONG_USAGE, option, ShellRun.of("selftest", "--pack", pack, option, value)));
    }

    private static void assertError(int exitCode, String mentions, ShellRun run) {
        assertEquals(exitCode, run.exitCode(), run::err);
        assertEquals(1, run.errors().size(), run::err);
        assertTrue(run.errors().getFirst().contains(mentions), run::err);
        assertTrue(!run.err().contains("\tat ") && !run.err().contains("a defect in portolan"), run::err);
    }

    @Test
    void measurementsHaveTheirMembers() throws IOException {
        var bench = ShellRun.of("bench", model, "--seconds", 0.2, "--shape", "a=5x3", "--json");
        assertEquals(ExitCode.FINE, bench.exitCode(), bench::err);
        var members = Json.parse(bench.out()).asMembers();
        for (var name : new String[] {"loadMs", "firstMs", "peakRssMb"}) assertTrue(members.get(name).asDouble() > 0, name);
        var wall = members.get("wallMs").asMembers();
        assertTrue(wall.get("min").asDouble() <= wall.get("median").asDouble());
        assertTrue(wall.get("median").asDouble() <= wall.get("p99").asDouble());
        assertTrue(members.get("cpuMs").asMembers().get("median").asDouble() >= 0);
    }

    @Test
    void checkComparesWithTheInterpreter() throws IOException {
        var json = folder.resolve("check.json");
        var junit = folder.resolve("check.xml");
        var check = ShellRun.of("check", model, "--device", "cpu", "--shape", "a=7x3", "--json", json, "--junit", junit);
        assertEquals(ExitCode.FINE, check.exitCode(), check::err);
        var device = Json.parse(Files.readString(json)).asMembers().get("devices").asList().getFirst().asMembers();
        assertTrue(device.get("agrees").asBoolean());
        assertTrue(Files.readString(junit).contains("<testsuite name=\"cpu\" tests=\"1\" failures=\"0\""));
    }

    @Test
    void inspectShowsKernelsAndWritesOnePage() throws IOException {
        var page = folder.resolve("page.html");
        var inspect = ShellRun.of("inspect", model, "--html", page, "--json");
        assertEquals(ExitCode.FINE, inspect.exitCode(), inspect::err);
        var target = Json.parse(inspect.out()).asMembers().get("targets").asList().getFirst().asMembers();
        assertEquals(1, target.get("deviceKernels").asLong());
        assertEquals(0, target.get("hostKernels").asLong());
        var html = Files.readString(page);
        assertTrue(html.contains("<title>") && !html.contains("http:") && !html.contains("https:"), "needs nothing beside itself");
    }

    @Test
    void everyLevelCanBePrintedAndReadAgain() throws IOException {
        var graph = folder.resolve("graph.ir");
        assertEquals(ExitCode.FINE, ShellRun.of("compile", model, "--emit", "graph", "-o", graph).exitCode());
        var again = ShellRun.of("opt", graph);
        assertEquals(Files.readString(graph), again.out());
        for (var level : new String[] {"nest", "tile", "plan", "llvm", "asm"}) {
            var emitted = ShellRun.of("compile", graph, "--emit", level);
            assertEquals(ExitCode.FINE, emitted.exitCode(), emitted::err);
            assertTrue(emitted.out().length() > 50, level);
        }
        assertError(ExitCode.FAILURE, "ptx", ShellRun.of("compile", graph, "--emit", "ptx"));
    }

    @Test
    void conformanceCountsOnItsLastLine() throws IOException {
        var good = Files.createDirectories(folder.resolve("cases/good/test_data_set_0")).getParent();
        var bad = Files.createDirectories(folder.resolve("cases/bad/test_data_set_0")).getParent();
        var unknown = Files.createDirectories(folder.resolve("cases/unknown/test_data_set_0")).getParent();
        for (var each : new Path[] {good, bad, unknown}) {
            TinyOnnx.write(each.resolve("model.onnx"), each.equals(unknown) ? "Frobnicate" : "Neg", "x");
            TinyOnnx.writeTensor(each.resolve("test_data_set_0/input_0.pb"), "x", new long[] {1, 3}, 1, 2, 3);
            var last = each.equals(bad) ? 3 : -3;
            TinyOnnx.writeTensor(each.resolve("test_data_set_0/output_0.pb"), "y", new long[] {1, 3}, -1, -2, last);
        }
        var json = folder.resolve("conformance.json");
        var run = ShellRun.of("conformance", folder.resolve("cases"), "--device", "cpu", "--jobs", 2, "--json", json);
        assertEquals(ExitCode.FAILURE, run.exitCode(), run::err);
        assertEquals("1 passed, 1 failed, 1 skipped", run.lastLine());
        var document = Json.parse(Files.readString(json)).asMembers();
        var passed = document.get("passed").asList().getFirst().asMembers();
        assertEquals("good", passed.get("case").asText());
        assertEquals("cpu", passed.get("device").asText());
        assertEquals(1, passed.get("deviceKernels").asLong());
        assertTrue(document.get("failed").asList().getFirst().asMembers().get("reason").asText().contains("'y'"));
        var filtered = ShellRun.of("conformance", folder.resolve("cases"), "--filter", "good");
        assertEquals(ExitCode.FINE, filtered.exitCode());
        assertEquals("1 passed, 0 failed, 0 skipped", filtered.lastLine());
    }
}
