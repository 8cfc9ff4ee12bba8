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
    static final int UNSUPPORTED_PTX = 222;
    static final int NOT_READY = 600;
    private static final int ILLEGAL_ADDRESS = 700;
    /// No status of the driver's: it has no such entry point.
    static final int NOT_THERE = -1;

    private static final Map<Integer, CudaStatus> KNOWN = new HashMap<>();

    static {
        refused(NOT_THERE, "NOT_FOUND", "the driver is too old: it has no such function; install a newer driver");
        refused(1, "INVALID_VALUE", "a value was not accepted");
        refused(OUT_OF_MEMORY, "OUT_OF_MEMORY", "there is not enough memory on the device");
        lost(3, "NOT_INITIALIZED", "the driver is not initialised");
        lost(4, "DEINITIALIZED", "the driver is shutting down");
        refused(5, "PROFILER_DISABLED", "a profiler is in the way");
        refused(6, "PROFILER_NOT_INITIALIZED", "the profiler was not started");
        refused(7, "PROFILER_ALREADY_STARTED", "the profiler was started before");
        refused(8, "PROFILER_ALREADY_STOPPED", "the profiler was stopped before");
        refused(34, "STUB_LIBRARY", "libcuda is the stub for linking, not a driver; install the driver or mend the library path");
        refused(35, "INSUFFICIENT_DRIVER", "the driver is too old; install a newer driver");
        lost(46, "DEVICE_UNAVAILABLE", "the device is taken by another process or held back by its administrator");
        refused(NO_DEVICE, "NO_DEVICE", "the driver sees no device");
        refused(101, "INVALID_DEVICE", "there is no such device");
        refused(102, "DEVICE_NOT_LICENSED", "the device needs a licence of its vendor's");
        refused(200, "INVALID_IMAGE", "the kernels' image is not one that the driver knows; compile the model again");
        lost(201, "INVALID_CONTEXT", "the device's context is gone; another library may have reset the device");
        refused(202, "CONTEXT_ALREADY_CURRENT", "the context was the thread's before");
        refused(205, "MAP_FAILED", "memory could not be mapped");
        refused(206, "UNMAP_FAILED", "memory could not be unmapped");
        refused(207, "ARRAY_IS_MAPPED", "memory is mapped and cannot be given back");
        refused(208, "ALREADY_MAPPED", "memory was mapped before");
        refused(NO_BINARY_FOR_GPU, "NO_BINARY_FOR_GPU", "the kernels were compiled for another architecture than the device's");
        refused(210, "ALREADY_ACQUIRED", "something was taken before");
        refused(211, "NOT_MAPPED", "memory is not mapped");
        refused(212, "NOT_MAPPED_AS_ARRAY", "memory is not mapped as an array");
        refused(213, "NOT_MAPPED_AS_POINTER", "memory is not mapped as a pointer");
        lost(214, "ECC_UNCORRECTABLE", "the device's memory has an error that cannot be corrected; it needs a reset");
        refused(215, "UNSUPPORTED_LIMIT", "the device has no such limit");
        refused(216, "CONTEXT_ALREADY_IN_USE", "another thread has the context");
        refused(217, "PEER_ACCESS_UNSUPPORTED", "the two devices are not connected");
        refused(218, "INVALID_PTX", "the driver's compiler refuses the kernels");
        refused(219, "INVALID_GRAPHICS_CONTEXT", "a graphics context is not valid");
        lost(220, "NVLINK_UNCORRECTABLE", "a link between devices has an error that cannot be corrected");
        refused(221, "JIT_COMPILER_NOT_FOUND", "the driver has no compiler; install libnvidia-ptxjitcompiler, or compile with machine code");
        refused(UNSUPPORTED_PTX, "UNSUPPORTED_PTX_VERSION", "the driver is older than the kernels' PTX version; install a newer driver");
        refused(223, "JIT_COMPILATION_DISABLED", "the driver's compiler is switched off (CUDA_DISABLE_PTX_JIT)");
        refused(224, "UNSUPPORTED_EXEC_AFFINITY", "the device cannot be divided that way");
        refused(225, "UNSUPPORTED_DEVSIDE_SYNC", "kernels may not wait for kernels on this device");
        lost(226, "CONTAINED", "the device contained an error of its memory; the process must be started anew");
        refused(300, "INVALID_SOURCE", "the kernels' text is not valid; compile the model again");
        refused(301, "FILE_NOT_FOUND", "a file is not there");
        refused(302, "SHARED_OBJECT_SYMBOL_NOT_FOUND", "a library of the driver's lacks a function; install the driver again");
        refused(303, "SHARED_OBJECT_INIT_FAILED", "a library of the driver's does not start; install the driver again");
        refused(304, "OPERATING_SYSTEM", "a call of the operating system failed; is the device file open to this user?");
        refused(400, "INVALID_HANDLE", "a handle is not valid");
        refused(401, "ILLEGAL_STATE", "that is not allowed now");
        refused(402, "LOSSY_QUERY", "the answer would leave something out");
        refused(500, "NOT_FOUND", "there is no such name; compile the model again");
        refused(NOT_READY, "NOT_READY", "work is still under way");
        lost(ILLEGAL_ADDRESS, "ILLEGAL_ADDRESS", "a kernel accessed an address that is not its own");
        refused(701, "LAUNCH_OUT_OF_RESOURCES", "the device has not the registers or the memory that a block needs");
        lost(702, "LAUNCH_TIMEOUT", "a kernel ran longer than the system lets it");
        refused(703, "LAUNCH_INCOMPATIBLE_TEXTURING", "a launch does not go with the texturing in use");
        refused(704, "PEER_ACCESS_ALREADY_ENABLED", "the two devices were connected before");
        refused(705, "PEER_ACCESS_NOT_ENABLED", "the two devices were not connected before");
        lost(708, "PRIMARY_CONTEXT_ACTIVE", "the device's context is in use by something else");
        lost(709, "CONTEXT_IS_DESTROYED", "the device's context was destroyed; another library may have reset the device");
        lost(710, "ASSERT", "an assertion in a kernel failed");
        refused(711, "TOO_MANY_PEERS", "the device is connected to as many others as it can be");
        refused(712, "HOST_MEMORY_ALREADY_REGISTERED", "the host's memory was locked before");
        refused(713, "HOST_MEMORY_NOT_REGISTERED", "the host's memory was not locked before");
        lost(714, "HARDWARE_STACK_ERROR", "the stack of a kernel is broken");
        lost(715, "ILLEGAL_INSTRUCTION", "a kernel has an instruction that the device does not know");
        lost(716, "MISALIGNED_ADDRESS", "a kernel accessed an address that is not aligned");
        lost(717, "INVALID_ADDRESS_SPACE", "a kernel accessed the wrong kind of memory");
        lost(718, "INVALID_PC", "a kernel jumped to where no code is");
        lost(719, "LAUNCH_FAILED", "a kernel ended with an exception");
        refused(720, "COOPERATIVE_LAUNCH_TOO_LARGE", "the device cannot hold all blocks of a launch at once");
        lost(721, "TENSOR_MEMORY_LEAK", "a kernel did not give tensor memory back");
        refused(800, "NOT_PERMITTED", "the driver does not permit that to this process");
        refused(801, "NOT_SUPPORTED", "the device or the driver cannot do that");
        lost(802, "SYSTEM_NOT_READY", "the system is not ready; a service of the driver (such as the fabric manager) is not running");
        refused(803, "SYSTEM_DRIVER_MISMATCH", "the library and the kernel module of the driver are of different versions; restart the machine after an update");
        refused(804, "COMPAT_NOT_SUPPORTED_ON_DEVICE", "the library for forward compatibility does not support this device; use the driver's own libcuda");
        lost(805, "MPS_CONNECTION_FAILED", "the multi-process service cannot be reached; start it, or unset its variables");
        lost(806, "MPS_RPC_FAILURE", "the multi-process service does not answer as it should");
        lost(807, "MPS_SERVER_NOT_READY", "the multi-process service is not ready yet; start the process again later");
        refused(808, "MPS_MAX_CLIENTS_REACHED", "the multi-process service has as many clients as it takes");
        refused(809, "MPS_MAX_CONNECTIONS_REACHED", "the multi-process service has as many connections as it takes");
        lost(810, "MPS_CLIENT_TERMINATED", "the multi-process service has ended this process's work");
        refused(811, "CDP_NOT_SUPPORTED", "kernels cannot start kernels on this device");
        refused(812, "CDP_VERSION_MISMATCH", "kernels that start kernels are of another version than the driver");
        refused(900, "STREAM_CAPTURE_UNSUPPORTED", "that cannot be captured");
        refused(901, "STREAM_CAPTURE_INVALIDATED", "a capture was spoilt by an earlier error");
        refused(902, "STREAM_CAPTURE_MERGE", "two captures would have become one");
        refused(903, "STREAM_CAPTURE_UNMATCHED", "no capture was begun");
        refused(904, "STREAM_CAPTURE_UNJOINED", "a capture ended before all that belongs to it");
        refused(905, "STREAM_CAPTURE_ISOLATION", "something outside of a capture depended on it");
        refused(906, "STREAM_CAPTURE_IMPLICIT", "something waited for a capture");
        refused(907, "CAPTURED_EVENT", "an event of a capture was used outside of it");
        refused(908, "STREAM_CAPTURE_WRONG_THREAD", "another thread has begun the capture");
        refused(909, "TIMEOUT", "the driver waited too long");
        refused(910, "GRAPH_EXEC_UPDATE_FAILURE", "a graph could not be changed");
        lost(911, "EXTERNAL_DEVICE", "another device has reported an error");
        refused(912, "INVALID_CLUSTER_SIZE", "the device cannot run so many blocks as one cluster");
        refused(913, "FUNCTION_NOT_LOADED", "a kernel is not loaded yet");
        refused(914, "INVALID_RESOURCE_TYPE", "a resource is of the wrong kind");
        refused(915, "INVALID_RESOURCE_CONFIGURATION", "a resource is not enough, or does not fit");
        refused(916, "KEY_ROTATION", "the device was changing its keys; try again");
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
        // Kernels run behind the host's back: where one is at fault, whoever waits is told, and not which it was.
        boolean byAKernel = code == ILLEGAL_ADDRESS || code >= 710 && code <= 719;
        return lost
                ? new DeviceLost(
                        message(doing) + "; the device is lost to this process, start another one"
                                + (byAKernel ? " (with CUDA_LAUNCH_BLOCKING=1 in its environment the error names the kernel)" : ""),
                        null)
                : new DeviceFailed(message(doing), null);
    }
}
