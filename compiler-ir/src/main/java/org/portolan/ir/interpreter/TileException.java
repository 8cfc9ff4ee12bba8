package org.portolan.ir.interpreter;

import org.portolan.ir.IrException;

/// Tile code that does what no device may be asked to do: an access outside of a buffer, a read of memory that was
/// never
/// written, a barrier that not all threads reach. The data of a run is not to blame, the code is.
public final class TileException extends IrException {
    private static final long serialVersionUID = 1;

    public TileException(String message) {
        super(message);
    }
}
