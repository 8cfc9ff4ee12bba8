package org.portolan.ascend.driver;

import org.portolan.runtime.PortolanException;
import org.portolan.runtime.PortolanException.DeviceFailed;
import org.portolan.runtime.PortolanException.DeviceLost;
import org.portolan.runtime.PortolanException.LimitExceeded;

/// What AscendCL's error codes mean, and what to do.
final class AclError {
    static final int SUCCESS = 0;
    /// {@code aclInit} was called before, which does no harm.
    static final int REPEATED = 100002;

    /// The thread has no device; the call has done nothing.
    static final int NO_CONTEXT = 107002;

    /// Another process has the device.
    private static final int HELD = 507008;

    private AclError() {}

    /// @param what was being done
    /// @param said what the library says about it; may be empty
    static PortolanException of(int code, String what, String said) {
        var text = what + " failed: " + meaning(code) + " (AscendCL error " + code + ")" + (said.isBlank() ? "" : ": " + said.strip());
        if (code == 200000 || code == 207001 || code == 207018) {
            return new LimitExceeded(text + "; free memory on the device, or compile for smaller extents");
        }
        // A device that somebody else has is not lost: it is free again when they end.
        return code >= 507000 && code < 508000 && code != HELD ? new DeviceLost(text, null) : new DeviceFailed(text, null);
    }

    private static String meaning(int code) {
        return switch (code) {
            case 100000, 107000 -> "an argument is not valid";
            case 100001 -> "AscendCL is not initialised";
            case 100003 -> "the file is no kernel binary of this chip";
            case 100029 -> "the binary has no kernel of that name; compile the model again";
            case 100039 -> "the library is a stub for compiling; put the driver's libraries before it in LD_LIBRARY_PATH";
            case 107001 -> "there is no device of that number; see npu-smi info";
            case NO_CONTEXT -> "this thread has no device";
            case 107003 -> "the stream belongs to another context";
            case 107020, 507014 -> "a kernel took too long";
            case 200000, 207001, 207018 -> "there is not enough memory";
            case 500000 -> "the runtime failed within";
            case HELD -> "the device is held by another process, or its driver does not answer; see npu-smi info";
            case 507015 -> "a kernel did what an AI core must not";
            case 507035 -> "a kernel did what a vector core must not";
            case 507033 -> "the device does not start; see npu-smi info and the driver's log";
            default -> code >= 507000 ? "the device reports a fault" : "an error of the runtime";
        };
    }
}
