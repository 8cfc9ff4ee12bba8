package org.portolan.runtime.selftest;

import org.portolan.runtime.PortolanException.BadProgramFile;
import org.portolan.runtime.PortolanException.DeviceFailed;
import org.portolan.runtime.PortolanException.DeviceLost;
import org.portolan.runtime.PortolanException.LimitExceeded;

/// What to do about a check that failed, for whoever reads the report.
final class Advice {
    static final String WRONG_RESULT = "a result is wrong: a defect of the compiler, of the vendor's driver, or of the device. "
            + "Run a pack for 'cpu' on the same computer, and one for an older target of the same device; please report this page "
            + "and what those say";

    static final String NOT_TRIED = "it follows from the loss of the device above";

    private Advice() {}

    static String of(Throwable problem) {
        return switch (problem) {
            case DeviceLost lost -> "the device gives only errors to this process from here on. Start the selftest again: if the "
                    + "same check loses the device again, a kernel is wrong or the device is; please report this page, with the "
                    + "system's log of that minute (dmesg)";
            case LimitExceeded limit -> "the device had not the memory: end what else uses it, and start the selftest again";
            case DeviceFailed failed -> "the message is the driver's, and says what it needs; where it does not, please report this page";
            case BadProgramFile bad -> "the kernels are not for this device: write the pack for the target that 'portolan targets' names";
            case OutOfMemoryError memory -> "Java had not the memory: set JDK_JAVA_OPTIONS=-Xmx8g and start the selftest again";
            default -> "a defect of this program; please report this page";
        };
    }
}
