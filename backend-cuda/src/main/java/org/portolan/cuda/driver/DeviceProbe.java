package org.portolan.cuda.driver;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Map;
import org.portolan.runtime.device.DeviceDescription;

/// Asks the driver what a device is.
///
/// @param handle the driver's number of the device
/// @param pools whether its memory comes from pools
record DeviceProbe(DeviceDescription description, Architecture architecture, int handle, boolean pools) {
    private static final int NAME_BYTES = 256;
    private static final int MAX_THREADS_PER_BLOCK = 1;
    private static final int L2_CACHE_SIZE = 38;
    private static final int CAPABILITY_MAJOR = 75;
    private static final int CAPABILITY_MINOR = 76;
    private static final int SHARED_BYTES_OPT_IN = 97;
    private static final int MEMORY_POOLS = 115;

    /// @throws org.portolan.runtime.PortolanException.DeviceFailed if the driver does not say
    static DeviceProbe of(DriverCalls calls, int ordinal) {
        try (var arena = Arena.ofConfined()) {
            var number = arena.allocate(ValueLayout.JAVA_INT);
            check(calls.deviceGet(number, ordinal));
            int device = number.get(ValueLayout.JAVA_INT, 0);
            var name = arena.allocate(NAME_BYTES);
            check(calls.deviceGetName(name, NAME_BYTES - 1, device));
            var bytes = arena.allocate(ValueLayout.JAVA_LONG);
            check(calls.deviceTotalMem(bytes, device));
            var architecture = new Architecture(
                    attribute(calls, number, CAPABILITY_MAJOR, device), attribute(calls, number, CAPABILITY_MINOR, device));
            var description = new DeviceDescription(
                    CudaDriver.NAME,
                    ordinal,
                    name.getString(0),
                    false,
                    false,
                    bytes.get(ValueLayout.JAVA_LONG, 0),
                    architecture.features(),
                    architecture.machine(),
                    Map.of(
                            "shared_bytes", (long) attribute(calls, number, SHARED_BYTES_OPT_IN, device),
                            "block_limit", (long) attribute(calls, number, MAX_THREADS_PER_BLOCK, device),
                            "level2_bytes", (long) attribute(calls, number, L2_CACHE_SIZE, device)));
            // A driver before CUDA 11.2 does not know what is asked for.
            boolean pools = calls.deviceGetAttribute(number, MEMORY_POOLS, device) == CudaStatus.SUCCESS
                    && number.get(ValueLayout.JAVA_INT, 0) == 1;
            return new DeviceProbe(description, architecture, device, pools);
        }
    }

    private static int attribute(DriverCalls calls, MemorySegment place, int attribute, int device) {
        check(calls.deviceGetAttribute(place, attribute, device));
        return place.get(ValueLayout.JAVA_INT, 0);
    }

    private static void check(int status) {
        if (status != CudaStatus.SUCCESS) {
            throw CudaStatus.of(status).exception("asking the driver about the device");
        }
    }
}
