/// NVIDIA GPUs as a target: kernels as PTX text, run by the vendor's driver or by an emulator.
package org.portolan.cuda;
