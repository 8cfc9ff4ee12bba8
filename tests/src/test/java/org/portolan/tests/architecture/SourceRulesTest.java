package org.portolan.tests.architecture;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/// What code may not say.
class SourceRulesTest {
    /// Names of chips, vendors' interfaces and instruction sets. Shared lowering asks the machine for a number instead.
    private static final Pattern TARGET = Pattern.compile(
            "\\b(cuda|opencl|ascend(?=[:\"])|nvptx|ptx|amdgpu|x86(?:[-_]64)?|aarch64|riscv(?:64)?|avx\\w*|neon|znver\\d|sm_\\d+|is(?:Cpu|Cuda|Gpu|Npu))\\b",
            Pattern.CASE_INSENSITIVE);

    private static final List<String> TARGET_FREE = List.of("runtime", "compiler-ir", "frontend-onnx", "kernels", "lowering");
    private static final Set<String> FORBIDDEN_PACKAGES = Set.of("target", "build", "out", "gen", "dist");
    private static final int LONGEST_FILE = 600;

    private final Checkout checkout = Checkout.find();

    @Test
    void switchesOverOperationsHaveNoDefault() {
        var operations = new HashSet<String>();
        forEachSource((_, source) -> operations.addAll(SwitchRule.declaredOperations(source)));
        operations.removeIf(SourceRulesTest::isJavasOwn); // `case Integer number` is no operation
        var rule = new SwitchRule(operations);
        var wrong = new ArrayList<String>();
        forEachSource((file, source) -> {
            if (file.toString().contains("/src/test/")) return; // a test may stop at what it does not build
            rule.violations(source).forEach(line -> wrong.add(file + ":" + line));
        });
        assertEquals(List.of(), wrong);
    }

    @Test
    void aPlantedDefaultIsFound() {
        var rule = new SwitchRule(Set.of("Add", "MatMul"));
        var planted = "int f(Op op) {\n  return switch (op) {\n case GraphOp.Add add -> 1; // default ->\n default -> 2;\n };\n}";
        assertEquals(List.of(2), rule.violations(planted));
        assertEquals(List.of(), rule.violations(planted.replace(" default -> 2;", "case MatMul(var l, var r, var o) -> 2;")));
        assertEquals(List.of(), rule.violations("switch (kind) { case ADD -> 1; default -> 2; }"));
        var nested = "switch (op) { case Add add -> { switch (n) { case 1 -> {} default -> {} } } case MatMul m -> {} }";
        assertEquals(List.of(), rule.violations(nested));
    }

    @Test
    void sharedCodeDoesNotKnowTargets() {
        var wrong = new ArrayList<String>();
        for (var module : checkout.modules()) {
            if (!TARGET_FREE.contains(module.name())) continue;
            for (var file : module.mainSources()) {
                var code = SourceText.withoutComments(Checkout.read(file));
                TARGET.matcher(code)
                        .results()
                        .forEach(match -> wrong.add(checkout.root().relativize(file) + ":"
                                + SourceText.line(code, match.start()) + " says " + match.group()));
            }
        }
        assertEquals(List.of(), wrong);
    }

    @Test
    void noPackageHasTheNameOfABuildFolder() {
        var wrong = new ArrayList<String>();
        forEachSource((file, source) -> Pattern.compile("^package\\s+([\\w.]+);", Pattern.MULTILINE)
                .matcher(source)
                .results()
                .flatMap(match -> List.of(match.group(1).split("\\.")).stream())
                .filter(FORBIDDEN_PACKAGES::contains)
                .forEach(part -> wrong.add(file + " is in a package " + part)));
        assertEquals(List.of(), wrong);
    }

    @Test
    void everyPackageSaysWhatIsInIt() {
        var folders = new HashSet<Path>();
        var described = new HashSet<Path>();
        for (var module : checkout.modules()) {
            for (var file : module.mainSources()) {
                if (file.endsWith("module-info.java")) continue;
                (file.endsWith("package-info.java") ? described : folders).add(file.getParent());
            }
        }
        folders.removeAll(described);
        assertEquals(Set.of(), folders);
    }

    @Test
    void importsNameWhatTheyBring() {
        var wrong = new ArrayList<String>();
        var pattern = Pattern.compile("^import\\s+(?:module\\s+[\\w.]+|(?:static\\s+)?[\\w.]+\\.\\*);", Pattern.MULTILINE);
        forEachSource((file, source) -> pattern.matcher(SourceText.withoutCommentsAndLiterals(source))
                .results()
                .forEach(match -> wrong.add(file + ": " + match.group())));
        assertEquals(List.of(), wrong);
    }

    @Test
    void filesAreShortEnoughToLiveIn() {
        var wrong = new ArrayList<String>();
        forEachSource((file, source) -> {
            var isDialect = !SwitchRule.declaredOperations(source).isEmpty();
            if (source.lines().count() > LONGEST_FILE && !isDialect) wrong.add(file.toString());
        });
        assertEquals(List.of(), wrong);
    }

    private static boolean isJavasOwn(String name) {
        try {
            return Class.forName("java.lang." + name) != null;
        } catch (ClassNotFoundException _) {
            return false;
        }
    }

    private void forEachSource(BiConsumer<Path, String> action) {
        var files = checkout.modules().stream().flatMap(module -> module.sources().stream()).toList();
        assertFalse(files.isEmpty());
        files.forEach(file -> action.accept(checkout.root().relativize(file), Checkout.read(file)));
    }
}
