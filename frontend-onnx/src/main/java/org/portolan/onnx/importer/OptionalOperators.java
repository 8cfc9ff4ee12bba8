package org.portolan.onnx.importer;

import static org.portolan.onnx.importer.Operator.since;

import java.util.List;
import org.portolan.runtime.type.ElementType;

/// Values that may be absent. A tensor is one that is there; what is left out is one that is not.
final class OptionalOperators {
    static final List<Operator> ROWS = List.of(
            since(18, "OptionalHasElement", call -> call.writer()
                    .known(ElementType.BOOL, List.of(), List.of(Element.of(call.optional(0).isPresent())))),
            since(18, "OptionalGetElement", call -> call.input(0)));

    private OptionalOperators() {}
}
