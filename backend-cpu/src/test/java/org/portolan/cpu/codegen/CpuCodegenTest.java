package org.portolan.cpu.codegen;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.portolan.cpu.driver.HostProcessor;

class CpuCodegenTest {
    private final CpuCodegen codegen = new CpuCodegen();

    @Test
    void whatTheHostIsCompiledForTheHostHas() {
        var requirements = codegen.requirements(codegen.defaultMachine());
        var features = HostProcessor.get().features();
        assertEquals(List.of(), requirements.stream().filter(feature -> !features.contains(feature)).toList());
        assertTrue(requirements.contains("sse2") || !System.getProperty("os.arch").equals("amd64"), requirements::toString);
    }

    @Test
    void levelsAreRequiredByTheirName() {
        var level = codegen.machines().stream()
                .filter(machine -> machine.name().equals("x86-64-v3"))
                .findFirst()
                .orElseThrow();
        assertEquals(List.of("x86-64-v3"), codegen.requirements(level));
    }
}
