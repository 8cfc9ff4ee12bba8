package org.portolan.onnx.importer;

import org.portolan.runtime.type.Dim;

/// What known elements are as numbers.
final class Elements {
    private Elements() {}

    static double real(Element element) {
        return switch (element) {
            case Element.Real(double value) -> value;
            case Element.Whole(Dim value) -> value.constant().orElseThrow();
            case Element.Ratio _ -> throw new IllegalStateException("a symbolic number where a constant was expected");
        };
    }

    static long whole(Element element) {
        return dim(element).constant().orElseThrow();
    }

    static Dim dim(Element element) {
        return switch (element) {
            case Element.Whole(Dim value) -> value;
            case Element.Real _, Element.Ratio _ ->
                throw new IllegalStateException("a floating-point number where an integer was expected");
        };
    }

    static boolean isConstant(Element element) {
        return switch (element) {
            case Element.Whole(Dim value) -> value.isConstant();
            case Element.Real _ -> true;
            case Element.Ratio _ -> false;
        };
    }
}
