/// ONNX's own test cases: folders with a model, inputs and expected outputs, and the rule by which outputs are
/// compared.
/// Not in here: running them.
package org.portolan.onnx.conformance;
