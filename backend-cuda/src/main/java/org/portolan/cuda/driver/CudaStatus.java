package org.portolan.cuda.driver;

import java.util.HashMap;
import java.util.Map;
import org.portolan.runtime.PortolanException;
import org.portolan.runtime.PortolanException.DeviceFailed;
import org.portolan.runtime.PortolanException.DeviceLost;

/// The driver's statuses as sentences and typed errors.
///
/// @param code as the driver returns it
/// @param name as its documentation has it
/// @param sentence what it means, and what to do
/// @param lost whether nothing works on the device afterwards, in this process
record CudaStatus(int code, String name, String sentence, boolean lost) {
    static final int SUCCESS = 0;
    static final int OUT_OF_MEMORY = 2;
    static final int NO_DEVICE = 100;
    static final int NO_BINARY_FOR_GPU = 209;
    static final int NOT_READY = 600;
    /// No status of the driver's: it has no such entry point.
    static final int NOT_THERE = -1;

    private static final Map<Integer, CudaStatus> KNOWN = new HashMap<>();

    static {
        refused(NOT_THERE, "NOT_FOUND", "the driver is too old: it has no such function; install a newer driver");
        refused(1, "INVALID_VALUE", "a value was not accepted");
        refused(OUT_OF_MEMORY, "OUT_OF_MEMORY", "there is not enough memory on the device");
        lost(3, "NOT_INITIALIZED", "the driver is not initialised");
        lost(4, "DEINITIALIZED", "the driver is shutting down");
        refused(34, "STUB_LIBRARY", "libcuda is the stub for linking, not a driver; install the driver or mend the library path");
        refused(35, "INSUFFICIENT_DRIVER", "the driver is too old; install a newer driver");
        lost(46, "DEVICE_UNAVAILABLE", "the device is taken by another process or held back by its administrator");
        refused(NO_DEVICE, "NO_DEVICE", "the driver sees no device");
        refused(101, "INVALID_DEVICE", "there is no such device");
        refused(200, "INVALID_IMAGE", "the kernels' image is not one that the driver knows; compile the model again");
        lost(201, "INVALID_CONTEXT", "the device's context is gone; another library may have reset the device");
        refused(NO_BINARY_FOR_GPU, "NO_BINARY_FOR_GPU", "the kernels were compiled for another architecture than the device's");
        lost(214, "ECC_UNCORRECTABLE", "the device's memory has an error that cannot be corrected; it needs a reset");
        refused(218, "INVALID_PTX", "the driver's compiler refuses the kernels");
        lost(220, "NVLINK_UNCORRECTABLE", "a link between devices has an error that cannot be corrected");
        refused(221, "JIT_COMPILER_NOT_FOUND", "the driver has no compiler; install libnvidia-ptxjitcompiler, or compile with machine code");
        refused(222, "UNSUPPORTED_PTX_VERSION", "the driver is older than the kernels' PTX version; install a newer driver");
        refused(223, "JIT_COMPILATION_DISABLED", "the driver's compiler is switched off (CUDA_DISABLE_PTX_JIT)");
        lost(226, "CONTAINED", "the device contained an error of its memory; the process must be started anew");
        refused(301, "FILE_NOT_FOUND", "a file is not there");
        refused(304, "OPERATING_SYSTEM", "a call of the operating system failed; is the device file open to this user?");
        refused(400, "INVALID_HANDLE", "a handle is not valid");
        refused(500, "NOT_FOUND", "there is no such name; compile the model again");
        refused(NOT_READY, "NOT_READY", "work is still under way");
        lost(700, "ILLEGAL_ADDRESS", "a kernel accessed an address that is not its own");
        refused(701, "LAUNCH_OUT_OF_RESOURCES", "the device has not the registers or the memory that a block needs");
        lost(702, "LAUNCH_TIMEOUT", "a kernel ran longer than the system lets it");
        lost(708, "PRIMARY_CONTEXT_ACTIVE", "the device's context is in use by something else");
        lost(709, "CONTEXT_IS_DESTROYED", "the device's context was destroyed; another library may have reset the device");
        lost(710, "ASSERT", "an assertion in a kernel failed");
        lost(714, "HARDWARE_STACK_ERROR", "the stack of a kernel is broken");
        lost(715, "ILLEGAL_INSTRUCTION", "a kernel has an instruction that the device does not know");
        lost(716, "MISALIGNED_ADDRESS", "a kernel accessed an address that is not aligned");
        lost(717, "INVALID_ADDRESS_SPACE", "a kernel accessed the wrong kind of memory");
        lost(718, "INVALID_PC", "a kernel jumped to where no code is");
        lost(719, "LAUNCH_FAILED", "a kernel ended with an exception");
        lost(721, "TENSOR_MEMORY_LEAK", "a kernel did not give tensor memory back");
        refused(801, "NOT_SUPPORTED", "the device or the driver cannot do that");
        lost(802, "SYSTEM_NOT_READY", "the system is not ready; a service of the driver (such as the fabric manager) is not running");
        refused(803, "SYSTEM_DRIVER_MISMATCH", "the library and the kernel module of the driver are of different versions; restart the machine after an update");
        lost(999, "UNKNOWN", "the driver does not say what went wrong");
    }

    private static void refused(int code, String name, String sentence) {
        KNOWN.put(code, new CudaStatus(code, "CUDA_ERROR_" + name, sentence, false));
    }

    private static void lost(int code, String name, String sentence) {
        KNOWN.put(code, new CudaStatus(code, "CUDA_ERROR_" + name, sentence, true));
    }

    static CudaStatus of(int code) {
        return KNOWN.getOrDefault(
                code, new CudaStatus(code, "status " + code, "the driver's documentation says what this status means", false));
    }

    /// What happened while something was tried, in one sentence.
    String message(String doing) {
        return doing + " failed: " + sentence + " (" + name + (code > 0 ? ", " + code : "") + ")";
    }

    PortolanException exception(String doing) {
        return lost
                ? new DeviceLost(message(doing) + "; the device is lost to this process, start another one", null)
                : new DeviceFailed(message(doing), null);
    }
}
