package org.portolan.ir;

import java.util.Locale;

/// How attribute values are spelt.
public final class Attributes {
    private Attributes() {}

    /// The word for an enum constant: {@code ROUND_UP} is {@code round_up}.
    public static String word(Enum<?> constant) {
        return constant.name().toLowerCase(Locale.ROOT);
    }
}
