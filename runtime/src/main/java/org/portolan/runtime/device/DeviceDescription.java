package org.portolan.runtime.device;

import java.util.Set;

/// What is known of a device before it is opened.
///
/// @param driver the driver's name, for example {@code cpu}
/// @param ordinal counts the devices of one driver
/// @param label for people, for example the processor's model name
/// @param emulated whether no such hardware is there
/// @param sharesHostMemory whether kernels read and write the host's memory in place
/// @param memoryBytes in all
/// @param features what target variants may require, in the words of LLVM for processors
public record DeviceDescription(
        String driver,
        int ordinal,
        String label,
        boolean emulated,
        boolean sharesHostMemory,
        long memoryBytes,
        Set<String> features) {
    public DeviceDescription {
        features = Set.copyOf(features);
    }

    /// The name that picks this device: driver and ordinal, as in {@code cpu:0}.
    public String name() {
        return driver + ":" + ordinal;
    }
}
