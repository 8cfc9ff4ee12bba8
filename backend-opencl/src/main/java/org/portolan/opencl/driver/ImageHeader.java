package org.portolan.opencl.driver;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Pattern;
import org.portolan.runtime.PortolanException.BadProgramFile;

/// The comments at the top of an image, one for each kernel.
///
/// @param kernels by the name that plans use
record ImageHeader(Map<String, Entry> kernels) {
    private static final Pattern LINE = Pattern.compile(
            "//: (\\w+) (\\S+) buffers=(\\d{1,4}) symbols=(\\d{1,4}) block=(\\d{1,9}) shared=(\\d{1,9})(?: warp=(\\d{1,4}))? of (.*)");

    /// @param function in the text
    /// @param block threads of a work-group; 0 where each point of the grid is a work-item on its own
    /// @param warp threads of a sub-group that exchange what they have; 1 where none do
    /// @param origin the model's nodes
    record Entry(String function, int buffers, int symbols, long block, long sharedBytes, long warp, String origin) {}

    static ImageHeader read(String source) {
        var kernels = new LinkedHashMap<String, Entry>();
        for (var line : source.lines().takeWhile(text -> text.startsWith("//: ")).toList()) {
            var match = LINE.matcher(line);
            if (!match.matches()) {
                throw new BadProgramFile("the kernels begin with a line that this driver does not know, '" + line
                        + "'; compile the model again");
            }
            kernels.put(match.group(2), new Entry(
                    match.group(1),
                    Integer.parseInt(match.group(3)),
                    Integer.parseInt(match.group(4)),
                    Long.parseLong(match.group(5)),
                    Long.parseLong(match.group(6)),
                    match.group(7) == null ? 1 : Long.parseLong(match.group(7)),
                    match.group(8)));
        }
        return new ImageHeader(kernels);
    }
}
