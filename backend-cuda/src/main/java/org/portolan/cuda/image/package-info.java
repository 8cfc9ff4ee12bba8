/// The form of a kernel image: written at compile time, read by the driver and by the emulator. Not in here: any PTX.
package org.portolan.cuda.image;
