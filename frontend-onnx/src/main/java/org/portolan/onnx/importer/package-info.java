/// The records of `org.portolan.onnx` to the `graph` dialect: one table that knows every operator in every version, and
/// what it means in `graph` operations. Shapes and constants settle on the way. Not in here: bytes of files, and
/// anything that knows a machine.
package org.portolan.onnx.importer;
