package org.portolan.lowering.plan;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;
import org.portolan.ir.PlanOp;
import org.portolan.ir.Resource;
import org.portolan.ir.Type;
import org.portolan.lowering.Codegen;
import org.portolan.lowering.Target;
import org.portolan.runtime.plan.Plan;
import org.portolan.runtime.plan.Slot;
import org.portolan.runtime.program.ProgramFileWriter;

/// Fills a program file: a plan and an image for each target, every weight once for each layout that a target reads it
/// in.
public final class ProgramBuilder {
    /// Kernels of the host beside an accelerator.
    public record HostImage(Target target, Codegen.Image image) {}

    private record Key(Resource data, Type.Buffer type) {}

    private final ProgramFileWriter writer;
    private final BiConsumer<PlanOp.Constant, Slot.Weight> added;
    private final Map<Key, Slot.Weight> weights = new HashMap<>();

    public ProgramBuilder(ProgramFileWriter writer) {
        this(writer, (_, _) -> {});
    }

    /// @param added told of each weight that is written, in the order of the file
    public ProgramBuilder(ProgramFileWriter writer, BiConsumer<PlanOp.Constant, Slot.Weight> added) {
        this.writer = writer;
        this.added = added;
    }

    /// Adds a target.
    ///
    /// @param hostImage the kernels of the host beside it, where the program has such
    /// @throws IOException if the file cannot be written
    public Plan add(Target target, HostProgram program, Codegen.Image image, Optional<HostImage> hostImage)
            throws IOException {
        try {
            var plan = PlanWriter.write(program.plan(), this::weight);
            var images = new ArrayList<ProgramFileWriter.KernelBytes>();
            images.add(bytes(target, image));
            hostImage.ifPresent(beside -> images.add(bytes(beside.target(), beside.image())));
            writer.addTarget(target.name(), plan, images);
            return plan;
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }

    private static ProgramFileWriter.KernelBytes bytes(Target target, Codegen.Image image) {
        return new ProgramFileWriter.KernelBytes(
                target.codegen().family(), target.codegen().requirements(target.machine()), image.bytes());
    }

    private Slot.Weight weight(PlanOp.Constant constant) {
        return weights.computeIfAbsent(
                new Key(constant.data(), constant.result().buffer()), key -> {
                    try (var arena = Arena.ofConfined()) {
                        var weight = writer.addWeight(WeightPacker.pack(key.data(), key.type(), arena));
                        added.accept(constant, weight);
                        return weight;
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    }
                });
    }
}
