package org.portolan.tests.hostile;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.portolan.runtime.data.Json;

/// A model and what must come of it.
///
/// @param musts any of these is right: `reject` (a typed error before the run), `run-error` (a typed error of the run),
///     `limit` (refused by a limit), `exact` (it works)
/// @param inputs arguments of the command line that give the inputs
/// @param answer what an `exact` case prints as its output's type, shape and values; empty where the case can't be exact
record HostileCase(String id, String what, Path model, Set<String> musts, List<String> inputs, String answer) {
    private static final String FOUR = "x=1x4xf32=[-1,0,1,2]";

    /// Inputs that the manifest leaves open, and answers, from the definitions of the operators and, for P34 and P45 to P48,
    /// from the numerics contract.
    private static final Map<String, List<String>> EXACT = Map.ofEntries(
            Map.entry("P14", List.of("f32[1,4] 0.0 0.0 1.0 2.0", FOUR)),
            Map.entry("P16", List.of("f32[1,1] 2.0", FOUR)),
            Map.entry("P34", List.of("i64[1] 0")),
            Map.entry("P42", List.of("f32[1,4] -1.0 0.0 1.0 2.0", FOUR, "c=bool=true")),
            Map.entry("P45", List.of("i32[1] -2147483648")),
            Map.entry("P46", List.of("i32[1] 0")),
            Map.entry("P47", List.of("u64[1] 0")),
            Map.entry("P48", List.of("i32[1,4] 0 2147483647 2147483647 -2147483648", FOUR)),
            Map.entry("C01", List.of("f32[1,4] 0.0 0.0 1.0 2.0", FOUR)),
            Map.entry("C02", List.of("f32[1,4] 0.0 0.0 1.0 2.0", FOUR)),
            Map.entry("C03", List.of("f32[1,4] 0.0 2.0 4.0 6.0", FOUR)),
            Map.entry("C04", List.of("f32[1,1] 2.0", FOUR)),
            Map.entry("C05", List.of("f32[1,4] NaN Infinity 1.0 2.0", FOUR)),
            Map.entry("C06", List.of("f32[0,4]", "x=0x4xf32=0")));

    /// The cases that a folder's `manifest.json` lists.
    static List<HostileCase> listed(Path folder) throws IOException {
        var cases = new ArrayList<HostileCase>();
        for (var entry : Json.parse(Files.readString(folder.resolve("manifest.json"))).asList()) {
            var members = entry.asMembers();
            var id = members.get("id").asText();
            var known = EXACT.getOrDefault(id, List.of(""));
            var inputs = new ArrayList<String>();
            members.get("feeds").asMembers().members().forEach((name, feed) -> inputs.addAll(List.of("--input", name + "=" + tensor(feed))));
            known.subList(1, known.size()).forEach(input -> inputs.addAll(List.of("--input", input)));
            var model = folder.resolve(id, "model.onnx");
            var musts = Set.of(members.get("must").asText().split("\\|"));
            cases.add(new HostileCase(id, members.get("what").asText(), model, musts, inputs, known.getFirst()));
        }
        return cases;
    }

    private static String tensor(Json feed) {
        var members = feed.asMembers();
        var type = members.get("type").asText().replace("uint", "u").replace("int", "i").replace("float", "f32");
        var extents = members.get("shape").asList().stream()
                .map(extent -> (long) extent.asDouble() + "x")
                .collect(Collectors.joining());
        var values = members.members().containsKey("values")
                ? members.get("values").asList()
                : List.of(members.get("fill"));
        return extents + type + "="
                + values.stream().map(value -> "" + (long) value.asDouble()).collect(Collectors.joining(" ", "[", "]"));
    }

    @Override
    public String toString() {
        return id + ": " + what;
    }
}
