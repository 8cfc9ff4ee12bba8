package org.portolan.runtime.selftest;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalLong;
import java.util.function.Function;
import org.portolan.runtime.PortolanException.BadDataFile;
import org.portolan.runtime.data.Json;
import org.portolan.runtime.selftest.Pack.Case;
import org.portolan.runtime.selftest.Pack.Data;
import org.portolan.runtime.selftest.Pack.Image;
import org.portolan.runtime.selftest.Pack.Speed;
import org.portolan.runtime.selftest.Pack.Weight;
import org.portolan.runtime.selftest.Pack.Work;
import org.portolan.runtime.type.Dim;
import org.portolan.runtime.type.ElementType;

/// The record of a pack as JSON.
public final class PackJson {
    private PackJson() {}

    public static String print(Pack pack) {
        return Json.of(members(
                        "version", Pack.VERSION,
                        "target", pack.target(),
                        "peer", pack.peer(),
                        "suite", members("kernels", pack.suite().kernels(), "others", pack.suite().others()),
                        "cases", list(pack.cases(), PackJson::of)))
                .printLines();
    }

    /// @throws BadDataFile if the text is no pack, or one of another version
    public static Pack parse(String text) {
        try {
            var members = Json.parse(text).asMembers();
            long version = members.get("version").asLong();
            if (version != Pack.VERSION) {
                throw new BadDataFile("this program reads packs of version " + Pack.VERSION + " and this one is " + version
                        + "; write the pack again");
            }
            return new Pack(
                    members.get("target").asText(),
                    list(members.get("cases"), PackJson::caseOf),
                    members.get("peer").asText(),
                    suiteOf(members.get("suite").asMembers()));
        } catch (IllegalArgumentException e) {
            throw new BadDataFile("the pack is damaged: " + e.getMessage());
        }
    }

    private static Pack.Suite suiteOf(Json.Members suite) {
        return new Pack.Suite(suite.get("kernels").asText(), suite.get("others").asText());
    }

    private static Object of(Case item) {
        return members(
                "name", item.name(),
                "kind", item.kind().name().toLowerCase(Locale.ROOT),
                "plan", item.plan(),
                "images", list(item.images(), PackJson::of),
                "weights", list(item.weights(), PackJson::of),
                "inputs", list(item.inputs(), PackJson::of),
                "outputs", list(item.outputs(), PackJson::of),
                "failure", item.failure(),
                "tolerance", item.tolerance(),
                "speed", of(item.speed()));
    }

    private static Case caseOf(Json json) {
        var members = json.asMembers();
        return new Case(
                members.get("name").asText(),
                Pack.Kind.valueOf(members.get("kind").asText().toUpperCase(Locale.ROOT)),
                members.get("plan").asText(),
                list(members.get("images"), PackJson::imageOf),
                list(members.get("weights"), PackJson::weightOf),
                list(members.get("inputs"), PackJson::dataOf),
                list(members.get("outputs"), PackJson::dataOf),
                (int) members.get("failure").asLong(),
                members.get("tolerance").asDouble(),
                speedOf(members.get("speed")));
    }

    private static Object of(Speed speed) {
        return members(
                "family", speed.family(),
                "series", speed.series(),
                "links", speed.links(),
                "operations", speed.operations(),
                "scale", speed.scale(),
                "work", of(speed.work()));
    }

    static Object of(Work work) {
        return members(
                "operation", work.operation().name().toLowerCase(Locale.ROOT),
                "type", work.type().text(),
                "shape", work.shape());
    }

    private static Work workOf(Json json) {
        var members = json.asMembers();
        return new Work(
                Pack.Operation.valueOf(members.get("operation").asText().toUpperCase(Locale.ROOT)),
                ElementType.parse(members.get("type").asText()),
                list(members.get("shape"), Json::asLong));
    }

    private static Speed speedOf(Json json) {
        var members = json.asMembers();
        return new Speed(
                members.get("family").asText(),
                members.get("series").asText(),
                (int) members.get("links").asLong(),
                members.get("operations").asDouble(),
                members.get("scale").asDouble(),
                workOf(members.get("work")));
    }

    private static Object of(Image image) {
        return members("driver", image.driver(), "requires", image.requires(), "entry", image.entry());
    }

    private static Image imageOf(Json json) {
        var members = json.asMembers();
        return new Image(
                members.get("driver").asText(),
                list(members.get("requires"), Json::asText),
                members.get("entry").asText());
    }

    private static Object of(Data data) {
        var members = members("name", data.name(), "type", data.type().text(), "shape", data.shape());
        data.seed().ifPresentOrElse(seed -> members.put("seed", seed), () -> members.put("entry", data.entry()));
        return members;
    }

    private static Data dataOf(Json json) {
        var members = json.asMembers();
        boolean made = members.members().containsKey("seed");
        return new Data(
                members.get("name").asText(),
                ElementType.parse(members.get("type").asText()),
                list(members.get("shape"), Json::asLong),
                made ? OptionalLong.of(members.get("seed").asLong()) : OptionalLong.empty(),
                made ? "" : members.get("entry").asText());
    }

    private static Object of(Weight weight) {
        return members(
                "data", of(weight.data()),
                "indices", weight.indices(),
                "layout", list(weight.layout(), Dim::toString),
                "physical", weight.physical());
    }

    private static Weight weightOf(Json json) {
        var members = json.asMembers();
        return new Weight(
                dataOf(members.get("data")),
                list(members.get("indices"), Json::asText),
                list(members.get("layout"), text -> Dim.parse(text.asText())),
                list(members.get("physical"), Json::asLong));
    }

    private static <T> List<Object> list(List<T> items, Function<T, Object> print) {
        return items.stream().map(print).toList();
    }

    private static <T> List<T> list(Json json, Function<Json, T> read) {
        return json.asList().stream().map(read).toList();
    }

    static Map<String, Object> members(Object... namesAndValues) {
        var members = new LinkedHashMap<String, Object>();
        for (int i = 0; i < namesAndValues.length; i += 2) {
            members.put((String) namesAndValues[i], namesAndValues[i + 1]);
        }
        return members;
    }
}
