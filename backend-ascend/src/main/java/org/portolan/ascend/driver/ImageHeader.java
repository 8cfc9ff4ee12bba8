package org.portolan.ascend.driver;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.portolan.runtime.PortolanException.BadProgramFile;

/// The launch manifest: the comments at the top of an image.
///
/// @param chip the architecture that the kernels are for
/// @param kernels by the name that plans use
record ImageHeader(String chip, Map<String, Entry> kernels) {
    private static final Pattern CHIP = Pattern.compile("//: chip (\\S+) cores=(\\d{1,5})");
    private static final Pattern PART = Pattern.compile("^//: source (vector|cube)$", Pattern.MULTILINE);
    private static final Pattern KERNEL = Pattern.compile(
            "//: kernel (\\w+) (\\S+) buffers=(\\d{1,4}) symbols=(\\d{1,4}) cores=(\\d{1,5}) all=([01]) of (.*)");

    /// @param function in the text
    /// @param cores the most that may run it
    /// @param all whether they all do, whatever the grid is: they divide the work among themselves
    /// @param origin the model's nodes
    record Entry(String function, int buffers, int symbols, int cores, boolean all, String origin) {
        /// Those of the cube divide a product among themselves.
        Cores kind() {
            return all ? Cores.CUBE : Cores.VECTOR;
        }
    }

    /// A source for one kind of core.
    record Part(Cores cores, String source) {}

    /// The sources behind the manifest, by the lines that begin them; without such a line, one for the vector cores.
    static List<Part> parts(String source) {
        var parts = new ArrayList<Part>();
        var begins = PART.matcher(source);
        int begin = -1;
        var cores = Cores.VECTOR;
        while (begins.find()) {
            if (begin >= 0) parts.add(new Part(cores, source.substring(begin, begins.start())));
            begin = begins.end();
            cores = begins.group(1).equals("cube") ? Cores.CUBE : Cores.VECTOR;
        }
        if (begin >= 0) parts.add(new Part(cores, source.substring(begin)));
        return parts.isEmpty() ? List.of(new Part(Cores.VECTOR, source)) : parts;
    }

    static ImageHeader read(String source) {
        var lines = source.lines()
                .takeWhile(text -> text.startsWith("//: ") && !PART.matcher(text).lookingAt())
                .toList();
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
