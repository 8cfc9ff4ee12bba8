package org.portolan.cuda.driver;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// The entry points of the vendor's driver, one method each: handles and device addresses are {@code long}, results
/// are written to the given place, and each gives the driver's status. An entry point that a driver is too old to
/// have gives {@link CudaStatus#NOT_THERE}.
final class DriverCalls {
    private static final Linker LINKER = Linker.nativeLinker();
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;

    /// One handle for each shape of parameters; the function's address is its first argument, so that the JIT
    /// compiler sees a constant.
    private static final MethodHandle I = handle(INT);
    private static final MethodHandle L = handle(LONG);
    private static final MethodHandle LI = handle(LONG, INT);
    private static final MethodHandle LL = handle(LONG, LONG);
    private static final MethodHandle LLL = handle(LONG, LONG, LONG);
    private static final MethodHandle LII = handle(LONG, INT, INT);
    private static final MethodHandle LLI = handle(LONG, LONG, INT);
    private static final MethodHandle LIL = handle(LONG, INT, LONG);
    private static final MethodHandle LLLL = handle(LONG, LONG, LONG, LONG);
    private static final MethodHandle LILL = handle(LONG, INT, LONG, LONG);
    private static final MethodHandle LLILL = handle(LONG, LONG, INT, LONG, LONG);
    private static final MethodHandle LLLLLL = handle(LONG, LONG, LONG, LONG, LONG, LONG);
    private static final MethodHandle LAUNCH =
            handle(LONG, INT, INT, INT, INT, INT, INT, INT, LONG, LONG, LONG);

    private static final MethodHandle DESCRIBE =
            handle(LONG, INT, INT, LONG, LONG, LONG, LONG, LONG, INT, INT, INT, INT);

    /// Every function that is called.
    static final List<String> NAMES = List.of(
        "cuInit", "cuDriverGetVersion", "cuDeviceGetCount", "cuDeviceGet", "cuDeviceGetName", "cuDeviceTotalMem_v2",
        "cuDeviceGetAttribute", "cuDevicePrimaryCtxRetain", "cuDevicePrimaryCtxRelease_v2", "cuCtxSetCurrent",
        "cuModuleLoadDataEx", "cuModuleUnload", "cuModuleGetFunction", "cuFuncSetAttribute", "cuMemGetInfo_v2",
        "cuMemAlloc_v2", "cuMemFree_v2", "cuMemAllocFromPoolAsync", "cuMemFreeAsync", "cuMemHostAlloc", "cuMemFreeHost",
        "cuMemcpyHtoDAsync_v2", "cuMemcpyDtoHAsync_v2", "cuMemcpyDtoDAsync_v2", "cuMemcpyPeerAsync", "cuMemsetD32Async",
        "cuStreamCreate", "cuStreamDestroy_v2", "cuStreamSynchronize", "cuEventCreate", "cuEventDestroy_v2",
        "cuEventRecord", "cuEventQuery", "cuEventSynchronize", "cuLaunchKernel", "cuStreamBeginCapture_v2",
        "cuStreamEndCapture", "cuGraphInstantiateWithFlags", "cuGraphLaunch", "cuGraphExecDestroy", "cuGraphDestroy",
        "cuDeviceCanAccessPeer", "cuCtxEnablePeerAccess", "cuMemPoolCreate", "cuMemPoolDestroy",
        "cuMemPoolSetAttribute", "cuMemPoolSetAccess",
        "cuTensorMapEncodeTiled");

    private final Map<String, MemorySegment> addresses = new HashMap<>();
    private final MemorySegment launchKernel;
    private final MemorySegment setCurrent;

    /// @param symbols where the entry points are; those that are not there are not called
    DriverCalls(SymbolLookup symbols) {
        for (var name : NAMES) {
            symbols.find(name).ifPresent(address -> addresses.put(name, address));
        }
        launchKernel = addresses.get("cuLaunchKernel");
        setCurrent = addresses.get("cuCtxSetCurrent");
    }

    /// Loads a library; it stays loaded.
    ///
    /// @param library a path or a name that the system's loader looks for
    /// @throws IllegalArgumentException if there is none
    static DriverCalls load(String library) {
        return new DriverCalls(SymbolLookup.libraryLookup(library, Arena.global()));
    }

    private static MethodHandle handle(MemoryLayout... parameters) {
        return LINKER.downcallHandle(FunctionDescriptor.of(INT, parameters));
    }

    private static IllegalStateException unexpected(Throwable failure) {
        return new IllegalStateException("the call of the driver failed", failure);
    }

    // ------------------------------------------------------------------------------------------------- shapes of calls

    private int call(String name, int a) {
        var address = addresses.get(name);
        try {
            return address == null ? CudaStatus.NOT_THERE : (int) I.invokeExact(address, a);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    private int call(String name, long a) {
        var address = addresses.get(name);
        try {
            return address == null ? CudaStatus.NOT_THERE : (int) L.invokeExact(address, a);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    private int call(String name, long a, int b) {
        var address = addresses.get(name);
        try {
            return address == null ? CudaStatus.NOT_THERE : (int) LI.invokeExact(address, a, b);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    private int call(String name, long a, long b) {
        var address = addresses.get(name);
        try {
            return address == null ? CudaStatus.NOT_THERE : (int) LL.invokeExact(address, a, b);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    private int call(String name, long a, long b, long c) {
        var address = addresses.get(name);
        try {
            return address == null ? CudaStatus.NOT_THERE : (int) LLL.invokeExact(address, a, b, c);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    private int call(String name, long a, int b, int c) {
        var address = addresses.get(name);
        try {
            return address == null ? CudaStatus.NOT_THERE : (int) LII.invokeExact(address, a, b, c);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    private int call(String name, long a, long b, int c) {
        var address = addresses.get(name);
        try {
            return address == null ? CudaStatus.NOT_THERE : (int) LLI.invokeExact(address, a, b, c);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    private int call(String name, long a, int b, long c) {
        var address = addresses.get(name);
        try {
            return address == null ? CudaStatus.NOT_THERE : (int) LIL.invokeExact(address, a, b, c);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    private int call(String name, long a, long b, long c, long d) {
        var address = addresses.get(name);
        try {
            return address == null ? CudaStatus.NOT_THERE : (int) LLLL.invokeExact(address, a, b, c, d);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    // --------------------------------------------------------------------------------------------- devices and contexts

    int init() {
        return call("cuInit", 0);
    }

    int driverGetVersion(MemorySegment version) {
        return call("cuDriverGetVersion", version.address());
    }

    int deviceGetCount(MemorySegment count) {
        return call("cuDeviceGetCount", count.address());
    }

    int deviceGet(MemorySegment device, int ordinal) {
        return call("cuDeviceGet", device.address(), ordinal);
    }

    int deviceGetName(MemorySegment name, int length, int device) {
        return call("cuDeviceGetName", name.address(), length, device);
    }

    int deviceTotalMem(MemorySegment bytes, int device) {
        return call("cuDeviceTotalMem_v2", bytes.address(), device);
    }

    int deviceGetAttribute(MemorySegment value, int attribute, int device) {
        return call("cuDeviceGetAttribute", value.address(), attribute, device);
    }

    int primaryContextRetain(MemorySegment context, int device) {
        return call("cuDevicePrimaryCtxRetain", context.address(), device);
    }

    int primaryContextRelease(int device) {
        return call("cuDevicePrimaryCtxRelease_v2", device);
    }

    int setCurrent(long context) {
        try {
            return setCurrent == null ? CudaStatus.NOT_THERE : (int) L.invokeExact(setCurrent, context);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    // ---------------------------------------------------------------------------------------------------------- kernels

    int moduleLoad(MemorySegment module, MemorySegment image, int options, MemorySegment keys, MemorySegment values) {
        var address = addresses.get("cuModuleLoadDataEx");
        try {
            return address == null
                    ? CudaStatus.NOT_THERE
                    : (int) LLILL.invokeExact(
                            address, module.address(), image.address(), options, keys.address(), values.address());
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    int moduleUnload(long module) {
        return call("cuModuleUnload", module);
    }

    int moduleGetFunction(MemorySegment function, long module, MemorySegment name) {
        return call("cuModuleGetFunction", function.address(), module, name.address());
    }

    int functionSetAttribute(long function, int attribute, int value) {
        return call("cuFuncSetAttribute", function, attribute, value);
    }

    int launch(long function, int blocks, int threads, int sharedBytes, long stream, long parameters) {
        try {
            return launchKernel == null
                    ? CudaStatus.NOT_THERE
                    : (int) LAUNCH.invokeExact(
                            launchKernel, function, blocks, 1, 1, threads, 1, 1, sharedBytes, stream, parameters, 0L);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /// @param map 128 bytes, aligned to 64
    /// @param sizes of each dimension, the innermost first: 64 bits each, as are the strides in bytes of all but the innermost
    /// @param box elements that a copy moves, 32 bits each, as are the steps between them
    int tensorMapEncodeTiled(
            MemorySegment map,
            int elementType,
            int rank,
            long address,
            MemorySegment sizes,
            MemorySegment strides,
            MemorySegment box,
            MemorySegment steps,
            int interleave,
            int swizzle,
            int promotion,
            int outside) {
        var entry = addresses.get("cuTensorMapEncodeTiled");
        try {
            return entry == null
                    ? CudaStatus.NOT_THERE
                    : (int) DESCRIBE.invokeExact(
                            entry, map.address(), elementType, rank, address, sizes.address(), strides.address(),
                            box.address(), steps.address(), interleave, swizzle, promotion, outside);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    // ----------------------------------------------------------------------------------------------------------- memory

    int memoryInfo(MemorySegment free, MemorySegment total) {
        return call("cuMemGetInfo_v2", free.address(), total.address());
    }

    int allocate(MemorySegment pointer, long bytes) {
        return call("cuMemAlloc_v2", pointer.address(), bytes);
    }

    int free(long pointer) {
        return call("cuMemFree_v2", pointer);
    }

    int allocateFromPool(MemorySegment pointer, long bytes, long pool, long stream) {
        return call("cuMemAllocFromPoolAsync", pointer.address(), bytes, pool, stream);
    }

    int freeAsync(long pointer, long stream) {
        return call("cuMemFreeAsync", pointer, stream);
    }

    int allocateHost(MemorySegment pointer, long bytes, int flags) {
        return call("cuMemHostAlloc", pointer.address(), bytes, flags);
    }

    int poolCreate(MemorySegment pool, MemorySegment properties) {
        return call("cuMemPoolCreate", pool.address(), properties.address());
    }

    int poolDestroy(long pool) {
        return call("cuMemPoolDestroy", pool);
    }

    int poolSetAttribute(long pool, int attribute, MemorySegment value) {
        return call("cuMemPoolSetAttribute", pool, attribute, value.address());
    }

    int freeHost(long pointer) {
        return call("cuMemFreeHost", pointer);
    }

    int copyToDevice(long device, long host, long bytes, long stream) {
        return call("cuMemcpyHtoDAsync_v2", device, host, bytes, stream);
    }

    int copyToHost(long host, long device, long bytes, long stream) {
        return call("cuMemcpyDtoHAsync_v2", host, device, bytes, stream);
    }

    int copyOnDevice(long to, long from, long bytes, long stream) {
        return call("cuMemcpyDtoDAsync_v2", to, from, bytes, stream);
    }

    int copyBetween(long to, long toContext, long from, long fromContext, long bytes, long stream) {
        var address = addresses.get("cuMemcpyPeerAsync");
        try {
            return address == null
                    ? CudaStatus.NOT_THERE
                    : (int) LLLLLL.invokeExact(address, to, toContext, from, fromContext, bytes, stream);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /// @param count of 32-bit words
    int fill(long device, int word, long count, long stream) {
        var address = addresses.get("cuMemsetD32Async");
        try {
            return address == null
                    ? CudaStatus.NOT_THERE
                    : (int) LILL.invokeExact(address, device, word, count, stream);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    // ------------------------------------------------------------------------------------------------ streams and events

    int streamCreate(MemorySegment stream, int flags) {
        return call("cuStreamCreate", stream.address(), flags);
    }

    int streamDestroy(long stream) {
        return call("cuStreamDestroy_v2", stream);
    }

    int streamSynchronize(long stream) {
        return call("cuStreamSynchronize", stream);
    }

    int eventCreate(MemorySegment event, int flags) {
        return call("cuEventCreate", event.address(), flags);
    }

    int eventDestroy(long event) {
        return call("cuEventDestroy_v2", event);
    }

    int eventRecord(long event, long stream) {
        return call("cuEventRecord", event, stream);
    }

    int eventQuery(long event) {
        return call("cuEventQuery", event);
    }

    int eventSynchronize(long event) {
        return call("cuEventSynchronize", event);
    }

    // ----------------------------------------------------------------------------------------------------------- graphs

    int streamBeginCapture(long stream, int mode) {
        return call("cuStreamBeginCapture_v2", stream, mode);
    }

    int streamEndCapture(long stream, MemorySegment graph) {
        return call("cuStreamEndCapture", stream, graph.address());
    }

    int graphInstantiate(MemorySegment executable, long graph, long flags) {
        return call("cuGraphInstantiateWithFlags", executable.address(), graph, flags);
    }

    int graphLaunch(long executable, long stream) {
        return call("cuGraphLaunch", executable, stream);
    }

    int graphExecutableDestroy(long executable) {
        return call("cuGraphExecDestroy", executable);
    }

    int graphDestroy(long graph) {
        return call("cuGraphDestroy", graph);
    }

    // ----------------------------------------------------------------------------------------------------------- peers

    int canAccessPeer(MemorySegment can, int device, int peer) {
        return call("cuDeviceCanAccessPeer", can.address(), device, peer);
    }

    int enablePeerAccess(long context, int flags) {
        return call("cuCtxEnablePeerAccess", context, flags);
    }

    int poolSetAccess(long pool, MemorySegment descriptions, long count) {
        return call("cuMemPoolSetAccess", pool, descriptions.address(), count);
    }
}
