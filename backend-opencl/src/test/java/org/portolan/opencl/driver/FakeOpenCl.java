package org.portolan.opencl.driver;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/// A library of OpenCL without a device. It has one GPU with memory of its own, whose compiler takes any text, and one
/// kernel, which doubles numbers. Each function does what the specification says, or fails as a test tells it to.
public final class FakeOpenCl implements OpenCl.Functions {
    /// Text that the compiler takes, and what a launch of its kernel must be given: x, y and how many numbers.
    public static final String KERNEL =
            """
            //: twice twice buffers=2 symbols=1 block=0 shared=0 of /model/Add
            #pragma OPENCL FP_CONTRACT OFF
            __kernel void twice(__global uchar* x, ulong x_start, __global uchar* y, ulong y_start, long n, __global uint* error) {}
            """;

    private static final long PLATFORM = 7;
    private static final long DEVICE = 8;
    private static final MethodHandle CALL = handle();

    private final Map<Long, Object> live = new HashMap<>();
    private final Map<Long, Map<Integer, Long>> arguments = new HashMap<>();
    private final Map<Integer, byte[]> facts = new HashMap<>();
    private long next = 1L << 40;
    private String failing = "";
    private int code;
    private int after;
    private String log = "";
    private byte[] binary = {};
    private final Map<String, Integer> calls = new HashMap<>();
    long subGroup = 16;

    private static MethodHandle handle() {
        try {
            return MethodHandles.lookup().findVirtual(
                    FakeOpenCl.class, "call", MethodType.methodType(Object.class, String.class, Object[].class));
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    public FakeOpenCl() {
        number(0x1000, 4);
        number(0x1004, 256);
        number(0x101F, 1 << 20);
        number(0x1023, 32 << 10);
        text(0x102B, "Fake GPU");
        text(0x102D, "1");
        text(0x102F, "OpenCL 2.1 Fake");
        text(0x1030, "cl_khr_int64_base_atomics");
    }

    void number(int name, long value) {
        facts.put(name, MemorySegment.ofArray(new long[] {value}).toArray(ValueLayout.JAVA_BYTE));
    }

    void text(int name, String value) {
        facts.put(name, (value + "\0").getBytes(StandardCharsets.UTF_8));
    }

    OpenClDevice open() {
        var library = new OpenCl(this);
        return new OpenClDevice(library, DeviceFacts.of(library, PLATFORM, DEVICE), 0);
    }

    /// A call of a function fails: the next one, or one after some that do not.
    void fail(String function, int error, int first) {
        failing = function;
        code = error;
        after = first;
    }

    void log(String text) {
        log = text;
    }

    /// What every program is made of; without one the driver gives none.
    void binary(byte[] bytes) {
        binary = bytes;
    }

    int calls(String function) {
        return calls.getOrDefault(function, 0);
    }

    /// Whether the planned failure has not happened yet.
    boolean waits() {
        return !failing.isEmpty();
    }

    /// How many objects of the library are there.
    int live() {
        return live.size();
    }

    @Override
    public MethodHandle find(String name, FunctionDescriptor type) {
        if (name.contains("SVM")) {
            return null;
        }
        return CALL.bindTo(this).bindTo(name)
                .asCollector(Object[].class, type.argumentLayouts().size())
                .asType(type.toMethodType());
    }

    private synchronized Object call(String name, Object[] with) {
        calls.merge(name, 1, Integer::sum);
        if (name.equals(failing) && after-- == 0) {
            failing = "";
            return name.startsWith("clCreate") ? created(with, null, code) : (Object) code;
        }
        return switch (name) {
            case "clGetPlatformIDs", "clGetDeviceIDs" -> {
                ((MemorySegment) with[with.length - 2]).reinterpret(8).set(
                        ValueLayout.JAVA_LONG, 0, name.equals("clGetDeviceIDs") ? DEVICE : PLATFORM);
                ((MemorySegment) with[with.length - 1]).reinterpret(4).set(ValueLayout.JAVA_INT, 0, 1);
                yield 0;
            }
            case "clGetPlatformInfo" -> say("Fake\0".getBytes(StandardCharsets.UTF_8), with, 2);
            case "clGetDeviceInfo" -> say(facts.getOrDefault((int) with[1], new byte[0]), with, 2);
            case "clGetProgramBuildInfo" -> say((log + "\0").getBytes(StandardCharsets.UTF_8), with, 3);
            case "clGetProgramInfo" -> programInfo((int) with[1], (MemorySegment) with[3]);
            case "clGetEventInfo" -> say(new byte[4], with, 2);
            case "clGetKernelSubGroupInfo" -> {
                ((MemorySegment) with[6]).reinterpret(8).set(ValueLayout.JAVA_LONG, 0, subGroup);
                yield 0;
            }
            case "clCreateBuffer" -> created(with, Arena.ofShared().allocate((long) with[2], 64), 0);
            case "clCreateContext", "clCreateCommandQueue", "clCreateProgramWithSource", "clCreateProgramWithBinary",
                    "clCreateKernel" -> created(with, name, 0);
            case "clEnqueueMarkerWithWaitList" -> {
                ((MemorySegment) with[3]).reinterpret(8).set(ValueLayout.JAVA_LONG, 0, add("event"));
                yield 0;
            }
            case "clSetKernelArg" -> {
                long value = ((MemorySegment) with[3]).reinterpret(8).get(ValueLayout.JAVA_LONG, 0);
                arguments.computeIfAbsent((long) with[0], _ -> new HashMap<>()).put((int) with[1], value);
                yield 0;
            }
            case "clEnqueueNDRangeKernel" -> twice(arguments.get((long) with[1]));
            case "clEnqueueReadBuffer" -> {
                MemorySegment.copy(buffer((long) with[1]), (long) with[3], host(with), 0, (long) with[4]);
                yield 0;
            }
            case "clEnqueueWriteBuffer" -> {
                MemorySegment.copy(host(with), 0, buffer((long) with[1]), (long) with[3], (long) with[4]);
                yield 0;
            }
            case "clEnqueueCopyBuffer" -> {
                MemorySegment.copy(
                        buffer((long) with[1]), (long) with[3], buffer((long) with[2]), (long) with[4], (long) with[5]);
                yield 0;
            }
            case "clBuildProgram", "clFlush", "clFinish", "clWaitForEvents" -> 0;
            case "clReleaseContext", "clReleaseCommandQueue", "clReleaseMemObject", "clReleaseProgram", "clReleaseKernel",
                    "clReleaseEvent" -> live.remove((long) with[0]) == null ? -30 : 0;
            default -> throw new IllegalArgumentException(name);
        };
    }

    /// The size of the binary, or the binary where a pointer to memory for it stands.
    private int programInfo(int name, MemorySegment value) {
        if (name == 0x1165) {
            value.reinterpret(8).set(ValueLayout.JAVA_LONG, 0, binary.length);
        } else {
            var place = value.reinterpret(8).get(ValueLayout.ADDRESS, 0).reinterpret(binary.length);
            MemorySegment.copy(MemorySegment.ofArray(binary), 0, place, 0, binary.length);
        }
        return 0;
    }

    /// y = 2 x, where x and y begin some bytes behind their buffers' start.
    private int twice(Map<Integer, Long> given) {
        for (long i = 0; i < given.get(4); i++) {
            float x = buffer(given.get(0)).get(ValueLayout.JAVA_FLOAT, given.get(1) + 4 * i);
            buffer(given.get(2)).set(ValueLayout.JAVA_FLOAT, given.get(3) + 4 * i, 2 * x);
        }
        return 0;
    }

    private static MemorySegment host(Object[] with) {
        return MemorySegment.ofAddress((long) with[5]).reinterpret((long) with[4]);
    }

    private MemorySegment buffer(long handle) {
        return (MemorySegment) live.get(handle);
    }

    private long add(Object object) {
        live.put(++next, object);
        return next;
    }

    private long created(Object[] with, Object object, int error) {
        ((MemorySegment) with[with.length - 1]).reinterpret(4).set(ValueLayout.JAVA_INT, 0, error);
        return object == null ? 0 : add(object);
    }

    private static int say(byte[] value, Object[] with, int first) {
        var to = (MemorySegment) with[first + 1];
        var size = (MemorySegment) with[first + 2];
        if (!size.equals(MemorySegment.NULL)) {
            size.reinterpret(8).set(ValueLayout.JAVA_LONG, 0, value.length);
        }
        if (!to.equals(MemorySegment.NULL)) {
            MemorySegment.copy(MemorySegment.ofArray(value), 0, to.reinterpret(value.length), 0, value.length);
        }
        return 0;
    }
}
