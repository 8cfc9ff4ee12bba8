package org.portolan.onnx.importer;

/// A form of an operator that has no meaning here yet. Caught for each node and reported together.
final class Unsupported extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Unsupported(String reason) {
        super(reason, null, false, false);
    }
}
