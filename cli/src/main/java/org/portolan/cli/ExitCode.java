package org.portolan.cli;

/// What the process tells the shell; a contract that scripts rely on. The launcher adds 69 where there is no JDK.
public final class ExitCode {
    public static final int FINE = 0;
    public static final int FAILURE = 1;
    public static final int WRONG_USAGE = 2;
    public static final int NUMBERS_DIFFER = 3;
    public static final int OPERATOR_UNSUPPORTED = 4;
    public static final int DEVICE_MISSING = 5;

    private ExitCode() {}
}
