package org.portolan.runtime.device;

import java.util.List;
import java.util.Map;

/// An ability of devices that count what their kernels do, so that a schedule can be judged by more than its time. Found on
/// a {@link Device} with {@code instanceof}.
public interface Counters {

    /// Counts from now on; what was counted before is forgotten.
    void count();

    /// What was counted since, of each kernel that ran, the one with the most instructions first.
    List<KernelCounts> counts();

    /// What a kernel has done in all of its launches.
    ///
    /// @param kernel its name
    /// @param origin the nodes of the model that it computes, as far as the device knows them; may be empty
    /// @param launches how many
    /// @param executed instructions by kind, as often as the device counts them (for GPUs: once for each warp), the
    ///     commonest first
    /// @param figures what else the device knows, by name, for example {@code sectors/request}; in the order in which they
    ///     are to be shown, and the same names for every kernel of a device
    record KernelCounts(
            String kernel, String origin, long launches, Map<String, Long> executed, Map<String, Double> figures) {

        /// All instructions.
        public long instructions() {
            return executed.values().stream().mapToLong(Long::longValue).sum();
        }
    }
}
