package org.example.abacus.driver;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;
import org.portolan.ir.TileOp;
import org.portolan.ir.Type;
import org.portolan.ir.interpreter.NdArray;
import org.portolan.ir.interpreter.TileInterpreter;
import org.portolan.runtime.PortolanException;
import org.portolan.runtime.PortolanException.DeviceFailed;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.device.Event;
import org.portolan.runtime.device.Kernel;
import org.portolan.runtime.device.KernelError;
import org.portolan.runtime.device.StopSignal;
import org.portolan.runtime.device.SynchronousQueue;

/// Does every piece of work before the call returns.
final class AbacusQueue implements SynchronousQueue {
    private final AbacusDevice device;
    private final StopSignal stop;
    private long error;
    private boolean closed;

    AbacusQueue(AbacusDevice device, StopSignal stop) {
        this.device = device;
        this.stop = stop;
    }

    @Override
    public void copyIn(MemorySegment host, long device, long bytes) {
        checkUsable();
        MemorySegment.copy(host, 0, memory(device, bytes), 0, bytes);
    }

    @Override
    public void copyOut(long device, MemorySegment host, long bytes) {
        checkUsable();
        MemorySegment.copy(memory(device, bytes), 0, host, 0, bytes);
    }

    @Override
    public void copy(long from, long to, long bytes) {
        checkUsable();
        MemorySegment.copy(memory(from, bytes), 0, memory(to, bytes), 0, bytes);
    }

    @Override
    public void launch(Kernel kernel, MemorySegment parameters, int words, long[] grid, long cost) {
        checkUsable();
        if (stop.stopped() || LongStream.of(grid).anyMatch(extent -> extent == 0)) return;
        var code = ((AbacusDevice.LoadedKernel) kernel).code();
        var count = code.body().params().size();
        var extents = new long[words - count];
        var symbols = new HashMap<String, Long>();
        for (var i = 0; i < extents.length; i++) {
            extents[i] = parameters.getAtIndex(ValueLayout.JAVA_LONG, count + i);
            symbols.put(code.symbols().get(i), extents[i]);
        }
        var memory = new ArrayList<MemorySegment>();
        var arrays = new ArrayList<NdArray>();
        for (var i = 0; i < count; i++) {
            var tensor = tensor(code, i, parameters.getAtIndex(ValueLayout.JAVA_LONG, i), symbols);
            memory.add(tensor.data());
            arrays.add(NdArray.of(tensor));
        }
        run(code, arrays, extents);
        store(arrays, memory);
    }

    private static Tensor tensor(TileOp.Kernel code, int parameter, long address, Map<String, Long> symbols) {
        Type.Buffer type = code.body().params().get(parameter).buffer();
        var elements = type.storage().stream().mapToLong(dim -> dim.evaluate(symbols::get)).reduce(1, Math::multiplyExact);
        return Tensor.of(type.element(), memory(address, type.element().bytes(elements)), elements);
    }

    private void run(TileOp.Kernel code, List<NdArray> arrays, long[] extents) {
        try {
            new TileInterpreter(code, List.of()).run(arrays, extents);
        } catch (PortolanException.RunFailed failure) {
            if (error == 0) error = new KernelError(failure.code(), failure.operation()).word();
        }
    }

    /// The interpreter works on copies. Only what has changed is written: weights are read-only memory.
    private static void store(List<NdArray> arrays, List<MemorySegment> memory) {
        for (var i = 0; i < arrays.size(); i++) {
            var result = arrays.get(i).toTensor().data();
            if (memory.get(i).mismatch(result) >= 0) memory.get(i).copyFrom(result);
        }
    }

    @Override
    public Event record() {
        checkUsable();
        return Event.PAST;
    }

    @Override
    public boolean failed() {
        return error != 0;
    }

    @Override
    public long takeError() {
        checkUsable();
        var taken = error;
        error = 0;
        return taken;
    }

    @Override
    public void close() {
        closed = true;
    }

    private void checkUsable() {
        if (closed) throw new DeviceFailed("the queue is closed; open another one", null);
        device.checkUsable();
    }

    private static MemorySegment memory(long address, long bytes) {
        return MemorySegment.ofAddress(address).reinterpret(bytes);
    }
}
