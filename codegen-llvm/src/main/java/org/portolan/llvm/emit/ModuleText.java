package org.portolan.llvm.emit;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.Supplier;

/// A module under construction: functions, the intrinsics that they declare, helpers that they share, and metadata.
final class ModuleText {
    private final StringBuilder globals = new StringBuilder();
    private final StringBuilder functions = new StringBuilder();
    private final TreeSet<String> declarations = new TreeSet<>();
    private final Map<String, String> helpers = new LinkedHashMap<>();
    private final StringBuilder metadata = new StringBuilder();
    private final String attributes;
    private String together = "";
    private String empty = "";
    private int nodes;

    /// @param vectorBits the width of a vector register, which LLVM is told to prefer; 0 if there is none to prefer
    ModuleText(long vectorBits) {
        // no-builtins: loops must not become calls of memset or memcpy, which nothing would define.
        attributes = "attributes #0 = { nounwind \"no-builtins\""
                + (vectorBits > 0 ? " \"prefer-vector-width\"=\"" + vectorBits + "\"" : "") + " }\n";
    }

    void add(String function) {
        functions.append(function).append('\n');
    }

    /// A variable of the module: `@name = ...`.
    void global(String definition) {
        globals.append(definition).append('\n');
    }

    void declare(String declaration) {
        declarations.add(declaration);
    }

    /// A function that several kernels may call; its text is asked for once.
    void helper(String name, Supplier<String> text) {
        if (!helpers.containsKey(name)) {
            helpers.put(name, "");
            helpers.put(name, text.get());
        }
    }

    /// The metadata node without content.
    String empty() {
        if (empty.isEmpty()) {
            empty = metadata("!{}");
        }
        return empty;
    }

    /// The attributes of a call that the lanes of a warp make together: it stays where all of them are.
    String together() {
        together = "attributes #1 = { convergent nounwind }\n";
        return "#1";
    }

    /// Adds a metadata node and gives its name.
    String metadata(String content) {
        var name = "!" + nodes++;
        metadata.append(name).append(" = ").append(content.replace("!self", name)).append('\n');
        return name;
    }

    /// A named list of metadata with one node in it.
    void named(String list, String content) {
        list(list, metadata(content));
    }

    /// A named list of metadata with a node in it that is there.
    void list(String list, String node) {
        metadata.append('!').append(list).append(" = !{").append(node).append("}\n");
    }

    @Override
    public String toString() {
        var text = new StringBuilder();
        text.append(globals);
        text.append(functions);
        helpers.values().forEach(helper -> text.append(helper).append('\n'));
        declarations.forEach(declaration -> text.append("declare ").append(declaration).append('\n'));
        return text.append('\n').append(attributes).append(together).append(metadata).toString();
    }
}
