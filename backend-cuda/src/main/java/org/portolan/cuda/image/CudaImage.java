package org.portolan.cuda.image;

import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.portolan.runtime.PortolanException.BadDataFile;
import org.portolan.runtime.PortolanException.BadProgramFile;
import org.portolan.runtime.data.Json;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// A kernel image: one PTX module for each kernel, and what a launch must know of it.
///
/// The form: a line `portolan-cuda 2 <bytes>`, that many bytes of JSON, then the modules' bytes one after another, for each
/// kernel its PTX text and then its machine code if there is any. Integers are decimal, texts UTF-8.
///
/// @param machine the name of the machine that the kernels were compiled for
public record CudaImage(String machine, List<Module> modules) {
    /// The name of the form, as a code generator gives it.
    public static final String FORMAT = "ptx";

    private static final String MAGIC = "portolan-cuda 2 ";
    private static final int LONGEST_FIRST_LINE = 64;

    /// One kernel.
    ///
    /// @param ptx its text, with one entry
    /// @param cubin the same as machine code of the machine, if it was asked for
    public record Module(KernelEntry entry, String ptx, Optional<byte[]> cubin) {}

    public CudaImage {
        modules = List.copyOf(modules);
    }

    /// The bytes of the image; the same image gives the same bytes.
    public byte[] toBytes() {
        var body = new ByteArrayOutputStream();
        var kernels = new ArrayList<Map<String, Object>>();
        for (var module : modules) {
            var entry = module.entry();
            var text = module.ptx().getBytes(StandardCharsets.UTF_8);
            var members = new LinkedHashMap<String, Object>();
            members.put("name", entry.name());
            members.put("threads", entry.threads());
            members.put("points", entry.points() == KernelEntry.Points.THREADS ? "threads" : "blocks");
            members.put("shared", entry.sharedBytes());
            members.put("words", entry.words());
            if (!entry.maps().isEmpty()) {
                members.put("maps", entry.maps().stream().map(CudaImage::members).toList());
            }
            members.put("ptx", text.length);
            members.put("cubin", module.cubin().map(code -> code.length).orElse(0));
            kernels.add(members);
            body.writeBytes(text);
            module.cubin().ifPresent(body::writeBytes);
        }
        var head = new LinkedHashMap<String, Object>();
        head.put("machine", machine);
        head.put("kernels", kernels);
        var manifest = Json.of(head).print().getBytes(StandardCharsets.UTF_8);
        var bytes = new ByteArrayOutputStream();
        bytes.writeBytes((MAGIC + manifest.length + "\n").getBytes(StandardCharsets.UTF_8));
        bytes.writeBytes(manifest);
        bytes.writeBytes(body.toByteArray());
        return bytes.toByteArray();
    }

    /// Reads an image.
    ///
    /// @throws BadProgramFile if it is none, saying what was expected
    public static CudaImage read(MemorySegment image) {
        try {
            return parse(image);
        } catch (BadDataFile | ClassCastException | IndexOutOfBoundsException | IllegalArgumentException e) {
            throw new BadProgramFile("the kernel image is damaged: " + e.getMessage() + "; compile the model again", e);
        }
    }

    private static CudaImage parse(MemorySegment image) {
        var bytes = image.asSlice(0, Math.min(image.byteSize(), LONGEST_FIRST_LINE)).toArray(ValueLayout.JAVA_BYTE);
        var start = new String(bytes, StandardCharsets.US_ASCII);
        int end = start.indexOf('\n');
        if (!start.startsWith(MAGIC) || end < 0) {
            throw new BadProgramFile("the kernels are not in the form that this driver reads, '" + MAGIC.strip()
                    + "'; compile the model again");
        }
        long length = Long.parseLong(start.substring(MAGIC.length(), end));
        var manifest = (Json.Members) Json.parse(text(image, end + 1, length));
        long at = end + 1 + length;
        var modules = new ArrayList<Module>();
        for (var element : ((Json.Elements) manifest.get("kernels")).elements()) {
            var members = (Json.Members) element;
            var points = string(members, "points").equals("threads")
                    ? KernelEntry.Points.THREADS
                    : KernelEntry.Points.BLOCKS;
            var entry = new KernelEntry(
                    string(members, "name"),
                    Math.toIntExact(number(members, "threads")),
                    points,
                    number(members, "shared"),
                    Math.toIntExact(number(members, "words")),
                    members.members().get("maps") instanceof Json.Elements maps
                            ? maps.elements().stream().map(CudaImage::map).toList()
                            : List.of());
            for (var map : entry.maps()) {
                requireWords(map, entry);
            }
            long ptx = number(members, "ptx");
            long cubin = number(members, "cubin");
            var code = image.asSlice(at + ptx, cubin).toArray(ValueLayout.JAVA_BYTE);
            modules.add(new Module(entry, text(image, at, ptx), cubin == 0 ? Optional.empty() : Optional.of(code)));
            at = Math.addExact(at, Math.addExact(ptx, cubin));
        }
        return new CudaImage(string(manifest, "machine"), modules);
    }

    private static Map<String, Object> members(TensorMap map) {
        var members = new LinkedHashMap<String, Object>();
        members.put("word", map.word());
        members.put("element", map.element().toString());
        members.put("sizes", map.sizes().stream().map(Object::toString).toList());
        members.put("box", map.box());
        members.put("swizzle", map.swizzle());
        return members;
    }

    private static TensorMap map(Json element) {
        var members = (Json.Members) element;
        return new TensorMap(
                Math.toIntExact(number(members, "word")),
                ElementType.parse(string(members, "element")),
                ((Json.Elements) members.get("sizes"))
                        .elements().stream().map(size -> Dim.parse(((Json.Text) size).value())).toList(),
                ((Json.Elements) members.get("box"))
                        .elements().stream().map(size -> Long.parseLong(((Json.Numeric) size).digits())).toList(),
                Math.toIntExact(number(members, "swizzle")));
    }

    /// The text of an image is anybody's: a map names words that there are.
    private static void requireWords(TensorMap map, KernelEntry entry) {
        boolean known = map.sizes().stream()
                .flatMap(size -> size.symbols().stream())
                .allMatch(name -> name.matches("\\$\\d{1,4}") && Integer.parseInt(name.substring(1)) < entry.words());
        if (!known || map.word() >= entry.words()) {
            throw new BadDataFile("a tensor map of kernel '" + entry.name() + "' names a word that a launch does not give");
        }
    }

    private static String text(MemorySegment image, long from, long length) {
        return new String(image.asSlice(from, length).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8);
    }

    private static String string(Json.Members members, String name) {
        return ((Json.Text) members.get(name)).value();
    }

    private static long number(Json.Members members, String name) {
        long value = Long.parseLong(((Json.Numeric) members.get(name)).digits());
        if (value < 0) {
            throw new BadDataFile("'" + name + "' is " + value);
        }
        return value;
    }
}
