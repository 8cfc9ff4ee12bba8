/// ONNX bytes to the graph dialect. Not in here: anything that knows a target.
package org.portolan.onnx;
