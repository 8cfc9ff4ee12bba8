package org.portolan.runtime.device;

import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/// What is known of a device before it is opened.
///
/// @param driver the driver's name, for example {@code cpu}
/// @param ordinal counts the devices of one driver
/// @param label for people, for example the processor's model name
/// @param emulated whether no such hardware is there
/// @param sharesHostMemory whether kernels read and write the host's memory in place
/// @param memoryBytes in all
/// @param features what target variants may require, in the words of LLVM for processors
/// @param machine the machine file that describes the device best; empty: the one that the family takes by itself
/// @param limits the device's own numbers, by the machine file's words ({@code shared_bytes}, {@code block_limit}); a
///     compiler that compiles for this very device puts them in place of the file's
/// @param name picks this device: driver and ordinal, as in {@code cpu:0}; of one that is emulated that word in place of the
///     ordinal, as in {@code cuda:emulated}, so that nobody takes it for hardware
public record DeviceDescription(
        String driver,
        int ordinal,
        String label,
        boolean emulated,
        boolean sharesHostMemory,
        long memoryBytes,
        Set<String> features,
        String machine,
        Map<String, Long> limits,
        String name) {
    public DeviceDescription {
        features = Set.copyOf(features);
        limits = Map.copyOf(limits);
    }

    /// A device with the name that its driver, its ordinal and whether it is emulated give it.
    public DeviceDescription(
            String driver,
            int ordinal,
            String label,
            boolean emulated,
            boolean sharesHostMemory,
            long memoryBytes,
            Set<String> features,
            String machine,
            Map<String, Long> limits) {
        this(driver, ordinal, label, emulated, sharesHostMemory, memoryBytes, features, machine, limits,
                driver + ":" + (emulated ? "emulated" : ordinal));
    }

    /// A device that its family's own machine describes well enough.
    public DeviceDescription(
            String driver,
            int ordinal,
            String label,
            boolean emulated,
            boolean sharesHostMemory,
            long memoryBytes,
            Set<String> features) {
        this(driver, ordinal, label, emulated, sharesHostMemory, memoryBytes, features, "", Map.of());
    }

    /// The name of the target that fits this device, as a compiler takes it: the family, its machine, and the device's
    /// own numbers, as in {@code cpu}, {@code cuda:sm_90} or {@code cuda:sm_90+shared_bytes=101376}.
    public String target() {
        var family = machine.isEmpty() ? driver : driver + ":" + machine;
        return family
                + new TreeMap<>(limits)
                        .entrySet().stream()
                                .map(limit -> "+" + limit.getKey() + "=" + limit.getValue())
                                .collect(Collectors.joining());
    }
}
