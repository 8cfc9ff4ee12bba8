package org.portolan.ir.text;

import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.portolan.ir.Value;

/// Gives every value of a function or program a name of its own: its hint where that is free, else the hint and a number.
final class ValueNames {
    private static final Pattern IDENTIFIER = Pattern.compile("[\\p{L}_$][\\p{L}\\p{Nd}_$.]*");

    private final Map<Value, String> printed = new IdentityHashMap<>();
    private final Set<String> taken = new HashSet<>();
    private final Map<String, Integer> lastNumber = new HashMap<>();

    /// What follows sees nothing of what came before: names that were given are free again, and values keep theirs.
    void begin() {
        taken.clear();
        lastNumber.clear();
    }

    /// The name with its percent sign, in quotation marks if need be.
    String of(Value value) {
        var name = printed.get(value);
        if (name == null) {
            name = print(unique(value.hint().isEmpty() ? "v" : value.hint()));
            printed.put(value, name);
        }
        return name;
    }

    private String unique(String hint) {
        if (taken.add(hint)) {
            return hint;
        }
        int number = lastNumber.getOrDefault(hint, 0);
        String name;
        do {
            name = hint + "_" + ++number;
        } while (!taken.add(name));
        lastNumber.put(hint, number);
        return name;
    }

    private static String print(String name) {
        if (IDENTIFIER.matcher(name).matches()) {
            return "%" + name;
        }
        var quoted = new StringBuilder("%");
        Quoted.append(name, quoted);
        return quoted.toString();
    }
}
