/// Protobuf bytes to the records of `org.portolan.onnx`, over a mapped file and without copies of weights.
/// Not in here: what an operator means.
package org.portolan.onnx.reader;
