/// ONNX's own test data on the devices that are here, through the compiled path.
package org.portolan.tests.conformance;
