package org.portolan.ascend.driver;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Pattern;
import org.portolan.runtime.PortolanException.BadProgramFile;

/// The launch manifest: the comments at the top of an image.
///
/// @param chip the architecture that the kernels are for
/// @param kernels by the name that plans use
record ImageHeader(String chip, Map<String, Entry> kernels) {
    private static final Pattern CHIP = Pattern.compile("//: chip (\\S+) cores=(\\d{1,5})");
    private static final Pattern KERNEL = Pattern.compile(
            "//: kernel (\\w+) (\\S+) buffers=(\\d{1,4}) symbols=(\\d{1,4}) cores=(\\d{1,5}) all=([01]) of (.*)");

    /// @param function in the text
    /// @param cores the most that may run it
    /// @param all whether they all do, whatever the grid is: they divide the work among themselves
    /// @param origin the model's nodes
    record Entry(String function, int buffers, int symbols, int cores, boolean all, String origin) {}

    static ImageHeader read(String source) {
        var lines = source.lines().takeWhile(text -> text.startsWith("//: ")).toList();
        var chip = lines.isEmpty() ? null : CHIP.matcher(lines.getFirst());
        if (chip == null || !chip.matches()) {
            throw new BadProgramFile("the kernels are no Ascend C of this compiler; compile the model again");
        }
        var kernels = new LinkedHashMap<String, Entry>();
        for (var line : lines.subList(1, lines.size())) {
            var match = KERNEL.matcher(line);
            if (!match.matches()) {
                throw new BadProgramFile("the kernels begin with a line that this driver does not know, '" + line
                        + "'; compile the model again");
            }
            kernels.put(match.group(2), new Entry(
                    match.group(1),
                    Integer.parseInt(match.group(3)),
                    Integer.parseInt(match.group(4)),
                    Integer.parseInt(match.group(5)),
                    match.group(6).equals("1"),
                    match.group(7)));
        }
        return new ImageHeader(chip.group(1), kernels);
    }
}
