package org.portolan.ascend.codegen;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.portolan.ascend.driver.AscendDriver;
import org.portolan.ascend.emulator.AscendEmulator;
import org.portolan.ir.GraphOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.text.IrParser;
import org.portolan.lowering.Machines;
import org.portolan.lowering.tile.NestToTile;
import org.portolan.runtime.PortolanException;
import org.portolan.runtime.device.DeviceDescription;
import org.portolan.runtime.device.DeviceOptions;
import org.portolan.runtime.device.StopSignal;

/// Takes each barrier and each flag of some generated kernels away, one at a time: the emulator misses nothing that is
/// needed, and all but one are.
class BarriersTest {
    /// Kernels, each with how many barriers and flags it has.
    enum Subject {
        /// Elements of two rows, through three queues.
        ELEMENTS(
                8,
                """
                %a = nest.read %x <at = [i, j]> : f32
                %w = nest.read %x <at = [0, j]> : f32
                %b = arith.mul %a, %w : f32
                %k = arith.const <value = 1.0> : f32
                %c = arith.add %b, %k : f32
                %d = arith.sqrt %c : f32
                %e = arith.div %a, %d : f32
                nest.yield [%e] <to = [[i, j]]>
                """),
        /// A sum along rows, and what comes of it.
        ROWS(
                18,
                """
                %a = nest.read %x <at = [i, k]> : f32
                %s = nest.sum %a <over = [k]> : f32
                %b = nest.read %x <at = [i, j]> : f32
                %e = arith.sub %b, %s : f32
                nest.yield [%e] <to = [[i, j]]>
                """),
        /// Rows and columns exchanged.
        TURNED(
                8,
                """
                %a = nest.read %x <at = [j, i]> : f32
                %b = arith.add %a, %a : f32
                nest.yield [%b] <to = [[i, j]]>
                """),
        /// By way of a type that the vector unit has not, and conditions.
        CHOSEN(
                6,
                """
                %a = nest.read %x <at = [i, j]> : f32
                %n = arith.cast %a : bf16
                %m = arith.cast %n : f32
                %zero = arith.const <value = 0.0> : f32
                %p = arith.compare %m, %zero <relation = greater> : bool
                %d = arith.neg %a : f32
                %e = arith.select %p, %m, %d : f32
                nest.yield [%e] <to = [[i, j]]>
                """);

        final int all;
        final String body;

        Subject(int all, String body) {
            this.all = all;
            this.body = body;
        }
    }

    /// Less than a piece, with a rest, and of whole pieces.
    private static final int[] SIZES = {100, 301, 512};
    private static final Pattern STATEMENT = Pattern.compile("(PipeBarrier<\\w+>|order<HardEvent::\\w+>)\\(\\);");

    private static String source(Subject subject) {
        var axes = subject == Subject.ROWS ? "i:n, j:n, k:n" : "i:n, j:n";
        var text = "graph.function <name = main, symbols = [n: 1..512]> { (%x: f32[n,n]) ->\n%y = nest.compute [%x] <axes = [" + axes + "]> {\n"
                + subject.body + "} : f32[n,n]\ngraph.return [%y]\n}\n";
        var function = (GraphOp.Function) IrParser.parse(text, "test").getFirst();
        var nest = (NestOp.Compute) function.body().ops().getFirst();
        var chip = Machines.find("ascend", "910b").orElseThrow();
        var kernel = new NestToTile(chip).lower(nest, "k", _ -> false).kernel();
        return new String(new AscendCodegen().compile(List.of(kernel), chip).bytes(), StandardCharsets.UTF_8);
    }

    @ParameterizedTest
    @EnumSource
    void eachIsNeeded(Subject subject) {
        assumeTrue(AscendEmulator.missing().isEmpty(), () -> "skipped: " + AscendEmulator.missing().orElseThrow());
        var source = source(subject);
        for (int size : SIZES) run(source, size);
        var needless = new ArrayList<String>();
        int all = 0;
        var found = STATEMENT.matcher(source);
        for (int from = source.indexOf("extern \"C\""); found.find(from); from = found.end()) {
            all++;
            var without = source.substring(0, found.start()) + source.substring(found.end());
            try {
                for (int size : SIZES) run(without, size);
                var line = source.substring(found.start(), source.indexOf('\n', found.end() + 1)).replaceAll("\\s+", " ");
                needless.add(line);
            } catch (PortolanException fault) {
                assertTrue(fault.getMessage().contains("makes pipe"), fault.getMessage());
            }
        }
        // The slots of a queue are looked at together: where there are two, another barrier always comes before the same one is filled again.
        int between = subject == Subject.ELEMENTS ? 1 : 0;
        assertEquals(between, needless.size(), all + " barriers and flags; not missed: " + needless);
        assertEquals(subject.all, all, source);
    }

    /// What docs/ascend.md says of all of them.
    @Test
    void asManyAsThePageSays() {
        assertEquals(40, Stream.of(Subject.values()).mapToInt(subject -> subject.all).sum());
    }

    private static void run(String source, int size) {
        var driver = new AscendDriver();
        int ordinal = driver.list().devices().stream().filter(DeviceDescription::emulated).findFirst().orElseThrow().ordinal();
        long bytes = 4L * size * size;
        try (var arena = Arena.ofConfined();
                var memory = Arena.ofShared();
                var device = driver.open(ordinal, DeviceOptions.defaults());
                var image = device.load(MemorySegment.ofArray(source.getBytes(StandardCharsets.UTF_8)));
                var queue = device.openQueue(StopSignal.NEVER)) {
            var host = arena.allocate(bytes, 64);
            for (int i = 0; i < size * size; i++) host.setAtIndex(ValueLayout.JAVA_FLOAT, i, i / 100f - 400);
            long x = device.allocate(memory, bytes, 64).address();
            long y = device.allocate(memory, bytes, 64).address();
            queue.copyIn(host, x, bytes);
            var words = arena.allocate(24, 8);
            words.setAtIndex(ValueLayout.JAVA_LONG, 0, x);
            words.setAtIndex(ValueLayout.JAVA_LONG, 1, y);
            words.setAtIndex(ValueLayout.JAVA_LONG, 2, size);
            // One core, so that it goes through its loops several times.
            queue.launch(image.kernel("k"), words, 3, new long[] {1}, 0);
            assertEquals(0, queue.takeError());
        }
    }
}
