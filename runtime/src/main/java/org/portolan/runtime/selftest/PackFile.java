package org.portolan.runtime.selftest;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;
import org.portolan.runtime.Model;
import org.portolan.runtime.Portolan;
import org.portolan.runtime.PortolanException.BadDataFile;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.data.RandomTensors;
import org.portolan.runtime.device.Device;
import org.portolan.runtime.plan.Plan;
import org.portolan.runtime.plan.PlanFormatException;
import org.portolan.runtime.program.ProgramFileWriter;
import org.portolan.runtime.selftest.Pack.Data;
import org.portolan.runtime.selftest.Pack.Weight;

/// An open pack.
final class PackFile implements AutoCloseable {
    private static final long ALIGNMENT = 64;

    private final Path path;
    private final ZipFile archive;
    private final Pack pack;

    /// @throws BadDataFile if the file is no pack
    PackFile(Path path) throws IOException {
        this.path = path;
        try {
            archive = new ZipFile(path.toFile());
        } catch (ZipException e) {
            throw new BadDataFile(path + " is no pack: " + e.getMessage());
        }
        pack = PackJson.parse(new String(entry(Pack.CONTENTS), StandardCharsets.UTF_8));
    }

    Pack pack() {
        return pack;
    }

    byte[] entry(String name) throws IOException {
        var entry = archive.getEntry(name);
        if (entry == null) {
            throw new BadDataFile(path + " is no pack, or a damaged one: it has no '" + name + "'");
        }
        try (var stream = archive.getInputStream(entry)) {
            return stream.readAllBytes();
        }
    }

    /// Makes a case's program file with its weights, and loads it.
    Model load(Pack.Case item, Device... devices) throws IOException {
        var program = Files.createTempFile("portolan", ".portolan");
        try {
            try (var writer = new ProgramFileWriter(program)) {
                for (var weight : item.weights()) {
                    try (var arena = Arena.ofConfined()) {
                        writer.addWeight(weight(weight, arena));
                    }
                }
                var images = new ArrayList<ProgramFileWriter.KernelBytes>();
                for (var image : item.images()) {
                    images.add(new ProgramFileWriter.KernelBytes(image.driver(), image.requires(), entry(image.entry())));
                }
                writer.addTarget(pack.target(), plan(item), images);
                writer.finish();
            }
            return Portolan.load(program, devices);
        } finally {
            Files.delete(program); // what was loaded stays mapped
        }
    }

    private Plan plan(Pack.Case item) throws IOException {
        try {
            return Plan.parse(new String(entry(item.plan()), StandardCharsets.UTF_8));
        } catch (PlanFormatException e) {
            throw new BadDataFile(path + ": case " + item.name() + ": " + e.getMessage());
        }
    }

    private MemorySegment weight(Weight weight, Arena arena) throws IOException {
        var data = weight.data();
        if (data.seed().isEmpty()) {
            return stored(data, arena);
        }
        long elements = data.shape().stream().reduce(1L, Math::multiplyExact);
        var rowMajor = RandomTensors.noise(data.type(), elements, data.seed().getAsLong(), arena);
        return weight.indices().isEmpty() ? rowMajor : new WeightLayout(weight).apply(rowMajor, arena);
    }

    private MemorySegment stored(Data data, Arena arena) throws IOException {
        var bytes = entry(data.entry());
        return arena.allocate(bytes.length, ALIGNMENT).copyFrom(MemorySegment.ofArray(bytes));
    }

    /// A tensor for a run, or one that is expected of it.
    Tensor tensor(Data data) throws IOException {
        var shape = data.shape().stream().mapToLong(Long::longValue).toArray();
        return data.seed().isPresent()
                ? RandomTensors.random(data.type(), data.seed().getAsLong(), shape)
                : Tensor.of(data.type(), stored(data, Arena.ofAuto()), shape);
    }

    @Override
    public void close() throws IOException {
        archive.close();
    }
}
