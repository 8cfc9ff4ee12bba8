package org.portolan.tests.architecture;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/// Which module may know which.
class ModuleRulesTest {
    /// A module may require modules of lower levels only. A backend stands on level 5, whatever its name.
    private static final Map<String, Integer> LEVELS = Map.of(
            "runtime", 0,
            "compiler-ir", 1,
            "frontend-onnx", 2,
            "kernels", 2,
            "lowering", 3,
            "codegen-llvm", 4,
            "cli", 6,
            "tests", 6,
            "bench", 6,
            "docs", 6);

    /// The tests and the measurements stand on the command line; nothing else does.
    private static final List<String> ABOVE_CLI = List.of("tests", "bench", "docs");

    private static final Pattern REQUIRES = Pattern.compile("requires\\s+(?:transitive\\s+|static\\s+)*([\\w.]+)\\s*;");
    private static final Pattern DEPENDENCY =
            Pattern.compile("<dependency>\\s*<groupId>org.portolan</groupId>\\s*<artifactId>portolan-([\\w-]+)</artifactId>");

    private final Checkout checkout = Checkout.find();

    @Test
    void arrowsGoDown() {
        var wrong = new ArrayList<String>();
        for (var module : checkout.modules()) {
            for (var below : requiredModules(module)) {
                if (level(below) >= level(module.name()) && !mayStandOnCli(module.name(), below)) {
                    wrong.add(module.name() + " -> " + below);
                }
            }
        }
        assertEquals(List.of(), wrong);
    }

    @Test
    void theRuntimeNeedsTheJdkAndNothingElse() {
        var runtime = checkout.modules().getFirst();
        var others = REQUIRES.matcher(runtime.descriptor())
                .results()
                .map(match -> match.group(1))
                .filter(name -> !name.startsWith("java.") && !name.startsWith("jdk."))
                .toList();
        assertEquals("runtime", runtime.name());
        assertEquals(List.of(), others);
    }

    @Test
    void nothingOutsideABackendNamesIt() {
        var wrong = new ArrayList<String>();
        for (var backend : checkout.modules().stream().filter(Checkout.Module::isBackend).toList()) {
            var name = Pattern.compile("\\b" + Pattern.quote(backend.moduleName()) + "\\b");
            for (var other : checkout.modules()) {
                if (other.name().equals(backend.name())) continue;
                for (var file : Checkout.files(other.folder().resolve("src"), _ -> true)) {
                    if (isText(file.toString()) && name.matcher(Checkout.read(file)).find()) {
                        wrong.add(checkout.root().relativize(file) + " names " + backend.moduleName());
                    }
                }
            }
        }
        assertEquals(List.of(), wrong);
    }

    @Test
    void onlyWhatIsShippedWithAllBackendsBringsThem() {
        var wrong = new ArrayList<String>();
        for (var module : checkout.modules()) {
            var above = level(module.name()) == 6;
            for (var dependency : dependencies(module)) {
                if (dependency.startsWith("backend-") && !above) wrong.add(module.name() + " -> " + dependency);
            }
        }
        assertEquals(List.of(), wrong);
    }

    private TreeSet<String> requiredModules(Checkout.Module module) {
        var names = new TreeSet<>(dependencies(module));
        REQUIRES.matcher(module.descriptor()).results().map(match -> match.group(1)).forEach(required -> checkout
                .modules()
                .stream()
                .filter(candidate -> candidate.moduleName().equals(required))
                .forEach(candidate -> names.add(candidate.name())));
        return names;
    }

    private static List<String> dependencies(Checkout.Module module) {
        return DEPENDENCY
                .matcher(Checkout.read(module.folder().resolve("pom.xml")))
                .results()
                .map(match -> match.group(1))
                .toList();
    }

    private static boolean mayStandOnCli(String above, String below) {
        // The tests hold for everything, the tools of the measurements included.
        return below.equals("cli") && ABOVE_CLI.contains(above) || above.equals("tests") && below.equals("bench");
    }

    private static int level(String module) {
        if (module.startsWith("backend-")) return 5;
        var level = LEVELS.get(module);
        assertNotNull(level, () -> "give the new module a level: " + module);
        return level;
    }

    private static boolean isText(String file) {
        return file.endsWith(".java") || file.endsWith(".ir") || file.endsWith(".md") || file.contains("META-INF/services/");
    }
}
