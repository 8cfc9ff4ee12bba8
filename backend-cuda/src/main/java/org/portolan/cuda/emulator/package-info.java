/// A device that runs PTX text without any such hardware, and checks what hardware does not tell. Not in here: the
/// vendor's driver.
package org.portolan.cuda.emulator;
