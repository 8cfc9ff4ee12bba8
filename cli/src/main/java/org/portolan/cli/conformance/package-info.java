/// Runs ONNX's own test cases: a case is a folder with a model and recorded inputs and outputs.
package org.portolan.cli.conformance;
