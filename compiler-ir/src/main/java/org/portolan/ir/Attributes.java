package org.portolan.ir;

import java.util.Locale;

/// How attribute values are spelt.
final class Attributes {
    private Attributes() {}

    /// The word for an enum constant: {@code ROUND_UP} is {@code round_up}.
    static String word(Enum<?> constant) {
        return constant.name().toLowerCase(Locale.ROOT);
    }
}
