package org.portolan.opencl.driver;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.Pattern;

/// The functions of the loader's library that are used here. Handles of OpenCL are 64-bit numbers. Each method that gives
/// an error code gives it as OpenCL does.
final class OpenCl {
    /// Another library than the system's loader, for example a vendor's own.
    static final String LIBRARY_VARIABLE = "PORTOLAN_OPENCL_LIBRARY";

    private static final String LIBRARY = "libOpenCL.so.1";
    private static final int DEVICE_VERSION = 0x102F;
    private static final Pattern VERSION = Pattern.compile("OpenCL (\\d{1,3})\\.(\\d{1,3})");
    private static final MemoryLayout INT = ValueLayout.JAVA_INT;
    private static final MemoryLayout LONG = ValueLayout.JAVA_LONG;
    private static final MemoryLayout POINTER = ValueLayout.ADDRESS;

    private static Loaded loaded;

    private volatile ExecutorService oneThread;
    private volatile Thread simulating;

    /// @param reason why there is no library; empty where there is
    record Loaded(Optional<OpenCl> library, String reason) {}

    private final MethodHandle getPlatforms;
    private final MethodHandle getPlatformInfo;
    private final MethodHandle getDevices;
    private final MethodHandle getDeviceInfo;
    private final MethodHandle createContext;
    private final MethodHandle createQueue;
    private final MethodHandle createBuffer;
    private final MethodHandle createProgramWithSource;
    private final MethodHandle createProgramWithBinary;
    private final MethodHandle buildProgram;
    private final MethodHandle getBuildInfo;
    private final MethodHandle getProgramInfo;
    private final MethodHandle createKernel;
    private final MethodHandle setKernelArgument;
    private final MethodHandle launch;
    private final MethodHandle read;
    private final MethodHandle write;
    private final MethodHandle copy;
    private final MethodHandle marker;
    private final MethodHandle flush;
    private final MethodHandle finish;
    private final MethodHandle waitForEvents;
    private final MethodHandle getEventInfo;
    private final MethodHandle releaseContext;
    private final MethodHandle releaseQueue;
    private final MethodHandle releaseBuffer;
    private final MethodHandle releaseProgram;
    private final MethodHandle releaseKernel;
    private final MethodHandle releaseEvent;
    /// Of OpenCL 2.0; null where the loader is older.
    private final MethodHandle setKernelPointer;
    private final MethodHandle copyShared;
    /// Of OpenCL 2.1; null where the loader is older.
    private final MethodHandle getSubGroupInfo;

    /// Where the functions come from; null for one that is not there.
    interface Functions {
        MethodHandle find(String name, FunctionDescriptor type);
    }

    OpenCl(Functions functions) {
        var find = new Finder(functions);
        getPlatforms = find.function("clGetPlatformIDs", INT, INT, POINTER, POINTER);
        getPlatformInfo = find.function("clGetPlatformInfo", INT, LONG, INT, LONG, POINTER, POINTER);
        getDevices = find.function("clGetDeviceIDs", INT, LONG, LONG, INT, POINTER, POINTER);
        getDeviceInfo = find.function("clGetDeviceInfo", INT, LONG, INT, LONG, POINTER, POINTER);
        createContext = find.function("clCreateContext", LONG, POINTER, INT, POINTER, POINTER, POINTER, POINTER);
        createQueue = find.function("clCreateCommandQueue", LONG, LONG, LONG, LONG, POINTER);
        createBuffer = find.function("clCreateBuffer", LONG, LONG, LONG, LONG, POINTER, POINTER);
        createProgramWithSource =
                find.function("clCreateProgramWithSource", LONG, LONG, INT, POINTER, POINTER, POINTER);
        createProgramWithBinary =
                find.function("clCreateProgramWithBinary", LONG, LONG, INT, POINTER, POINTER, POINTER, POINTER, POINTER);
        buildProgram = find.function("clBuildProgram", INT, LONG, INT, POINTER, POINTER, POINTER, POINTER);
        getBuildInfo = find.function("clGetProgramBuildInfo", INT, LONG, LONG, INT, LONG, POINTER, POINTER);
        getProgramInfo = find.function("clGetProgramInfo", INT, LONG, INT, LONG, POINTER, POINTER);
        createKernel = find.function("clCreateKernel", LONG, LONG, POINTER, POINTER);
        setKernelArgument = find.function("clSetKernelArg", INT, LONG, INT, LONG, POINTER);
        launch = find.function(
                "clEnqueueNDRangeKernel", INT, LONG, LONG, INT, POINTER, POINTER, POINTER, INT, POINTER, POINTER);
        read = find.function("clEnqueueReadBuffer", INT, LONG, LONG, INT, LONG, LONG, LONG, INT, POINTER, POINTER);
        write = find.function("clEnqueueWriteBuffer", INT, LONG, LONG, INT, LONG, LONG, LONG, INT, POINTER, POINTER);
        copy = find.function("clEnqueueCopyBuffer", INT, LONG, LONG, LONG, LONG, LONG, LONG, INT, POINTER, POINTER);
        marker = find.function("clEnqueueMarkerWithWaitList", INT, LONG, INT, POINTER, POINTER);
        flush = find.function("clFlush", INT, LONG);
        finish = find.function("clFinish", INT, LONG);
        waitForEvents = find.function("clWaitForEvents", INT, INT, POINTER);
        getEventInfo = find.function("clGetEventInfo", INT, LONG, INT, LONG, POINTER, POINTER);
        releaseContext = find.function("clReleaseContext", INT, LONG);
        releaseQueue = find.function("clReleaseCommandQueue", INT, LONG);
        releaseBuffer = find.function("clReleaseMemObject", INT, LONG);
        releaseProgram = find.function("clReleaseProgram", INT, LONG);
        releaseKernel = find.function("clReleaseKernel", INT, LONG);
        releaseEvent = find.function("clReleaseEvent", INT, LONG);
        setKernelPointer = find.optional("clSetKernelArgSVMPointer", INT, LONG, INT, LONG);
        getSubGroupInfo = find.optional(
                "clGetKernelSubGroupInfo", INT, LONG, LONG, INT, LONG, POINTER, LONG, POINTER, POINTER);
        copyShared = find.optional("clEnqueueSVMMemcpy", INT, LONG, INT, LONG, LONG, LONG, INT, POINTER, POINTER);
    }

    private record Finder(Functions functions) {
        MethodHandle function(String name, MemoryLayout result, MemoryLayout... arguments) {
            var handle = optional(name, result, arguments);
            if (handle == null) {
                throw new IllegalArgumentException("it has no function " + name);
            }
            return handle;
        }

        MethodHandle optional(String name, MemoryLayout result, MemoryLayout... arguments) {
            return functions.find(name, FunctionDescriptor.of(result, arguments));
        }
    }

    private static Functions of(SymbolLookup symbols) {
        return (name, type) -> symbols.find(name)
                .map(address -> Linker.nativeLinker().downcallHandle(address, type))
                .orElse(null);
    }

    /// The library, opened once in the process.
    static synchronized Loaded load() {
        if (loaded == null) {
            var given = System.getenv(LIBRARY_VARIABLE);
            var name = given == null || given.isEmpty() ? LIBRARY : given;
            try {
                loaded = new Loaded(
                        Optional.of(Signals.keep(() -> new OpenCl(of(SymbolLookup.libraryLookup(name, Arena.global()))))), "");
            } catch (IllegalArgumentException e) {
                loaded = new Loaded(Optional.empty(), "the OpenCL loader " + name + " is not usable: " + e.getMessage()
                        + "; install it (Debian: ocl-icd-libopencl1) and a driver for the device (pocl-opencl-icd for the"
                        + " processor, intel-opencl-icd, mesa-opencl-icd, or the vendor's own)");
            }
        }
        return loaded;
    }

    // --------------------------------------------------------------------------------------------------- platforms

    /// A call that reports by an error code and two sizes.
    private interface Sized {
        int call(long size, MemorySegment value, MemorySegment actual) throws Throwable;
    }

    private interface Calling {
        int call() throws Throwable;
    }

    private int run(Calling call) {
        try {
            var one = oneThread;
            return one == null || Thread.currentThread() == simulating ? call.call() : uninterrupted(one.submit(() -> apply(call)));
        } catch (Throwable e) {
            throw unexpected(e instanceof ExecutionException failed ? failed.getCause() : e);
        }
    }

    /// Waits for a call whatever happens: it may write to memory that is free once nobody waits.
    private static int uninterrupted(Future<Integer> call) throws ExecutionException {
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return call.get();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private static int apply(Calling call) throws Exception {
        try {
            return call.call();
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    /// From now on one thread alone calls the library: a simulator keeps what it knows with the thread that it knows it from.
    synchronized void callFromOneThread() {
        if (oneThread == null) {
            oneThread = Executors.newSingleThreadExecutor(task -> {
                simulating = Thread.ofPlatform().name("portolan-simulator").daemon().unstarted(task);
                return simulating;
            });
        }
    }

    /// Memory for the arguments of one call.
    private Arena arguments() {
        return oneThread == null ? Arena.ofConfined() : Arena.ofShared();
    }

    private static RuntimeException unexpected(Throwable e) {
        if (e instanceof Error error) {
            throw error;
        }
        return e instanceof RuntimeException runtime ? runtime : new IllegalStateException(e);
    }

    private byte[] bytes(Sized given) {
        Sized call = (size, value, actual) -> run(() -> given.call(size, value, actual));
        try (var arena = arguments()) {
            var actual = arena.allocate(ValueLayout.JAVA_LONG);
            if (call.call(0, MemorySegment.NULL, actual) != ErrorCode.SUCCESS) {
                return new byte[0];
            }
            long size = actual.get(ValueLayout.JAVA_LONG, 0);
            var value = arena.allocate(Math.max(1, size), 8);
            if (call.call(size, value, MemorySegment.NULL) != ErrorCode.SUCCESS) {
                return new byte[0];
            }
            return value.asSlice(0, size).toArray(ValueLayout.JAVA_BYTE);
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    static String text(byte[] bytes) {
        int length = bytes.length;
        while (length > 0 && bytes[length - 1] == 0) {
            length--;
        }
        return new String(bytes, 0, length, StandardCharsets.UTF_8).strip();
    }

    /// Up to 64 platforms. PLATFORM_NOT_FOUND of the loader is no platform.
    long[] platforms() {
        return Signals.keep(this::listPlatforms);
    }

    private long[] listPlatforms() {
        try (var arena = arguments()) {
            var count = arena.allocate(ValueLayout.JAVA_INT);
            var ids = arena.allocate(ValueLayout.JAVA_LONG, 64);
            int code = (int) getPlatforms.invokeExact(64, ids, count);
            return code == ErrorCode.SUCCESS ? ids(ids, count) : new long[0];
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    long[] devices(long platform) {
        return Signals.keep(() -> listDevices(platform));
    }

    private long[] listDevices(long platform) {
        try (var arena = arguments()) {
            var count = arena.allocate(ValueLayout.JAVA_INT);
            var ids = arena.allocate(ValueLayout.JAVA_LONG, 64);
            int code = (int) getDevices.invokeExact(platform, 0xFFFF_FFFFL, 64, ids, count);
            return code == ErrorCode.SUCCESS ? ids(ids, count) : new long[0];
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    private static long[] ids(MemorySegment ids, MemorySegment count) {
        int found = Math.clamp(count.get(ValueLayout.JAVA_INT, 0), 0, 64);
        return ids.asSlice(0, found * 8L).toArray(ValueLayout.JAVA_LONG);
    }

    String platformText(long platform, int name) {
        return text(bytes((size, value, actual) ->
                (int) getPlatformInfo.invokeExact(platform, name, size, value, actual)));
    }

    byte[] deviceInfo(long device, int name) {
        return bytes((size, value, actual) -> (int) getDeviceInfo.invokeExact(device, name, size, value, actual));
    }

    String deviceText(long device, int name) {
        return text(deviceInfo(device, name));
    }

    /// A number of a device; 0 where it does not know it.
    long deviceNumber(long device, int name) {
        var bytes = deviceInfo(device, name);
        long value = 0;
        for (int i = Math.min(8, bytes.length) - 1; i >= 0; i--) {
            value = value << 8 | bytes[i] & 0xFF;
        }
        return value;
    }

    // ----------------------------------------------------------------------------------------- contexts and memory

    /// A call that gives a handle and reports by an error code.
    private interface Creating {
        long call(Arena arena, MemorySegment error) throws Throwable;
    }

    private long create(String what, Creating call) {
        try (var arena = arguments()) {
            var error = arena.allocate(ValueLayout.JAVA_INT);
            var handles = new long[1];
            run(() -> {
                handles[0] = call.call(arena, error);
                return 0;
            });
            long handle = handles[0];
            ErrorCode.check(error.get(ValueLayout.JAVA_INT, 0), what);
            return handle;
        } catch (Throwable e) {
            throw unexpected(e);
        }
    }

    long createContext(long device) {
        return Signals.keep(() -> create("opening the device", (arena, error) -> (long) createContext.invokeExact(
                MemorySegment.NULL,
                1,
                arena.allocateFrom(ValueLayout.JAVA_LONG, device),
                MemorySegment.NULL,
                MemorySegment.NULL,
                error)));
    }

    long createQueue(long context, long device) {
        return create(
                "making a queue", (_, error) -> (long) createQueue.invokeExact(context, device, 0L, error));
    }

    /// @param wanted for the message
    long createBuffer(long context, long flags, long bytes, long wanted) {
        return create(
                "allocating " + wanted + " bytes",
                (_, error) -> (long) createBuffer.invokeExact(context, flags, bytes, MemorySegment.NULL, error));
    }

    // ------------------------------------------------------------------------------------------------------- programs

    long createProgram(long context, String source) {
        return create("handing the kernels over", (arena, error) -> {
            var text = arena.allocateFrom(source);
            return (long) createProgramWithSource.invokeExact(
                    context, 1, arena.allocateFrom(ValueLayout.ADDRESS, text), MemorySegment.NULL, error);
        });
    }

    long createProgram(long context, long device, byte[] binary) {
        return create("handing built kernels over", (arena, error) -> {
            var bytes = arena.allocateFrom(ValueLayout.JAVA_BYTE, binary);
            return (long) createProgramWithBinary.invokeExact(
                    context,
                    1,
                    arena.allocateFrom(ValueLayout.JAVA_LONG, device),
                    arena.allocateFrom(ValueLayout.JAVA_LONG, (long) binary.length),
                    arena.allocateFrom(ValueLayout.ADDRESS, bytes),
                    MemorySegment.NULL,
                    error);
        });
    }

    int build(long program, long device, String options) {
        try (var arena = arguments()) {
            return Signals.keep(() -> run(() -> (int) buildProgram.invokeExact(
                    program,
                    1,
                    arena.allocateFrom(ValueLayout.JAVA_LONG, device),
                    arena.allocateFrom(options),
                    MemorySegment.NULL,
                    MemorySegment.NULL)));
        }
    }

    String buildLog(long program, long device) {
        return text(bytes((size, value, actual) ->
                (int) getBuildInfo.invokeExact(program, device, 0x1183, size, value, actual)));
    }

    /// What was built, as the driver takes it back; empty where it does not say.
    byte[] binary(long program) {
        try (var arena = arguments()) {
            var size = arena.allocate(ValueLayout.JAVA_LONG);
            int code = run(() -> (int) getProgramInfo.invokeExact(program, 0x1165, 8L, size, MemorySegment.NULL));
            long bytes = size.get(ValueLayout.JAVA_LONG, 0);
            if (code != ErrorCode.SUCCESS || bytes <= 0 || bytes > Integer.MAX_VALUE) {
                return new byte[0];
            }
            var binary = arena.allocate(bytes);
            var pointers = arena.allocateFrom(ValueLayout.ADDRESS, binary);
            code = run(() -> (int) getProgramInfo.invokeExact(program, 0x1166, 8L, pointers, MemorySegment.NULL));
            return code == ErrorCode.SUCCESS ? binary.toArray(ValueLayout.JAVA_BYTE) : new byte[0];
        }
    }

    long createKernel(long program, String name) {
        return create("taking kernel " + name, (arena, error) ->
                (long) createKernel.invokeExact(program, arena.allocateFrom(name), error));
    }

    /// The threads of a sub-group of a kernel that runs in groups of a size; 0 where the device does not say. A loader of 2.1
    /// passes the question on to drivers that are older, which have nothing at that place of their tables.
    long subGroup(long kernel, long device, long group) {
        if (getSubGroupInfo == null || !reaches(deviceText(device, DEVICE_VERSION), 2, 1)) {
            return 0;
        }
        try (var arena = arguments()) {
            var size = arena.allocateFrom(ValueLayout.JAVA_LONG, group);
            var found = arena.allocate(ValueLayout.JAVA_LONG);
            int code = run(() -> (int) getSubGroupInfo.invokeExact(
                    kernel, device, 0x2033, 8L, size, 8L, found, MemorySegment.NULL));
            return code == ErrorCode.SUCCESS ? found.get(ValueLayout.JAVA_LONG, 0) : 0;
        }
    }

    /// Whether a version, such as "OpenCL 3.0 ...", is that one or a later one; an unreadable one is not.
    static boolean reaches(String version, int major, int minor) {
        var numbers = VERSION.matcher(version);
        if (!numbers.lookingAt()) {
            return false;
        }
        int found = Integer.parseInt(numbers.group(1));
        return found > major || found == major && Integer.parseInt(numbers.group(2)) >= minor;
    }

    int setArgument(long kernel, int number, long size, MemorySegment value) {
        return run(() -> (int) setKernelArgument.invokeExact(kernel, number, size, value));
    }

    boolean hasPointers() {
        return setKernelPointer != null && copyShared != null;
    }

    int setPointer(long kernel, int number, long address) {
        return run(() -> (int) setKernelPointer.invokeExact(kernel, number, address));
    }

    // --------------------------------------------------------------------------------------------------------- queues

    int launch(long queue, long kernel, MemorySegment global, MemorySegment group) {
        return run(() -> (int) launch.invokeExact(
                queue, kernel, 1, MemorySegment.NULL, global, group, 0, MemorySegment.NULL, MemorySegment.NULL));
    }

    int read(long queue, long buffer, boolean wait, long offset, long bytes, MemorySegment host) {
        return run(() -> (int) read.invokeExact(
                queue, buffer, wait ? 1 : 0, offset, bytes, host.address(), 0, MemorySegment.NULL, MemorySegment.NULL));
    }

    int write(long queue, long buffer, boolean wait, long offset, long bytes, MemorySegment host) {
        return run(() -> (int) write.invokeExact(
                queue, buffer, wait ? 1 : 0, offset, bytes, host.address(), 0, MemorySegment.NULL, MemorySegment.NULL));
    }

    int copy(long queue, long from, long to, long fromOffset, long toOffset, long bytes) {
        return run(() -> (int) copy.invokeExact(
                queue, from, to, fromOffset, toOffset, bytes, 0, MemorySegment.NULL, MemorySegment.NULL));
    }

    int copyShared(long queue, long from, long to, long bytes) {
        return run(() -> (int) copyShared.invokeExact(
                queue, 0, to, from, bytes, 0, MemorySegment.NULL, MemorySegment.NULL));
    }

    /// An event after all work so far.
    long marker(long queue) {
        return create("marking a point of the queue", (arena, error) -> {
            var event = arena.allocate(ValueLayout.JAVA_LONG);
            int code = (int) marker.invokeExact(queue, 0, MemorySegment.NULL, event);
            error.set(ValueLayout.JAVA_INT, 0, code);
            return event.get(ValueLayout.JAVA_LONG, 0);
        });
    }

    int flush(long queue) {
        return call(flush, queue);
    }

    int finish(long queue) {
        return call(finish, queue);
    }

    int await(long event) {
        try (var arena = arguments()) {
            return run(() -> (int) waitForEvents.invokeExact(1, arena.allocateFrom(ValueLayout.JAVA_LONG, event)));
        }
    }

    /// 0 where the event is done, above where not yet, below where the work failed.
    int status(long event) {
        var bytes = bytes((size, value, actual) -> (int) getEventInfo.invokeExact(event, 0x11D3, size, value, actual));
        return bytes.length < 4 ? 0 : MemorySegment.ofArray(bytes).get(ValueLayout.JAVA_INT_UNALIGNED, 0);
    }

    // -------------------------------------------------------------------------------------------------------- releasing

    private int call(MethodHandle function, long handle) {
        return run(() -> (int) function.invokeExact(handle));
    }

    void releaseContext(long context) {
        call(releaseContext, context);
    }

    void releaseQueue(long queue) {
        call(releaseQueue, queue);
    }

    void releaseBuffer(long buffer) {
        call(releaseBuffer, buffer);
    }

    void releaseProgram(long program) {
        call(releaseProgram, program);
    }

    void releaseKernel(long kernel) {
        call(releaseKernel, kernel);
    }

    void releaseEvent(long event) {
        call(releaseEvent, event);
    }
}
