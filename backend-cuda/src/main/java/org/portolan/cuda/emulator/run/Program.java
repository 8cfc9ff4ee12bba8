package org.portolan.cuda.emulator.run;

import java.util.List;
import java.util.regex.Pattern;

/// A decoded kernel.
///
/// @param name of the kernel
/// @param source lines of the PTX, for messages
/// @param code its instructions; the last one ends the kernel
/// @param words how many 32-bit registers, those of constants and special registers included
/// @param longs how many 64-bit registers
/// @param predicates how many predicates
/// @param constants what is in registers from the beginning
/// @param specials registers that say which thread this is
/// @param shared its variables in shared memory
/// @param sharedGranule the fewest bytes of shared memory that it accesses at once
/// @param globalGranule the same for global memory
/// @param fenced whether it orders memory between blocks by itself
/// @param asynchronous whether it copies with {@code cp.async}
/// @param clocked whether some of its threads wait for some others, not only all for all
/// @param products whether it has products of a warpgroup
/// @param localBytes of memory that each thread has for itself
/// @param parameterBytes of its parameters
/// @param bounds what it says of its launches
public record Program(
        String name,
        List<String> source,
        Instruction[] code,
        int words,
        int longs,
        int predicates,
        Constants constants,
        List<SpecialRegister> specials,
        List<SharedVariable> shared,
        int sharedGranule,
        int globalGranule,
        boolean fenced,
        boolean asynchronous,
        boolean clocked,
        boolean products,
        int localBytes,
        int parameterBytes,
        LaunchBounds bounds) {
    /// No instruction: lanes do not meet again.
    public static final int NOWHERE = -1;

    private static final String COMMENT = "//";
    private static final String ORIGIN = "// of ";
    private static final Pattern LOCATION = Pattern.compile("\\.loc\\s+(\\d+)\\s+(\\d+)\\s.*");
    private static final Pattern FILE = Pattern.compile("\\.file\\s+(\\d+)\\s+\"(.*?)\".*");
    private static final Pattern FUNCTION = Pattern.compile(".*\\.(entry|func)\\b.*");

    /// Bytes of shared memory that every launch has, without the gaps between variables.
    public int staticSharedBytes() {
        return shared.stream().mapToInt(SharedVariable::bytes).sum();
    }

    /// What the kernel is for, from the comments at the beginning of its source, as in {@code " of MatMul_1"}; empty if
    /// they do not say it.
    String origin() {
        var nodes = source.stream()
                .takeWhile(line -> line.isBlank() || line.startsWith(COMMENT))
                .filter(line -> line.startsWith(ORIGIN))
                .map(line -> line.substring(ORIGIN.length()).strip())
                .toList();
        return nodes.isEmpty() ? "" : " of " + String.join(", ", nodes);
    }

    /// The file and line that the text was made from, as in {@code ", kernel_0.tile line 13"}; empty if it does not say it.
    String madeFrom(int number) {
        for (int before = Math.min(number, source.size()); before > 0; before--) {
            var text = source.get(before - 1).strip();
            var location = LOCATION.matcher(text);
            if (location.matches()) {
                return source.stream()
                        .map(line -> FILE.matcher(line.strip()))
                        .filter(file -> file.matches() && file.group(1).equals(location.group(1)))
                        .findFirst()
                        .map(file -> ", " + file.group(2) + " line " + location.group(2))
                        .orElse("");
            }
            if (FUNCTION.matcher(text).matches()) {
                break;
            }
        }
        return "";
    }

    /// What stands in a line of the source.
    String line(int number) {
        return number < 1 || number > source.size() ? "" : source.get(number - 1).strip().replaceAll("[ \t]+", " ");
    }
}
