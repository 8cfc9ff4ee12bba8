/// Real models and hostile ones, from the file to the numbers: outputs beside ONNX Runtime's, and what a user of the shell
/// is told about files that are damaged or want too much.
package org.portolan.tests.models;
