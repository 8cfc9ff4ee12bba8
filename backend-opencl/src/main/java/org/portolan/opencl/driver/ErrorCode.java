package org.portolan.opencl.driver;

import java.util.Map;
import org.portolan.runtime.PortolanException;
import org.portolan.runtime.PortolanException.DeviceFailed;
import org.portolan.runtime.PortolanException.DeviceLost;
import org.portolan.runtime.PortolanException.LimitExceeded;

/// What a function of OpenCL says when it fails (Khronos OpenCL specification 3.0, appendix "Error Codes").
final class ErrorCode {
    static final int SUCCESS = 0;
    static final int DEVICE_NOT_FOUND = -1;
    private static final int DEVICE_NOT_AVAILABLE = -2;
    private static final int MEMORY_ALLOCATION_FAILURE = -4;
    static final int OUT_OF_RESOURCES = -5;
    private static final int OUT_OF_HOST_MEMORY = -6;
    static final int BUILD_PROGRAM_FAILURE = -11;
    private static final int INVALID_DEVICE = -33;
    static final int INVALID_BUFFER_SIZE = -61;
    /// Of the loader: no driver is installed.
    static final int PLATFORM_NOT_FOUND = -1001;

    private static final Map<Integer, String> WORDS = Map.ofEntries(
            Map.entry(DEVICE_NOT_FOUND, "there is no such device"),
            Map.entry(DEVICE_NOT_AVAILABLE, "the device is not available"),
            Map.entry(-3, "the driver has no compiler"),
            Map.entry(MEMORY_ALLOCATION_FAILURE, "the device cannot allocate so much memory"),
            Map.entry(OUT_OF_RESOURCES, "the device is out of resources"),
            Map.entry(OUT_OF_HOST_MEMORY, "the driver is out of host memory"),
            Map.entry(BUILD_PROGRAM_FAILURE, "the vendor's compiler refuses the kernels"),
            Map.entry(-14, "earlier work in the queue has failed"),
            Map.entry(-30, "a value is not allowed"),
            Map.entry(-34, "the context is not valid"),
            Map.entry(-36, "the queue is not valid"),
            Map.entry(-38, "a memory object is not valid"),
            Map.entry(-42, "the binary is not for this device"),
            Map.entry(-45, "the program has not been built for this device"),
            Map.entry(-46, "the program has no kernel of that name"),
            Map.entry(-49, "the kernel has no argument of that number"),
            Map.entry(-50, "an argument's value is not allowed"),
            Map.entry(-51, "an argument has another size"),
            Map.entry(-52, "an argument of the kernel is not set"),
            Map.entry(-54, "the device does not run work-groups of that size"),
            Map.entry(-55, "the device does not run work-items of that size"),
            Map.entry(INVALID_BUFFER_SIZE, "the device has no buffers of that size"),
            Map.entry(PLATFORM_NOT_FOUND, "no OpenCL driver is installed"));

    private ErrorCode() {}

    static String text(int code) {
        return WORDS.getOrDefault(code, "error") + " (OpenCL error " + code + ")";
    }

    /// Does nothing on success.
    ///
    /// @param what was tried, for the message
    static void check(int code, String what) {
        if (code != SUCCESS) {
            throw failure(code, what);
        }
    }

    static PortolanException failure(int code, String what) {
        var message = what + " failed: " + text(code);
        return switch (code) {
            case MEMORY_ALLOCATION_FAILURE, OUT_OF_RESOURCES, OUT_OF_HOST_MEMORY, INVALID_BUFFER_SIZE ->
                new LimitExceeded(message + "; give the model smaller inputs, or let fewer runs work at once");
            case DEVICE_NOT_AVAILABLE, INVALID_DEVICE -> new DeviceLost(message + "; start a new process", null);
            default -> new DeviceFailed(message, null);
        };
    }
}
