package org.portolan.ascend.codegen;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.portolan.ir.Body;
import org.portolan.ir.MachineOp;
import org.portolan.ir.OpSchema;
import org.portolan.ir.TileOp;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.lowering.Codegen;
import org.portolan.lowering.CompileException;
import org.portolan.lowering.Machines;
import org.portolan.lowering.c.CEmitter;
import org.portolan.lowering.c.EmitException;
import org.portolan.lowering.math.ExpandElementary;

/// Ascend C: an image is source text. Its first lines, comments, are the launch manifest: the chip, and for each kernel
/// how many buffers and numbers it takes and how many cores may run it. Then come two sources, each whole: one for the vector
/// cores and one for those of the cube, if there are such kernels.
public final class AscendCodegen implements Codegen {
    private static final String FAMILY = "ascend";
    /// The feature of a machine that copies whole blocks of 32 bytes only.
    private static final String WHOLE_BLOCKS = "whole-blocks";

    /// The lines that begin what is compiled for the vector cores, and for those of the cube.
    static final String VECTOR_PART = "//: source vector";
    static final String CUBE_PART = "//: source cube";

    @Override
    public String family() {
        return FAMILY;
    }

    @Override
    public List<MachineOp.Chip> machines() {
        return Machines.of(FAMILY);
    }

    @Override
    public MachineOp.Chip defaultMachine() {
        return Machines.find(FAMILY, "910b")
                .orElseThrow(() -> new CompileException("the machine file 910b is missing from backend-ascend"));
    }

    /// The architecture, as the vendor's compiler names it.
    @Override
    public List<String> requirements(MachineOp.Chip machine) {
        return List.of(machine.processor());
    }

    @Override
    public List<String> textForms() {
        return List.of("ascendc");
    }

    @Override
    public String emit(String form, List<TileOp.Kernel> kernels, MachineOp.Chip machine) {
        if (!textForms().contains(form)) {
            throw new CompileException("'" + form + "' is no text form of ascend; expected one of " + textForms());
        }
        return source(kernels, machine);
    }

    @Override
    public Image compile(List<TileOp.Kernel> kernels, MachineOp.Chip machine) {
        return new Image("ascend-c", source(kernels, machine).getBytes(StandardCharsets.UTF_8));
    }

    private static String source(List<TileOp.Kernel> kernels, MachineOp.Chip machine) {
        var expanded = new ArrayList<TileOp.Kernel>();
        for (var kernel : kernels) {
            expanded.add(new TileOp.Kernel(
                    kernel.name(),
                    kernel.symbols(),
                    kernel.grid(),
                    kernel.origin(),
                    ExpandElementary.expand(kernel.body(), machine.fmaPerCycle() > 0)));
        }
        try {
            var prelude = AscendMachines.resource("codegen/prelude.h")
                    + AscendMachines.resource(machine.features().contains(WHOLE_BLOCKS) ? "codegen/blocks.h" : "codegen/pieces.h");
            var intrinsics = new HashMap<String, String>();
            for (var op : machine.intrinsics().ops()) {
                if (op instanceof MachineOp.Intrinsic intrinsic) {
                    intrinsics.put(intrinsic.name(), intrinsic.spelling());
                }
            }
            // Two kinds of core, two sources: the vendor's compiler knows one of them at a time.
            var vectors = expanded.stream().filter(kernel -> !calls(kernel.body())).toList();
            var cubes = expanded.stream().filter(kernel -> calls(kernel.body())).toList();
            var entries = new HashMap<String, CEmitter.Kernel>();
            var parts = new StringBuilder();
            if (!vectors.isEmpty()) {
                var source = CEmitter.emit(vectors, new AscendWords(prelude), intrinsics);
                source.kernels().forEach(kernel -> entries.put(kernel.name(), kernel));
                parts.append(VECTOR_PART).append('\n').append(source.text());
            }
            if (!cubes.isEmpty()) {
                var source = CEmitter.emit(
                        cubes, new AscendWords(prelude + AscendMachines.resource("codegen/cube.h")), intrinsics);
                source.kernels().forEach(kernel -> entries.put(kernel.name(), kernel));
                parts.append(CUBE_PART).append('\n').append(source.text());
            }
            var text = new StringBuilder("//: chip ").append(machine.processor()).append(" cores=").append(machine.blockLimit())
                    .append('\n');
            for (var own : kernels) {
                var kernel = entries.get(own.name());
                var origin = String.join(", ", own.origin()).replaceAll("[\\s\\\\]", " ");
                boolean alone = storesNeighbours(own.body(), Set.of());
                boolean cube = calls(own.body());
                // A cube core has two vector cores beside it; all of them divide a product among themselves.
                long cores = alone ? 1 : cube ? machine.blockLimit() / 2 : machine.blockLimit();
                text.append("//: kernel ").append(kernel.function()).append(' ').append(kernel.name()).append(" buffers=")
                        .append(kernel.buffers()).append(" symbols=").append(kernel.symbols()).append(" cores=")
                        .append(cores).append(" all=").append(cube ? 1 : 0).append(" of ").append(origin).append('\n');
            }
            return text.append(parts).toString();
        } catch (EmitException failure) {
            throw new CompileException(failure.getMessage(), failure);
        }
    }

    private static boolean calls(Body body) {
        return body.ops().stream()
                .anyMatch(op -> op instanceof TileOp.Call || OpSchema.bodies(op).stream().anyMatch(AscendCodegen::calls));
    }

    /// Whether neighbouring points of the grid store neighbouring elements: cores that did so side by side might write to the
    /// same block of 32 bytes, so one does it alone. What schedules and library kernels become is not like that; text that
    /// was written for threads is.
    ///
    /// @param points the coordinates of the grid around the body
    private static boolean storesNeighbours(Body body, Set<Value> points) {
        for (var op : body.ops()) {
            boolean single = op instanceof TileOp.Store store
                    && store.buffer().buffer().space() == Type.Space.GLOBAL
                    && !store.indices().isEmpty()
                    && points.contains(store.indices().getLast());
            if (single) return true;
            var inner = points;
            if (op instanceof TileOp.For loop && loop.bind() == TileOp.Bind.GRID) {
                inner = new HashSet<>(points);
                inner.add(loop.body().params().getFirst());
            }
            for (var nested : OpSchema.bodies(op)) {
                if (storesNeighbours(nested, inner)) return true;
            }
        }
        return false;
    }
}
