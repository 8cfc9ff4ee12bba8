package org.portolan.cli.report;

import java.util.LinkedHashMap;
import java.util.Map;

/// Members of a JSON document, in the order given.
public final class Document {
    private Document() {}

    /// @param namesAndValues a name, its value, the next name, and so on; a value is whatever
    ///     [org.portolan.runtime.data.Json#of] takes
    public static Map<String, Object> of(Object... namesAndValues) {
        var members = new LinkedHashMap<String, Object>();
        for (var i = 0; i < namesAndValues.length; i += 2) members.put((String) namesAndValues[i], namesAndValues[i + 1]);
        return members;
    }
}
