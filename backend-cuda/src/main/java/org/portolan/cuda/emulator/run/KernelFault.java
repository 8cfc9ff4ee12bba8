package org.portolan.cuda.emulator.run;

/// A check has found something: the message names the kernel, the instruction, the thread and what was wrong.
public final class KernelFault extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public KernelFault(String message) {
        super(message, null, false, false);
    }
}
