/// Tensors in files: npy and npz, JSON, and reproducible random tensors.
package org.portolan.runtime.data;
