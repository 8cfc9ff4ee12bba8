/// What an ONNX file says, as immutable records: models, graphs, nodes, attributes, tensors and types, and the errors
/// that speak of them. Not in here: bytes (see `org.portolan.onnx.reader`) and what a node means
/// (see `org.portolan.onnx.importer`).
package org.portolan.onnx;
