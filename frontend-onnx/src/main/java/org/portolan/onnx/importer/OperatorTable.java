package org.portolan.onnx.importer;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.Stream;

/// Every operator that the importer knows, in every version. The one place to add another: a row in the file of its
/// kind.
final class OperatorTable {
    private static final OperatorTable STANDARD = new OperatorTable(Stream.of(
                    ElementwiseOperators.ROWS,
                    ActivationOperators.ROWS,
                    ConversionOperators.ROWS,
                    ShapeOperators.ROWS,
                    IndexingOperators.ROWS,
                    GeneratorOperators.ROWS,
                    ReductionOperators.ROWS,
                    MatrixOperators.ROWS,
                    ConvolutionOperators.ROWS,
                    PoolingOperators.ROWS,
                    NormalizationOperators.ROWS,
                    ResizeOperators.ROWS,
                    QuantizationOperators.ROWS,
                    ControlOperators.ROWS,
                    RecurrentOperators.ROWS,
                    AttentionOperators.ROWS,
                    SamplingOperators.ROWS,
                    LossOperators.ROWS,
                    SortingOperators.ROWS,
                    SelectionOperators.ROWS,
                    SignalOperators.ROWS,
                    StateOperators.ROWS,
                    RegionOperators.ROWS,
                    OptionalOperators.ROWS,
                    ClassicOperators.ROWS)
            .flatMap(List::stream)
            .toList());

    private record Key(String domain, String name) {}

    private final Map<Key, List<Operator>> rows = new HashMap<>();

    private OperatorTable(List<Operator> operators) {
        for (var operator : operators) {
            rows.computeIfAbsent(new Key(operator.domain(), operator.name()), key -> new ArrayList<>())
                    .add(operator);
        }
    }

    static OperatorTable standard() {
        return STANDARD;
    }

    /// The row for an operator in one version of its domain.
    Optional<Operator> find(String domain, String name, long version) {
        return rows.getOrDefault(new Key(domain, name), List.of()).stream()
                .filter(row -> row.since() <= version && version <= row.until())
                .findFirst();
    }

    /// All operators, with their domain before a colon where it is not ONNX's own.
    SortedSet<String> names() {
        var names = new TreeSet<String>();
        rows.keySet().forEach(key -> names.add(key.domain().isEmpty() ? key.name() : key.domain() + ":" + key.name()));
        return names;
    }

    /// Why an operator has no row, in words.
    String reason(String domain, String name) {
        if (!domain.isEmpty()
                && rows.keySet().stream().noneMatch(key -> key.domain().equals(domain))) {
            return "operators of this domain are not known";
        }
        return rows.containsKey(new Key(domain, name))
                ? "known in other versions of the operator set only"
                : "this operator is not known";
    }
}
