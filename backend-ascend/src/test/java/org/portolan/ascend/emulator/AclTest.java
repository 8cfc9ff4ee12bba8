package org.portolan.ascend.emulator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HashSet;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/// The C interface of the emulated library: what it refuses, and what shows when a host forgets to wait.
class AclTest {
    private static final String DOUBLE =
            """
            #include "kernel_operator.h"
            using namespace AscendC;
            struct Sizes { int64_t count; };
            extern "C" __global__ __aicore__ void twice(GM_ADDR x, GM_ADDR y, GM_ADDR sizes) {
                int64_t count = reinterpret_cast<__gm__ Sizes *>(sizes)->count;
                TPipe pipe;
                TQue<TPosition::VECIN, 1> in;
                TQue<TPosition::VECOUT, 1> out;
                pipe.InitBuffer(in, 1, 1024);
                pipe.InitBuffer(out, 1, 1024);
                GlobalTensor<float> from, to;
                from.SetGlobalBuffer((__gm__ float *)x, count);
                to.SetGlobalBuffer((__gm__ float *)y, count);
                auto a = in.AllocTensor<float>();
                DataCopy(a, from, count);
                in.EnQue(a);
                a = in.DeQue<float>();
                auto b = out.AllocTensor<float>();
                Muls(b, a, 2.0f, count);
                in.FreeTensor(a);
                out.EnQue(b);
                b = out.DeQue<float>();
                DataCopy(to, b, count);
                out.FreeTensor(b);
            }
            """;
    private static Acl acl;
    private static long binary;

    @BeforeAll
    static void open() {
        acl = Emulated.acl();
        binary = acl.binary(AscendEmulator.compile(DOUBLE, 2201));
    }

    private static void refuses(int code, String words, String call, Object... arguments) {
        assertEquals(code, acl.call(call, arguments), call);
        var said = acl.said();
        assertTrue(said.contains(words), said);
    }

    private static MemorySegment floats(int count, float value) {
        var host = acl.arena.allocate(count * 4L, 64);
        for (int i = 0; i < count; i++) host.setAtIndex(ValueLayout.JAVA_FLOAT, i, value);
        return host;
    }

    private static MemorySegment sizes(long count) {
        var sizes = acl.arena.allocate(8, 8);
        sizes.set(ValueLayout.JAVA_LONG, 0, count);
        return sizes;
    }

    private static float first(long device) {
        return acl.download(device, 32).get(ValueLayout.JAVA_FLOAT, 0);
    }

    @Test
    void whatIsNotWaitedForIsNotThere() {
        long stream = acl.stream();
        long x = acl.upload(floats(64, 3));
        long y = acl.upload(floats(64, 0));
        assertEquals(0, acl.launch(acl.function(binary, "twice"), 1, stream, new long[] {x, y}, sizes(64)));
        assertEquals(0, first(y), "nothing has waited");
        acl.must("aclrtSynchronizeStream", Acl.pointer(stream));
        assertEquals(6, first(y));
        acl.must("aclrtDestroyStream", Acl.pointer(stream));
        refuses(107000, "was destroyed", "aclrtSynchronizeStream", Acl.pointer(stream));
        acl.free(x);
        acl.free(y);
    }

    @Test
    void eventsOrderStreams() {
        long first = acl.stream();
        long second = acl.stream();
        long x = acl.upload(floats(64, 3));
        long y = acl.upload(floats(64, 0));
        long z = acl.upload(floats(64, 0));
        long event = acl.handleFrom("aclrtCreateEventWithFlag", 0, 9);
        long start = acl.handleFrom("aclrtCreateEventWithFlag", 0, 9);
        long twice = acl.function(binary, "twice");
        acl.must("aclrtRecordEvent", Acl.pointer(start), Acl.pointer(first));
        assertEquals(0, acl.launch(twice, 1, first, new long[] {x, y}, sizes(64)));
        // Without the event the second stream sees what was there before.
        assertEquals(0, acl.launch(twice, 1, second, new long[] {y, z}, sizes(64)));
        acl.must("aclrtSynchronizeStream", Acl.pointer(second));
        assertEquals(0, first(z));
        acl.must("aclrtRecordEvent", Acl.pointer(event), Acl.pointer(first));
        acl.must("aclrtStreamWaitEvent", Acl.pointer(second), Acl.pointer(event));
        assertEquals(0, acl.launch(twice, 1, second, new long[] {y, z}, sizes(64)));
        acl.must("aclrtSynchronizeStream", Acl.pointer(second));
        assertEquals(12, first(z));
        var status = acl.arena.allocate(4);
        acl.must("aclrtQueryEventStatus", Acl.pointer(event), status);
        assertEquals(1, status.get(ValueLayout.JAVA_INT, 0));
        acl.must("aclrtEventElapsedTime", status, Acl.pointer(start), Acl.pointer(event));
        assertTrue(status.get(ValueLayout.JAVA_FLOAT, 0) > 0);
        for (long gone : new long[] {event, start}) acl.must("aclrtDestroyEvent", Acl.pointer(gone));
        for (long gone : new long[] {first, second}) acl.must("aclrtDestroyStream", Acl.pointer(gone));
        for (long gone : new long[] {x, y, z}) acl.free(gone);
    }

    @Test
    void askingAfterAnEventLetsTheWorkGoOn() throws Exception {
        long stream = acl.stream();
        long x = acl.upload(floats(64, 3));
        long y = acl.upload(floats(64, 0));
        long event = acl.handleFrom("aclrtCreateEventWithFlag", 0, 1);
        assertEquals(0, acl.launch(acl.function(binary, "twice"), 1, stream, new long[] {x, y}, sizes(64)));
        acl.must("aclrtRecordEvent", Acl.pointer(event), Acl.pointer(stream));
        var status = acl.arena.allocate(4);
        while (status.get(ValueLayout.JAVA_INT, 0) == 0) {
            acl.must("aclrtQueryEventStatus", Acl.pointer(event), status);
            Thread.sleep(1);
        }
        assertEquals(6, first(y));
        acl.must("aclrtDestroyEvent", Acl.pointer(event));
        acl.must("aclrtDestroyStream", Acl.pointer(stream));
        acl.free(x);
        acl.free(y);
    }

    @Test
    void aThreadWithoutADeviceHasNoContext() throws Exception {
        var code = new AtomicInteger();
        var thread = new Thread(() -> {
            try (var frame = Arena.ofConfined()) {
                code.set(acl.call("aclrtMalloc", frame.allocate(8), 64L, 0));
            }
        });
        thread.start();
        thread.join();
        assertEquals(107002, code.get());
    }

    @Test
    void copiesStayInTheirPlaces() {
        var host = floats(64, 1);
        long device = acl.allocate(256);
        refuses(107000, "is no memory of the device", "aclrtMemcpy", host, 256L, host, 256L, Acl.TO_DEVICE);
        refuses(107000, "is memory of the device", "aclrtMemcpy", Acl.pointer(device), 256L, Acl.pointer(device), 256L, Acl.TO_HOST);
        refuses(107000, "reaches bytes 4 to 260 of allocation", "aclrtMemcpy", Acl.pointer(device + 4), 256L, host, 256L, Acl.TO_DEVICE);
        refuses(107000, "256 bytes into a place of 128", "aclrtMemcpy", Acl.pointer(device), 128L, host, 256L, Acl.TO_DEVICE);
        refuses(100000, "kind 9", "aclrtMemcpy", Acl.pointer(device), 256L, host, 256L, 9);
        acl.free(device);
        refuses(107000, "which was freed", "aclrtMemcpy", Acl.pointer(device), 256L, host, 256L, Acl.TO_DEVICE);
        refuses(107000, "was freed before", "aclrtFree", Acl.pointer(device));
        refuses(107000, "is no allocation", "aclrtFree", host);
        refuses(100000, "null", "aclrtFree", MemorySegment.NULL);
        refuses(100000, "0 bytes", "aclrtMalloc", host, 0L, 0);
        refuses(207001, "are asked for", "aclrtMalloc", host, 1L << 45, 0);
    }

    @Test
    void aKernelOverFreedOrHostMemoryIsAFault() {
        long stream = acl.stream();
        long twice = acl.function(binary, "twice");
        long x = acl.upload(floats(64, 1));
        long y = acl.allocate(256);
        acl.free(x);
        assertEquals(0, acl.launch(twice, 1, stream, new long[] {x, y}, sizes(64)));
        refuses(507035, "which was freed", "aclrtSynchronizeStream", Acl.pointer(stream));
        long pinned = acl.handleFrom("aclrtMallocHost", 0, 256L);
        assertEquals(0, acl.launch(twice, 1, stream, new long[] {pinned, y}, sizes(64)));
        refuses(507035, "in memory of the host", "aclrtSynchronizeStream", Acl.pointer(stream));
        // A fault does not stick: what comes afterwards works.
        long again = acl.upload(floats(64, 4));
        assertEquals(0, acl.launch(twice, 1, stream, new long[] {again, y}, sizes(64)));
        acl.must("aclrtSynchronizeStream", Acl.pointer(stream));
        assertEquals(8, first(y));
        acl.must("aclrtFreeHost", Acl.pointer(pinned));
        acl.free(again);
        acl.free(y);
    }

    @Test
    void binariesAndFunctionsAreChecked() {
        var place = acl.arena.allocate(8);
        refuses(100000, "is no absolute path", "aclrtBinaryLoadFromFile", acl.arena.allocateFrom("kernel.o"), MemorySegment.NULL, place);
        refuses(100003, "cannot be loaded", "aclrtBinaryLoadFromFile", acl.arena.allocateFrom("/nowhere/kernel.o"), MemorySegment.NULL, place);
        var other = AscendEmulator.compile(DOUBLE, 3510).toString();
        refuses(107000, "is for dav-3510, and this device is Ascend910B1 (dav-2201)", "aclrtBinaryLoadFromFile", acl.arena.allocateFrom(other), MemorySegment.NULL, place);
        refuses(100029, "has no kernel thrice", "aclrtBinaryGetFunction", Acl.pointer(binary), acl.arena.allocateFrom("thrice"), place);
        long twice = acl.function(binary, "twice");
        long stream = acl.stream();
        refuses(107000, "0 blocks", "aclrtLaunchKernelWithConfig", Acl.pointer(twice), 0, Acl.pointer(stream), MemorySegment.NULL, MemorySegment.NULL, MemorySegment.NULL);
        refuses(107000, "the arguments are not of this function", "aclrtLaunchKernelWithConfig", Acl.pointer(twice), 1, Acl.pointer(stream), MemorySegment.NULL, MemorySegment.NULL, MemorySegment.NULL);
        long arguments = acl.handleFrom("aclrtKernelArgsInit", 1, Acl.pointer(twice));
        refuses(107000, "call aclrtKernelArgsFinalize", "aclrtLaunchKernelWithConfig", Acl.pointer(twice), 1, Acl.pointer(stream), MemorySegment.NULL, Acl.pointer(arguments), MemorySegment.NULL);
        long holder = acl.handleFrom("aclrtKernelArgsAppendPlaceHolder", 1, Acl.pointer(arguments));
        refuses(107000, "placeholder 0 has no buffer", "aclrtKernelArgsFinalize", Acl.pointer(arguments));
        acl.handleFrom("aclrtKernelArgsGetPlaceHolderBuffer", 3, Acl.pointer(arguments), Acl.pointer(holder), 8L);
        refuses(107000, "before the first placeholder buffer", "aclrtKernelArgsAppend", Acl.pointer(arguments), place, 8L, place);
    }

    @Test
    void manyLaunchesNeedNoMoreHandles() {
        long stream = acl.stream();
        long twice = acl.function(binary, "twice");
        long y = acl.upload(floats(64, 0));
        for (int i = 0; i < 10_000; i++) {
            assertEquals(0, acl.launch(twice, 1, stream, new long[] {y, y}, sizes(64)));
            if (i % 1000 == 0) acl.must("aclrtSynchronizeStream", Acl.pointer(stream));
        }
        acl.must("aclrtSynchronizeStream", Acl.pointer(stream));
        acl.must("aclrtDestroyStream", Acl.pointer(stream));
        acl.free(y);
    }

    @Test
    void eachCallRefusesWhatIsNone() {
        var place = acl.arena.allocate(16);
        var none = acl.arena.allocate(64);
        refuses(107001, "there is only device 0", "aclrtSetDevice", 3);
        refuses(107001, "there is only device 0", "aclrtResetDevice", 3);
        refuses(107001, "there is only device 0", "aclrtGetDeviceInfo", 3, 301, place);
        refuses(100000, "attribute 7 is not known", "aclrtGetDeviceInfo", 0, 7, place);
        refuses(100000, "9 is not known", "aclGetDeviceCapability", 0, 9, place);
        refuses(100000, "no place for the number", "aclrtGetDeviceCount", MemorySegment.NULL);
        refuses(100000, "attribute 9", "aclrtGetMemInfo", 9, place, place);
        refuses(100000, "0 bytes from", "aclrtMemcpy", none, 64L, none, 0L, Acl.TO_DEVICE);
        refuses(107000, "null", "aclrtDestroyStream", MemorySegment.NULL);
        refuses(107000, "the stream is none", "aclrtSynchronizeStream", none);
        refuses(107000, "the binary is none", "aclrtBinaryUnLoad", none);
        refuses(107000, "the binary is none", "aclrtBinaryGetFunction", none, acl.arena.allocateFrom("twice"), place);
        refuses(107000, "the function is none", "aclrtKernelArgsInit", none, place);
        refuses(107000, "the arguments are none", "aclrtKernelArgsAppend", none, place, 8L, place);
        refuses(107000, "the arguments are none", "aclrtKernelArgsAppendPlaceHolder", none, place);
        refuses(107000, "no placeholder of these arguments", "aclrtKernelArgsGetPlaceHolderBuffer", none, none, 8L, place);
        refuses(107000, "none of these arguments", "aclrtKernelArgsParaUpdate", none, none, place, 8L);
        refuses(107000, "the arguments are none", "aclrtKernelArgsFinalize", none);
        long first = acl.handleFrom("aclrtCreateEventWithFlag", 0, 1);
        long second = acl.handleFrom("aclrtCreateEventWithFlag", 0, 9);
        refuses(107000, "ACL_EVENT_TIME_LINE", "aclrtEventElapsedTime", place, Acl.pointer(first), Acl.pointer(second));
        refuses(107000, "was not reached yet", "aclrtEventElapsedTime", place, Acl.pointer(second), Acl.pointer(second));
        long arguments = acl.handleFrom("aclrtKernelArgsInit", 1, Acl.pointer(acl.function(binary, "twice")));
        for (int i = 0; i < 128; i++) acl.must("aclrtKernelArgsAppend", Acl.pointer(arguments), place, 8L, none);
        refuses(107000, "more than 128 parameters", "aclrtKernelArgsAppend", Acl.pointer(arguments), place, 8L, none);
        refuses(107000, "more than 128 parameters", "aclrtKernelArgsAppendPlaceHolder", Acl.pointer(arguments), none);
        for (long gone : new long[] {first, second}) acl.must("aclrtDestroyEvent", Acl.pointer(gone));
    }

    /// Handles that are over are recognised for a while, and then used again: nothing grows.
    @Test
    void handlesAreUsedAgain() {
        var events = new HashSet<Long>();
        var functions = new HashSet<Long>();
        long stream = acl.stream();
        for (int i = 0; i < 10_000; i++) {
            long event = acl.handleFrom("aclrtCreateEventWithFlag", 0, 1);
            acl.must("aclrtRecordEvent", Acl.pointer(event), Acl.pointer(stream));
            acl.must("aclrtDestroyEvent", Acl.pointer(event));
            if (i % 1000 == 0) refuses(107000, "the event is none", "aclrtDestroyEvent", Acl.pointer(event));
            events.add(event);
            functions.add(acl.function(binary, "twice"));
        }
        assertTrue(events.size() < 3000, events.size() + " events");
        assertEquals(1, functions.size());
        acl.must("aclrtDestroyStream", Acl.pointer(stream));
    }

    @Test
    void faultsCanBePlanned() {
        long stream = acl.stream();
        var place = acl.arena.allocate(8);
        acl.callVoid("portolan_emulator_fault", acl.arena.allocateFrom("aclrtMalloc"), 207001, 1);
        acl.free(acl.allocate(64));
        refuses(207001, "a fault that was asked for", "aclrtMalloc", place, 64L, 0);
        acl.free(acl.allocate(64));
        long y = acl.upload(floats(64, 0));
        acl.callVoid("portolan_emulator_fault", acl.arena.allocateFrom("kernel"), 507014, 0);
        assertEquals(0, acl.launch(acl.function(binary, "twice"), 1, stream, new long[] {y, y}, sizes(64)));
        refuses(507014, "a fault that was asked for", "aclrtSynchronizeStream", Acl.pointer(stream));
        acl.must("aclrtSynchronizeStream", Acl.pointer(stream));
        acl.free(y);
    }
}
