package org.portolan.tests.schedule;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.portolan.ir.MachineOp;
import org.portolan.ir.TileOp;
import org.portolan.llvm.LlvmCodegen;
import org.portolan.llvm.LlvmTools;

/// Another processor, as a program of QEMU's user mode. A kernel's shared object is laid out in memory as a loader
/// would do it, and a driver of a hundred lines of C, compiled for that processor, runs it.
final class EmulatedProcessor {
    private final MachineOp.Chip chip;
    private final Path emulator;
    private final List<String> arguments;
    private final Path driver;

    EmulatedProcessor(MachineOp.Chip chip, Path folder) throws IOException, InterruptedException {
        this.chip = chip;
        var architecture = architecture(chip);
        emulator = find("qemu-" + architecture);
        arguments = architecture.equals("riscv64")
                ? List.of("-cpu", "rv64,v=true,vext_spec=v1.0,vlen=256")
                : List.of("-cpu", "max");
        driver = build(folder, architecture);
    }

    static String architecture(MachineOp.Chip chip) {
        return chip.triple().substring(0, chip.triple().indexOf('-'));
    }

    /// Where a program lies; null if it is not installed.
    static Path find(String program) {
        return Stream.of(System.getenv().getOrDefault("PATH", "").split(":"))
                .map(folder -> Path.of(folder, program))
                .filter(Files::isExecutable)
                .findFirst()
                .orElse(null);
    }

    private static Path build(Path folder, String architecture) throws IOException, InterruptedException {
        var source = folder.resolve("driver.c");
        try (var text = EmulatedProcessor.class.getResourceAsStream("driver.c")) {
            Files.write(source, text.readAllBytes());
        }
        var program = folder.resolve("driver-" + architecture);
        var object = program + ".o";
        var compile = new ArrayList<>(List.of(
                LlvmTools.clang().toString(), "--target=" + architecture + "-unknown-linux-gnu", "-O1", "-ffreestanding",
                "-fno-stack-protector", "-fno-pic", "-c", source.toString(), "-o", object));
        if (architecture.equals("riscv64")) {
            compile.addAll(List.of("-march=rv64gc", "-mabi=lp64d"));
        }
        run(compile, null);
        run(
                List.of(
                        LlvmTools.program("lld").toString(), "-flavor", "gnu", "-static", "-nostdlib", object, "-o",
                        program.toString()),
                null);
        return program;
    }

    /// What a run left in memory.
    record Result(long error, ByteBuffer memory) {}

    /// Runs all points of a kernel's grid.
    ///
    /// @param memory buffers and the kernel's words; a buffer's word is its offset in here
    /// @param params where the words begin
    Result run(TileOp.Kernel kernel, ByteBuffer memory, long params, long buffers, long points)
            throws IOException, InterruptedException {
        var object = ByteBuffer.wrap(new LlvmCodegen().sharedObject(List.of(kernel), chip)).order(ByteOrder.LITTLE_ENDIAN);
        var image = image(object);
        var input = ByteBuffer.allocate(7 * 8 + image.capacity() + memory.capacity()).order(ByteOrder.LITTLE_ENDIAN);
        for (long word : new long[] {
            image.capacity(), symbol(object, kernel.name()), memory.capacity(), params, buffers, 0, points
        }) {
            input.putLong(word);
        }
        input.put(image.array()).put(memory.array());
        var command = new ArrayList<String>();
        command.add(emulator.toString());
        command.addAll(arguments);
        command.add(driver.toString());
        var output = ByteBuffer.wrap(run(command, input.array())).order(ByteOrder.LITTLE_ENDIAN);
        long error = output.getLong();
        return new Result(error, output.slice().order(ByteOrder.LITTLE_ENDIAN));
    }

    private static byte[] run(List<String> command, byte[] input) throws IOException, InterruptedException {
        var process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        var writer = Thread.ofVirtual().start(() -> {
            try (var out = new BufferedOutputStream(process.getOutputStream())) {
                if (input != null) {
                    out.write(input);
                }
            } catch (IOException closed) {
                // The process ended early; its status says so.
            }
        });
        var output = process.getInputStream().readAllBytes();
        writer.join();
        int status = process.waitFor();
        if (status != 0) {
            throw new IOException(command + " ended with status " + status);
        }
        return output;
    }

    // --------------------------------------------------------------------------------------- the shared object, loaded

    /// The bytes as they lie in memory, by the program header.
    private static ByteBuffer image(ByteBuffer object) {
        int headers = (int) object.getLong(32);
        int count = object.getShort(56);
        int end = 0;
        for (int i = 0; i < count; i++) {
            int header = headers + 56 * i;
            if (object.getInt(header) == 1) {
                end = Math.max(end, (int) (object.getLong(header + 16) + object.getLong(header + 40)));
            }
        }
        var image = ByteBuffer.allocate((end + 4095) / 4096 * 4096);
        for (int i = 0; i < count; i++) {
            int header = headers + 56 * i;
            if (object.getInt(header) == 1) {
                image.put(
                        (int) object.getLong(header + 16), object, (int) object.getLong(header + 8),
                        (int) object.getLong(header + 32));
            }
        }
        return image;
    }

    /// Where a dynamic symbol lies in the image.
    private static long symbol(ByteBuffer object, String name) {
        int sections = (int) object.getLong(40);
        int count = object.getShort(60);
        for (int i = 0; i < count; i++) {
            int section = sections + 64 * i;
            if (object.getInt(section + 4) != 11) {
                continue;
            }
            int symbols = (int) object.getLong(section + 24);
            int number = (int) (object.getLong(section + 32) / 24);
            int strings = (int) object.getLong(sections + 64 * object.getInt(section + 40) + 24);
            for (int j = 0; j < number; j++) {
                if (text(object, strings + object.getInt(symbols + 24 * j)).equals(name)) {
                    return object.getLong(symbols + 24 * j + 8);
                }
            }
        }
        throw new IllegalStateException("the shared object has no symbol " + name);
    }

    private static String text(ByteBuffer bytes, int start) {
        int end = start;
        while (bytes.get(end) != 0) {
            end++;
        }
        return new String(bytes.array(), start, end - start, StandardCharsets.UTF_8);
    }
}
