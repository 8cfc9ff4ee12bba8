package org.portolan.cuda.emulator;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.portolan.cuda.emulator.run.Extent;
import org.portolan.cuda.emulator.run.Launch;

/// What a chip takes, from the table of compute capabilities in NVIDIA's programming guide.
///
/// @param name as in {@code sm_80}
/// @param number as in 80
/// @param sharedBytes that a block may have if it asks for them
/// @param machine the machine file that describes it best
public record Architecture(String name, int number, int sharedBytes, String machine) {
    private static final int THREADS = 1024;
    private static final int THREADS_Z = 64;
    private static final int GRID_YZ = 65_535;
    private static final int STATIC_SHARED_BYTES = 48 << 10;
    private static final int REGISTERS = 65_536;
    private static final int KILO = 1024;

    private static final List<Architecture> KNOWN = List.of(
            new Architecture("sm_75", 75, 64 * KILO, "sm_75"),
            new Architecture("sm_80", 80, 163 * KILO, "sm_80"),
            new Architecture("sm_86", 86, 99 * KILO, "sm_80"),
            new Architecture("sm_87", 87, 163 * KILO, "sm_80"),
            new Architecture("sm_89", 89, 99 * KILO, "sm_89"),
            new Architecture("sm_90", 90, 227 * KILO, "sm_90"),
            new Architecture("sm_90a", 90, 227 * KILO, "sm_90a"),
            new Architecture("sm_100", 100, 227 * KILO, "sm_100"));

    /// The architecture of that name.
    public static Optional<Architecture> of(String name) {
        return KNOWN.stream()
                .filter(architecture -> architecture.name.equals(name))
                .findFirst();
    }

    /// Every name that {@link #of} knows.
    public static List<String> names() {
        return KNOWN.stream().map(Architecture::name).toList();
    }

    /// Names of this one and all older ones, whose code it runs.
    public List<String> runs() {
        return KNOWN.stream()
                .filter(other -> other.number <= number && (!other.name.endsWith("a") || other.name.equals(name)))
                .map(Architecture::name)
                .toList();
    }

    /// Why a launch is beyond what the chip takes or what the kernel says of itself; empty: it is not.
    public List<String> refusals(Launch launch) {
        var reasons = new ArrayList<String>();
        var block = launch.block();
        var grid = launch.grid();
        if (block.total() > THREADS || block.total() < 1 || block.z() > THREADS_Z) {
            reasons.add("a block of " + block + " threads; " + name + " takes up to " + THREADS + ", along z up to "
                    + THREADS_Z);
        }
        if (grid.x() < 1 || grid.y() < 1 || grid.z() < 1 || grid.y() > GRID_YZ || grid.z() > GRID_YZ) {
            reasons.add("a grid of " + grid + " blocks; along y and z up to " + GRID_YZ + " are taken");
        }
        sharedRefusal(launch).ifPresent(reasons::add);
        var bounds = launch.program().bounds();
        var required = extent(bounds.required());
        if (required.isPresent() && !required.get().equals(block)) {
            reasons.add("a block of " + block + " threads; the kernel says .reqntid " + required.get());
        }
        var most = extent(bounds.most());
        if (most.isPresent() && block.total() > most.get().total()) {
            reasons.add("a block of " + block + " threads; the kernel says .maxntid " + most.get());
        }
        if ((long) bounds.registers() * block.total() > REGISTERS) {
            reasons.add("a block of " + block + " threads with " + bounds.registers() + " registers each; " + name
                    + " has " + REGISTERS);
        }
        return reasons;
    }

    private Optional<String> sharedRefusal(Launch launch) {
        int declared = launch.program().staticSharedBytes();
        if (declared > STATIC_SHARED_BYTES) {
            return Optional.of(declared + " bytes of shared memory declared in the kernel; more than "
                    + STATIC_SHARED_BYTES + " must be asked for at the launch");
        }
        int bytes = declared + launch.dynamicShared();
        return bytes > sharedBytes
                ? Optional.of(bytes + " bytes of shared memory; a block of " + name + " has up to " + sharedBytes)
                : Optional.empty();
    }

    private static Optional<Extent> extent(List<Integer> numbers) {
        if (numbers.isEmpty()) {
            return Optional.empty();
        }
        int[] all = {1, 1, 1};
        for (int index = 0; index < Math.min(all.length, numbers.size()); index++) {
            all[index] = numbers.get(index);
        }
        return Optional.of(new Extent(all[0], all[1], all[2]));
    }
}
