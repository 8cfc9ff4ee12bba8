package org.portolan.onnx;

import java.util.List;
import java.util.stream.Collectors;

/// A model that uses operators which the importer does not know. All of them are listed at once.
public final class UnsupportedOperators extends OnnxException {
    private static final long serialVersionUID = 1L;

    private final transient List<Use> uses;

    /// One node that cannot be imported.
    ///
    /// @param opset the version of the domain that the model asks for
    public record Use(String node, String domain, String operator, long opset, String reason) {
        @Override
        public String toString() {
            return "%s: %s%s, opset %d: %s"
                    .formatted(node, domain.isEmpty() ? "" : domain + ":", operator, opset, reason);
        }
    }

    public UnsupportedOperators(List<Use> uses) {
        super(uses.stream()
                .map(Use::toString)
                .collect(Collectors.joining(
                        "\n  ",
                        "The model uses %d node(s) that are not supported:\n  ".formatted(uses.size()),
                        "\nRewrite these nodes in other operators when exporting the model.")));
        this.uses = List.copyOf(uses);
    }

    /// All such nodes in the order of the file.
    public List<Use> uses() {
        return uses;
    }
}
