package org.portolan.tests.compile;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.portolan.ir.GraphOp;
import org.portolan.ir.Op;
import org.portolan.ir.text.IrParser;
import org.portolan.ir.text.IrPrinter;
import org.portolan.ir.text.ResourceStore;
import org.portolan.ir.verify.Verifier;
import org.portolan.lowering.Compiler;
import org.portolan.lowering.Target;
import org.portolan.lowering.Targets;
import org.portolan.onnx.UnsupportedOperators;
import org.portolan.onnx.UnsupportedType;
import org.portolan.onnx.importer.OnnxImporter;
import org.portolan.onnx.reader.OnnxReader;

/// What the importer and each lowering give obeys the rules and is the same text after reading and printing: at every
/// level, for a sample of ONNX's own node models.
class LevelsTest {
    private static final int STEP = 12;
    private static final ResourceStore ANY = (name, offset, bytes) -> MemorySegment.ofArray(new byte[(int) bytes]);

    private final Target target = Targets.resolve("cpu");

    @Test
    void everyLevelObeysTheRulesAndReadsBack() throws IOException {
        var value = System.getenv("PORTOLAN_ONNX_TESTDATA");
        Assumptions.assumeTrue(value != null && !value.isBlank(), "PORTOLAN_ONNX_TESTDATA is not set: skipped");
        var models = new ArrayList<Path>();
        for (var root : value.split(File.pathSeparator)) {
            try (var walk = Files.walk(Path.of(root))) {
                walk.filter(path -> path.endsWith("model.onnx")).sorted().forEach(models::add);
            }
        }
        int checked = 0;
        for (int i = 0; i < models.size(); i += STEP) {
            GraphOp.Function function;
            try {
                function = new OnnxImporter().function(new OnnxReader().model(models.get(i)));
            } catch (UnsupportedOperators | UnsupportedType _) {
                continue;
            }
            check(models.get(i), List.of(function));
            var nests = new Compiler().lowerGraph(function);
            check(models.get(i), List.of(nests));
            var program = new Compiler().lower(nests, target);
            check(models.get(i), List.copyOf(program.kernels()));
            check(models.get(i), List.of(program.plan()));
            checked++;
        }
        assertTrue(checked > models.size() / STEP / 2, "only " + checked + " models were checked");
    }

    private static void check(Path model, List<Op> module) {
        Verifier.verify(module);
        var text = IrPrinter.print(module);
        var again = IrParser.parse(text, model.toString(), ANY);
        Verifier.verify(again);
        assertEquals(text, IrPrinter.print(again));
    }
}
