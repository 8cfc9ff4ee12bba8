package org.portolan.cuda.emulator;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import org.portolan.cuda.emulator.decode.KernelDecoder;
import org.portolan.cuda.emulator.run.Allocation;
import org.portolan.cuda.emulator.run.Extent;
import org.portolan.cuda.emulator.run.GlobalMemory;
import org.portolan.cuda.emulator.run.GridRunner;
import org.portolan.cuda.emulator.run.Launch;
import org.portolan.cuda.emulator.run.LaunchCounts;
import org.portolan.cuda.emulator.run.Program;
import org.portolan.cuda.emulator.text.PtxReader;
import org.portolan.runtime.device.StopSignal;
import org.portolan.runtime.parallel.WorkerPool;

/// Runs a kernel that a test has written.
final class PtxRun {
    private static final String HEAD = ".version 8.4\n.target sm_90a\n.address_size 64\n";

    final GlobalMemory memory = new GlobalMemory(1L << 30, true);
    final LaunchCounts counts = new LaunchCounts();
    final Program program;
    private final String text;
    private Extent grid = Extent.of(1);
    private Extent block = Extent.of(32);
    private int dynamicShared;
    private boolean checked = true;
    private boolean failed;
    private StopSignal stop = StopSignal.NEVER;
    private int threads = 1;

    private PtxRun(Program program, String text) {
        this.program = program;
        this.text = text;
    }

    /// A kernel {@code k} of some 64-bit parameters {@code p0}, {@code p1} and so on, which are in {@code %rd0} and so
    /// on at the beginning.
    ///
    /// @param declarations of the module and the kernel's registers beyond {@code %rd<100>}, {@code %r<100>},
    ///     {@code %f<100>}, {@code %rs<100>}, {@code %fd<100>} and {@code %p<100>}
    static PtxRun of(int parameters, String declarations, String body) {
        var text = new StringBuilder(HEAD).append(".visible .entry k(");
        for (int index = 0; index < parameters; index++) {
            text.append(index == 0 ? "" : ", ").append(".param .u64 p").append(index);
        }
        text.append(") {\n.reg .b64 %rd<100>; .reg .b32 %r<100>; .reg .f32 %f<100>; .reg .b16 %rs<100>;"
                + " .reg .f64 %fd<100>; .reg .pred %p<100>;\n");
        text.append(declarations).append('\n');
        for (int index = 0; index < parameters; index++) {
            text.append("ld.param.u64 %rd").append(index).append(", [p").append(index).append("];\n");
        }
        return ofText(text.append(body).append("\nret;\n}\n").toString());
    }

    /// A whole file with a kernel {@code k}.
    static PtxRun ofText(String text) {
        var module = PtxReader.read(text);
        return new PtxRun(KernelDecoder.decode(module, module.function("k").orElseThrow(), new HashMap<>()), text);
    }

    /// The vendor's assembler must take the same text, where it is installed: {@link Assembler#requireAll} finds out.
    PtxRun assembled() {
        Assembler.add(text);
        return this;
    }

    /// The same with launch bounds.
    PtxRun bound(String directives) {
        return ofText(text.replaceFirst("\\) \\{", ")\n" + directives + " {")).block(block.x(), block.y(), block.z());
    }

    PtxRun grid(int x, int y, int z) {
        grid = new Extent(x, y, z);
        return this;
    }

    PtxRun block(int x, int y, int z) {
        block = new Extent(x, y, z);
        return this;
    }

    PtxRun block(int x) {
        return block(x, 1, 1);
    }

    PtxRun dynamicShared(int bytes) {
        dynamicShared = bytes;
        return this;
    }

    PtxRun unchecked() {
        checked = false;
        return this;
    }

    /// A kernel before this one has told the host of an error.
    PtxRun afterAFailure() {
        failed = true;
        return this;
    }

    /// The run is given up when the signal says so.
    PtxRun stopAfter(StopSignal signal) {
        stop = signal;
        return this;
    }

    PtxRun threads(int count) {
        threads = count;
        return this;
    }

    Allocation buffer(long... values) {
        var allocation = memory.allocate(8L * values.length, 8, "", false);
        allocation.copyIn(MemorySegment.ofArray(values), 0, 8L * values.length);
        return allocation;
    }

    Allocation buffer(int... values) {
        var allocation = memory.allocate(4L * values.length, 8, "", false);
        allocation.copyIn(MemorySegment.ofArray(values), 0, 4L * values.length);
        return allocation;
    }

    /// Memory that nobody has written.
    Allocation fresh(long bytes) {
        return memory.allocate(bytes, 8, "", false);
    }

    static int[] ints(Allocation allocation) {
        var values = new int[(int) (allocation.bytes() / 4)];
        allocation.copyOut(0, MemorySegment.ofArray(values), 4L * values.length);
        return values;
    }

    static long[] longs(Allocation allocation) {
        var values = new long[(int) (allocation.bytes() / 8)];
        allocation.copyOut(0, MemorySegment.ofArray(values), 8L * values.length);
        return values;
    }

    /// @param words addresses and numbers
    Launch launch(long... words) {
        var bytes = ByteBuffer.allocate(8 * words.length).order(ByteOrder.LITTLE_ENDIAN);
        for (long word : words) {
            bytes.putLong(word);
        }
        return new Launch(program, memory, grid, block, bytes.array(), dynamicShared, checked, true, () -> failed);
    }

    void run() {
        run(new long[0]);
    }

    void run(long... words) {
        try (var pool = new WorkerPool(threads, "test");
                var job = pool.openJob(stop)) {
            GridRunner.run(launch(words), job, stop, counts);
        }
    }

    void run(Allocation... buffers) {
        var words = new long[buffers.length];
        for (int index = 0; index < words.length; index++) {
            words[index] = buffers[index].address();
        }
        run(words);
    }
}
