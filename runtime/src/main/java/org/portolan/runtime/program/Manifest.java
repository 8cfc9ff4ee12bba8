package org.portolan.runtime.program;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import org.portolan.runtime.PortolanException.BadDataFile;
import org.portolan.runtime.PortolanException.BadProgramFile;
import org.portolan.runtime.data.Json;
import org.portolan.runtime.plan.Port;
import org.portolan.runtime.plan.SymbolBound;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// What {@code manifest.json} of a program file says.
///
/// @param inputs names, types and shapes; their slots are those of the first target
/// @param properties free text about the model, sorted by name
/// @param entries every other entry of the archive, in its order
public record Manifest(
        int format,
        List<Port> inputs,
        List<Port> outputs,
        List<SymbolBound> symbols,
        List<Target> targets,
        Map<String, String> properties,
        List<Entry> entries) {
    /// The one format that this runtime reads and writes.
    public static final int FORMAT = 1;

    /// The name of the archive entry.
    public static final String ENTRY_NAME = "manifest.json";

    public Manifest {
        inputs = List.copyOf(inputs);
        outputs = List.copyOf(outputs);
        symbols = List.copyOf(symbols);
        targets = List.copyOf(targets);
        properties = Collections.unmodifiableMap(new TreeMap<>(properties));
        entries = List.copyOf(entries);
    }

    /// A compiled variant of the model.
    ///
    /// @param name for example {@code cpu:x86-64-v3}
    /// @param plan name of the entry with the plan's text
    /// @param images one for each device number of the plan
    public record Target(String name, String plan, List<Image> images) {
        public Target {
            images = List.copyOf(images);
        }
    }

    /// Kernels for one device.
    ///
    /// @param driver whose devices take the image
    /// @param entry name of the entry
    /// @param requires features that the device must have
    public record Image(String driver, String entry, List<String> requires) {
        public Image {
            requires = List.copyOf(requires);
        }
    }

    /// An entry of the archive.
    ///
    /// @param crc CRC-32 as in the archive's headers
    /// @param chunkHashes SHA-256 of each {@value Digests#CHUNK} bytes in hexadecimal
    public record Entry(String name, long size, int crc, List<String> chunkHashes) {
        public Entry {
            chunkHashes = List.copyOf(chunkHashes);
        }
    }

    /// The text, the same for equal manifests.
    String toJson() {
        var members = new LinkedHashMap<String, Object>();
        members.put("format", format);
        members.put("inputs", inputs.stream().map(Manifest::portJson).toList());
        members.put("outputs", outputs.stream().map(Manifest::portJson).toList());
        members.put(
                "symbols",
                symbols.stream()
                        .map(symbol -> object("name", symbol.name(), "min", symbol.minimum(), "max", symbol.maximum()))
                        .toList());
        members.put(
                "targets",
                targets.stream()
                        .map(target -> object("name", target.name(), "plan", target.plan(), "images",
                                target.images().stream()
                                        .map(image -> object("driver", image.driver(), "entry", image.entry(),
                                                "requires", image.requires()))
                                        .toList()))
                        .toList());
        members.put("properties", properties);
        members.put(
                "entries",
                entries.stream()
                        .map(entry -> object("name", entry.name(), "size", entry.size(), "crc32",
                                Integer.toUnsignedLong(entry.crc()), "sha256", entry.chunkHashes()))
                        .toList());
        return Json.of(members).printLines();
    }

    private static Map<String, Object> object(Object... namesAndValues) {
        var members = new LinkedHashMap<String, Object>();
        for (int i = 0; i < namesAndValues.length; i += 2) {
            members.put((String) namesAndValues[i], namesAndValues[i + 1]);
        }
        return members;
    }

    private static Map<String, Object> portJson(Port port) {
        return object("name", port.name(), "type", port.type().text(), "dims",
                port.dims().stream().map(Object::toString).toList());
    }

    /// Reads the text.
    ///
    /// @throws BadProgramFile if it is no manifest, or of another format
    static Manifest parse(String text) {
        try {
            var json = Json.parse(text).asMembers();
            long format = json.get("format").asLong();
            if (format != FORMAT) {
                throw new BadProgramFile("the program file has format " + format + " and this runtime reads format "
                        + FORMAT + "; compile the model again");
            }
            var properties = new TreeMap<String, String>();
            json.get("properties").asMembers().members().forEach((name, value) -> properties.put(name, value.asText()));
            return new Manifest(
                    FORMAT,
                    list(json.get("inputs"), Manifest::port),
                    list(json.get("outputs"), Manifest::port),
                    list(json.get("symbols"), symbol -> new SymbolBound(symbol.get("name").asText(),
                            symbol.get("min").asLong(), symbol.get("max").asLong())),
                    list(json.get("targets"), Manifest::target),
                    properties,
                    list(json.get("entries"), entry -> new Entry(entry.get("name").asText(),
                            entry.get("size").asLong(), (int) entry.get("crc32").asLong(),
                            strings(entry.get("sha256")))));
        } catch (BadDataFile | IllegalArgumentException e) {
            throw new BadProgramFile("the program file's manifest is damaged: " + e.getMessage(), e);
        }
    }

    private static Port port(Json.Members port) {
        var dims = strings(port.get("dims")).stream().map(Dim::parse).toList();
        return new Port(port.get("name").asText(),
                ElementType.parse(port.get("type").asText()), dims, 0);
    }

    private static Target target(Json.Members target) {
        return new Target(target.get("name").asText(), target.get("plan").asText(),
                list(target.get("images"), image -> new Image(image.get("driver").asText(),
                        image.get("entry").asText(), strings(image.get("requires")))));
    }

    private static List<String> strings(Json array) {
        return array.asList().stream().map(Json::asText).toList();
    }

    private static <T> List<T> list(Json array, Function<Json.Members, T> read) {
        var values = new ArrayList<T>();
        array.asList().forEach(element -> values.add(read.apply(element.asMembers())));
        return values;
    }
}
