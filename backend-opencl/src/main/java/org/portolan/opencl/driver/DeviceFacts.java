package org.portolan.opencl.driver;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.portolan.runtime.device.DeviceDescription;

/// What a device says of itself.
///
/// @param sharesHostMemory whether kernels take addresses of the host: the device promises it (fine-grained system
///     sharing), or it is PoCL's processor, which runs kernels in this process
/// @param exchanges whether the threads of a sub-group can exchange what they have
/// @param warp how many threads that are, where the device says so; else 0, and the machine file's number stands
/// @param exactDivision whether the vendor's compiler can be asked for correctly rounded division and square roots
record DeviceFacts(
        long device,
        String name,
        String platform,
        String version,
        boolean isProcessor,
        boolean emulated,
        boolean sharesHostMemory,
        boolean exactDivision,
        long memoryBytes,
        long localBytes,
        long groupLimit,
        long vectorBytes,
        boolean exchanges,
        long warp,
        Set<String> extensions) {
    /// {@code buffers} keeps a device from using the host's memory in place.
    static final String MEMORY_VARIABLE = "PORTOLAN_OPENCL_MEMORY";

    /// The machine file for every device, in place of the one that seems to fit.
    static final String MACHINE_VARIABLE = "PORTOLAN_OPENCL_MACHINE";

    private static final int TYPE = 0x1000;
    private static final int MAX_WORK_GROUP_SIZE = 0x1004;
    private static final int SINGLE_FP_CONFIG = 0x101B;
    private static final int GLOBAL_MEMORY = 0x101F;
    private static final int LOCAL_MEMORY = 0x1023;
    private static final int NAME = 0x102B;
    private static final int DRIVER_VERSION = 0x102D;
    private static final int EXTENSIONS = 0x1030;
    private static final int HOST_UNIFIED_MEMORY = 0x1035;
    private static final int NATIVE_VECTOR_WIDTH_FLOAT = 0x103A;
    private static final int SVM_CAPABILITIES = 0x1053;
    private static final int SUB_GROUP_SIZES_INTEL = 0x4108;
    private static final int WAVEFRONT_WIDTH_AMD = 0x4043;
    private static final int PLATFORM_NAME = 0x0902;
    private static final int PLATFORM_VERSION = 0x0901;

    private static final long TYPE_CPU = 2;
    private static final long SVM_FINE_GRAIN_BUFFER = 2;
    private static final long SVM_FINE_GRAIN_SYSTEM = 4;
    private static final String POCL = "Portable Computing Language";
    private static final long USUAL_WARP = 16;
    private static final long CORRECTLY_ROUNDED_DIVIDE_SQRT = 128;

    static DeviceFacts of(OpenCl library, long platform, long device) {
        var name = library.deviceText(device, NAME);
        boolean processor = (library.deviceNumber(device, TYPE) & TYPE_CPU) != 0;
        boolean emulated = name.toLowerCase(Locale.ROOT).contains("oclgrind");
        long sharing = library.deviceNumber(device, SVM_CAPABILITIES);
        boolean inProcess = processor
                && library.platformText(platform, PLATFORM_NAME).equals(POCL)
                && library.deviceNumber(device, HOST_UNIFIED_MEMORY) != 0
                && (sharing & SVM_FINE_GRAIN_BUFFER) != 0;
        boolean shares = library.hasPointers()
                && (inProcess || (sharing & SVM_FINE_GRAIN_SYSTEM) != 0)
                && !wish("memory", MEMORY_VARIABLE).equals("buffers");
        var extensions = Set.copyOf(List.of(library.deviceText(device, EXTENSIONS).split(" +")));
        boolean exchanges = extensions.contains("cl_khr_subgroup_shuffle") || extensions.contains("cl_intel_subgroups");
        return new DeviceFacts(
                device,
                name,
                library.platformText(platform, PLATFORM_NAME) + ", " + library.platformText(platform, PLATFORM_VERSION),
                library.deviceText(device, DRIVER_VERSION),
                processor,
                emulated,
                shares,
                (library.deviceNumber(device, SINGLE_FP_CONFIG) & CORRECTLY_ROUNDED_DIVIDE_SQRT) != 0,
                library.deviceNumber(device, GLOBAL_MEMORY),
                library.deviceNumber(device, LOCAL_MEMORY),
                library.deviceNumber(device, MAX_WORK_GROUP_SIZE),
                4 * Math.max(1, library.deviceNumber(device, NATIVE_VECTOR_WIDTH_FLOAT)),
                exchanges,
                exchanges ? warp(library, device) : 1,
                extensions);
    }

    /// The vendor's word for the size of a sub-group; of several sizes 16, or else the largest.
    private static long warp(OpenCl library, long device) {
        var sizes = MemorySegment.ofArray(library.deviceInfo(device, SUB_GROUP_SIZES_INTEL));
        long most = library.deviceNumber(device, WAVEFRONT_WIDTH_AMD);
        for (long at = 0; at + 8 <= sizes.byteSize(); at += 8) {
            long size = sizes.get(ValueLayout.JAVA_LONG_UNALIGNED, at);
            if (size == USUAL_WARP) {
                return size;
            }
            most = Math.max(most, size);
        }
        return Math.clamp(most, 0, 128);
    }

    /// What the property or the variable of the environment says; empty if neither is there.
    static String wish(String property, String variable) {
        var given = System.getenv(variable);
        return System.getProperty("org.portolan.opencl." + property, given == null ? "" : given);
    }

    DeviceDescription description(int ordinal) {
        return new DeviceDescription(
                OpenClDriver.NAME,
                ordinal,
                name + " (" + platform + ", driver " + version + ")",
                emulated,
                sharesHostMemory,
                memoryBytes,
                features(),
                machine(),
                limits());
    }

    private Set<String> features() {
        var features = new HashSet<>(extensions);
        if (exchanges) {
            features.add("sub_group_exchange");
        }
        return features;
    }

    private String machine() {
        var given = wish("machine", MACHINE_VARIABLE);
        if (!given.isEmpty()) {
            return given;
        }
        var words = (name + " " + platform).toLowerCase(Locale.ROOT);
        if (isProcessor) {
            return "opencl-cpu";
        }
        return words.contains("mali")
                ? "opencl-gpu-mali"
                : words.contains("adreno")
                        ? "opencl-gpu-adreno"
                        : words.contains("intel") ? "opencl-gpu-intel-xe" : "opencl-gpu";
    }

    private Map<String, Long> limits() {
        var limits = new LinkedHashMap<String, Long>();
        if (machine().equals("opencl-cpu")) {
            long bytes = Math.clamp(vectorBytes, 16, 64);
            limits.put("vector_bytes", bytes);
            limits.put("vector_registers", bytes == 64 ? 32L : 16L);
        } else {
            limits.put("shared_bytes", localBytes);
            limits.put("block_limit", Math.min(groupLimit, 1024));
            if (warp > 0) {
                limits.put("warp", warp);
            }
        }
        return limits;
    }
}
