package org.portolan.lowering.c;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Functions that kernels call, each written when it is first needed.
final class Helpers {
    private final Words words;
    private final Map<String, String> functions = new LinkedHashMap<>();
    private boolean doubles;

    Helpers(Words words) {
        this.words = words;
    }

    /// Writes the body and gives the result.
    interface Body {
        Term write(Builder builder, List<Term> parameters);
    }

    /// Something else than a variable among the parameters of a function, for example a pointer.
    record Argument(String type, String name, String value) {}

    Term call(String name, CType result, List<Term> arguments, Body body) {
        return call(name, result, List.of(), arguments, body);
    }

    Term call(String name, CType result, List<Argument> pointers, List<Term> arguments, Body body) {
        if (!functions.containsKey(name)) {
            write(name, result, pointers, arguments.stream().map(Term::type).toList(), body);
        }
        var texts = new ArrayList<String>();
        pointers.forEach(pointer -> texts.add(pointer.value()));
        arguments.forEach(argument -> texts.add(argument.bare()));
        return Term.of(result, name + "(" + String.join(", ", texts) + ")");
    }

    private void write(String name, CType result, List<Argument> pointers, List<CType> types, Body body) {
        var code = new Code(words.reserved());
        var builder = new Builder(words, code, this);
        var heads = new ArrayList<String>();
        for (var pointer : pointers) {
            heads.add(pointer.type() + " " + code.fresh(pointer.name()));
        }
        var parameters = new ArrayList<Term>();
        for (int i = 0; i < types.size(); i++) {
            var parameter = Term.of(types.get(i), code.fresh(String.valueOf((char) ('a' + i))));
            heads.add(words.type(types.get(i)) + " " + parameter);
            parameters.add(parameter);
        }
        var value = body.write(builder, parameters);
        code.line("return " + value.bare() + ";");
        functions.put(
                name,
                words.helperHead(result) + " " + name + "(" + String.join(", ", heads) + ") {\n" + code + "}\n");
    }

    /// Says that a double is used somewhere.
    void useDouble() {
        if (!words.hasDouble()) {
            throw new EmitException("the machine has no f64; let the operation run on the host, or use f32");
        }
        doubles = true;
    }

    boolean doubles() {
        return doubles;
    }

    /// All functions, those first that others call.
    String text() {
        return String.join("\n", functions.values());
    }
}
