package org.portolan.tests.architecture;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/// Services are declared twice, since `provides` is ignored on the class path: both places must say the same.
class ServiceRulesTest {
    private static final Pattern PROVIDES = Pattern.compile("provides\\s+([\\w.]+)\\s+with\\s+([\\w.,\\s]+);");
    private static final Pattern IMPORT = Pattern.compile("^import\\s+(?:static\\s+)?([\\w.]+)", Pattern.MULTILINE);

    private final Checkout checkout = Checkout.find();

    @Test
    void moduleDescriptorsAndServiceFilesAgree() {
        for (var module : checkout.modules()) {
            if (module.descriptor().isEmpty()) continue;
            assertEquals(provided(module), listed(module), module.name());
        }
    }

    /// The run-time half of a backend works with everything of the compile-time half absent.
    @Test
    void driversDoNotImportTheCompiler() {
        var wrong = new ArrayList<String>();
        for (var module : checkout.modules()) {
            var services = provided(module);
            var compilePackages = packages(services, "Codegen");
            for (var driverPackage : packages(services, "Driver")) {
                for (var file : module.mainSources()) {
                    if (!packageOf(file).equals(driverPackage)) continue;
                    IMPORT.matcher(Checkout.read(file))
                            .results()
                            .map(match -> match.group(1))
                            .filter(name -> isCompileTime(name) || compilePackages.stream().anyMatch(p -> name.startsWith(p + ".")))
                            .forEach(name -> wrong.add(checkout.root().relativize(file) + " imports " + name));
                }
            }
        }
        assertEquals(List.of(), wrong);
    }

    private static boolean isCompileTime(String name) {
        return List.of("org.portolan.ir.", "org.portolan.lowering.", "org.portolan.llvm.", "org.antlr.", "org.bytedeco.").stream()
                .anyMatch(name::startsWith);
    }

    private static TreeSet<String> packages(Map<String, TreeSet<String>> services, String service) {
        var packages = new TreeSet<String>();
        services.forEach((name, providers) -> {
            if (name.endsWith("." + service)) providers.forEach(p -> packages.add(p.substring(0, p.lastIndexOf('.'))));
        });
        return packages;
    }

    private static String packageOf(Path file) {
        var matcher = Pattern.compile("^package\\s+([\\w.]+);", Pattern.MULTILINE).matcher(Checkout.read(file));
        return matcher.find() ? matcher.group(1) : "";
    }

    private static TreeMap<String, TreeSet<String>> provided(Checkout.Module module) {
        var services = new TreeMap<String, TreeSet<String>>();
        PROVIDES.matcher(module.descriptor()).results().forEach(match -> {
            var providers = Arrays.stream(match.group(2).split(",")).map(String::strip).toList();
            services.computeIfAbsent(match.group(1), _ -> new TreeSet<>()).addAll(providers);
        });
        return services;
    }

    private static TreeMap<String, TreeSet<String>> listed(Checkout.Module module) {
        var services = new TreeMap<String, TreeSet<String>>();
        for (var file : Checkout.files(module.folder().resolve("src/main/resources/META-INF/services"), _ -> true)) {
            var providers = new TreeSet<String>();
            Checkout.read(file)
                    .lines()
                    .map(line -> line.replaceAll("#.*", "").strip())
                    .filter(line -> !line.isEmpty())
                    .forEach(providers::add);
            services.put(file.getFileName().toString(), providers);
        }
        return services;
    }
}
