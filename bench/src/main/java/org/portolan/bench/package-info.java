/// Benchmarks: JMH for kernels, and side-by-side comparisons with oneDNN and ONNX Runtime in interleaved rounds.
package org.portolan.bench;
