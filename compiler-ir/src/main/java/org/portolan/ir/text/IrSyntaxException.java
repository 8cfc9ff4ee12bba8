package org.portolan.ir.text;

import org.portolan.ir.IrException;

/// A text that cannot be read. The message starts with {@code file:line:column}, both counted from 1.
public final class IrSyntaxException extends IrException {
    private static final long serialVersionUID = 1;

    private final String file;
    private final int line;
    private final int column;

    IrSyntaxException(String file, int line, int column, String message, Throwable cause) {
        super(file + ":" + line + ":" + column + ": " + message, cause);
        this.file = file;
        this.line = line;
        this.column = column;
    }

    public String file() {
        return file;
    }

    public int line() {
        return line;
    }

    public int column() {
        return column;
    }
}
