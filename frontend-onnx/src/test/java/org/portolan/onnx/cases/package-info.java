/// The project's own cases: at least one small model for each operator, against ONNX Runtime.
package org.portolan.onnx.cases;
