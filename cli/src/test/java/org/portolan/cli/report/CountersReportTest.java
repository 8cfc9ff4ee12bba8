package org.portolan.cli.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.LinkedHashMap;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.portolan.runtime.device.Counters.KernelCounts;

class CountersReportTest {
    private static String print(boolean json, KernelCounts... kernels) {
        var text = new StringWriter();
        CountersReport.print(List.of(kernels), json, new PrintWriter(text));
        return text.toString();
    }

    private static KernelCounts kernel() {
        var executed = new LinkedHashMap<String, Long>();
        executed.put("fma.f32", 30L);
        executed.put("mov", 12L);
        var figures = new LinkedHashMap<String, Double>();
        figures.put("requests", 8.0);
        figures.put("sectors/request", 3.25);
        return new KernelCounts("kernel_3", "MatMul_1", 2, executed, figures);
    }

    @Test
    void aTableForPeople() {
        var lines = print(false, kernel()).lines().toList();
        assertTrue(lines.getFirst().matches("kernel +launches +instructions +requests +sectors/request +commonest +computes"), lines.getFirst());
        assertTrue(lines.get(1).matches("kernel_3 +2 +42 +8 +3\\.25 +fma\\.f32 30, mov 12 +MatMul_1"), lines.get(1));
        assertEquals("no kernel ran", print(false).strip());
    }

    @Test
    void oneDocumentForPrograms() {
        assertEquals(
                "{\"kernels\":[{\"kernel\":\"kernel_3\",\"origin\":\"MatMul_1\",\"launches\":2,\"instructions\":42,"
                        + "\"figures\":{\"requests\":8.0,\"sectors/request\":3.25},\"executed\":{\"fma.f32\":30,\"mov\":12}}]}",
                print(true, kernel()).replaceAll("\\s", ""));
    }
}
