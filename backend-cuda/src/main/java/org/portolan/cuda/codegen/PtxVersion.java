package org.portolan.cuda.codegen;

import java.util.List;
import java.util.regex.Pattern;

/// The lowest version of PTX that a kernel's instructions need: an older driver takes the text then. LLVM writes the lowest
/// that the architecture needs, since matrix instructions and copies are text that it does not read.
///
/// @param major the number before the point
/// @param minor the one behind it
record PtxVersion(int major, int minor) implements Comparable<PtxVersion> {
    private static final Pattern DIRECTIVE = Pattern.compile("(?m)^\\.version (\\d+)\\.(\\d+)$");

    /// Instructions by the version that brought them, as the notes behind each in NVIDIA's manual of PTX say.
    private static final List<Need> NEEDS = List.of(
            new Need("ldmatrix\\.", 6, 5),
            new Need("mma\\.sync\\.aligned\\.m(16n8k8|8n8k16)\\.", 6, 5),
            new Need("mma\\.sync\\.aligned\\.m16n8k(16|32)\\.|mma\\.sync\\.[a-z0-9.]*\\.(bf16|tf32|f64)\\.", 7, 0),
            new Need("cp\\.async\\.(ca|cg|commit_group|wait_group|wait_all)|mbarrier\\.|redux\\.sync", 7, 0),
            new Need("mbarrier\\.try_wait|stmatrix\\.|e[45]m[32]x2", 7, 8),
            new Need("cp\\.async\\.bulk|wgmma\\.|setmaxnreg\\.|elect\\.sync|fence\\.(proxy\\.async|mbarrier_init)", 8, 0),
            new Need("mma\\.sync\\.[a-z0-9.]*\\.e[45]m[32]\\.", 8, 4));

    /// Some instructions, and what they need.
    private record Need(Pattern instructions, PtxVersion version) {
        Need(String instructions, int major, int minor) {
            this(Pattern.compile("(?m)^\\s*(?:@!?%p\\d+\\s+)?(?:" + instructions + ")"), new PtxVersion(major, minor));
        }
    }

    /// What a text says that it is written in; 0.0 if it says nothing.
    static PtxVersion of(String ptx) {
        var said = DIRECTIVE.matcher(ptx);
        return said.find()
                ? new PtxVersion(Integer.parseInt(said.group(1)), Integer.parseInt(said.group(2)))
                : new PtxVersion(0, 0);
    }

    /// The text with that version in place of one that is too low.
    static String raise(String ptx) {
        var said = DIRECTIVE.matcher(ptx);
        if (!said.find()) {
            return ptx;
        }
        var lowest = of(ptx);
        for (var need : NEEDS) {
            if (need.version.compareTo(lowest) > 0 && need.instructions.matcher(ptx).find()) {
                lowest = need.version;
            }
        }
        return ptx.substring(0, said.start()) + ".version " + lowest + ptx.substring(said.end());
    }

    @Override
    public int compareTo(PtxVersion other) {
        return major != other.major ? Integer.compare(major, other.major) : Integer.compare(minor, other.minor);
    }

    @Override
    public String toString() {
        return major + "." + minor;
    }
}
