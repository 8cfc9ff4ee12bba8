/// PTX records into executable kernels: what every instruction means. What is not here is refused by name.
package org.portolan.cuda.emulator.decode;
