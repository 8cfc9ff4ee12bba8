package org.portolan.ir;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.stream.Collectors;
import org.portolan.runtime.type.Dim;

/// A map from indices to indices, for example {@code (k, n) -> (n/32, k, n%32)}: how a packed operand, a blocked
/// layout, a swizzle or a fragment is laid out.
public record IndexMap(List<String> inputs, List<Dim> results) {
    public IndexMap {
        inputs = List.copyOf(inputs);
        results = List.copyOf(results);
        IrException.check(
                new HashSet<>(inputs).size() == inputs.size(), "the inputs of an index map need different names");
    }

    /// The results for the given inputs.
    public List<Dim> apply(List<Dim> indices) {
        IrException.check(indices.size() == inputs.size(), "an index map of " + inputs.size() + " inputs was given "
                + indices.size());
        var replacements = new HashMap<String, Dim>();
        for (int i = 0; i < inputs.size(); i++) {
            replacements.put(inputs.get(i), indices.get(i));
        }
        return results.stream().map(result -> result.substitute(replacements::get)).toList();
    }

    @Override
    public String toString() {
        return "(" + String.join(", ", inputs) + ") -> ("
                + results.stream().map(Dim::toString).collect(Collectors.joining(", ")) + ")";
    }
}
