package org.portolan.ir.pass;

import java.util.List;
import org.portolan.ir.Op;
import org.portolan.ir.verify.Verifier;

/// Verifies the module before the first and after each pass.
public record PassVerification() implements PassListener {

    @Override
    public void begin(List<Op> module) {
        Verifier.verify(module);
    }

    @Override
    public void after(Pass pass, int position, List<Op> module, long nanoseconds) {
        Verifier.verify(module);
    }
}
