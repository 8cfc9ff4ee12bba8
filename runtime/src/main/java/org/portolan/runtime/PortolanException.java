package org.portolan.runtime;

import java.util.List;

/// What goes wrong in the runtime, each kind a class of its own. The message says what was expected, what was found and
/// what to do; nothing here is thrown for a defect of the runtime itself.
public abstract sealed class PortolanException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private PortolanException(String message, Throwable cause) {
        super(message, cause);
    }

    /// An input is missing, unknown, of another type or shape than the model takes, or not readable by this thread.
    public static final class InvalidInput extends PortolanException {
        private static final long serialVersionUID = 1L;

        public InvalidInput(String message) {
            super(message, null);
        }
    }

    /// A kernel or a check of the model refused the data, for example an index that is out of range.
    public static final class RunFailed extends PortolanException {
        private static final long serialVersionUID = 1L;

        private final int code;
        private final int operation;

        /// @param code why, a code of {@link org.portolan.runtime.device.KernelError}; 0 for a failed check
        /// @param operation which of the kernel's operations that can fail, counted from 1; -1 for a failed check
        public RunFailed(String message, int code, int operation) {
            super(message, null);
            this.code = code;
            this.operation = operation;
        }

        public int code() {
            return code;
        }

        public int operation() {
            return operation;
        }
    }

    /// The session was closed before the run began.
    public static final class SessionClosed extends PortolanException {
        private static final long serialVersionUID = 1L;

        public SessionClosed(String message) {
            super(message, null);
        }
    }

    /// The run did not end in time; what it wrote is dropped.
    public static final class DeadlineExceeded extends PortolanException {
        private static final long serialVersionUID = 1L;

        public DeadlineExceeded(String message) {
            super(message, null);
        }
    }

    /// The run was cancelled by its token, or by an interrupt while it waited for its turn.
    public static final class Cancelled extends PortolanException {
        private static final long serialVersionUID = 1L;

        public Cancelled(String message) {
            super(message, null);
        }
    }

    /// More runs are waiting than the session allows.
    public static final class Overloaded extends PortolanException {
        private static final long serialVersionUID = 1L;

        public Overloaded(String message) {
            super(message, null);
        }
    }

    /// There is no such device, or none for which the program file has a target.
    public static final class DeviceMissing extends PortolanException {
        private static final long serialVersionUID = 1L;

        public DeviceMissing(String message) {
            super(message, null);
        }
    }

    /// The device stopped working; runs on it fail until the process ends.
    public static final class DeviceLost extends PortolanException {
        private static final long serialVersionUID = 1L;

        public DeviceLost(String message, Throwable cause) {
            super(message, cause);
        }
    }

    /// The device refused a request, for example a kernel image that it cannot load.
    public static final class DeviceFailed extends PortolanException {
        private static final long serialVersionUID = 1L;

        public DeviceFailed(String message, Throwable cause) {
            super(message, cause);
        }
    }

    /// A program file is damaged, of an unknown version, or not signed as demanded.
    public static final class BadProgramFile extends PortolanException {
        private static final long serialVersionUID = 1L;

        public BadProgramFile(String message) {
            super(message, null);
        }

        public BadProgramFile(String message, Throwable cause) {
            super(message, cause);
        }
    }

    /// A data file (npy, npz, JSON) is damaged or holds what this runtime does not read.
    public static final class BadDataFile extends PortolanException {
        private static final long serialVersionUID = 1L;

        public BadDataFile(String message) {
            super(message, null);
        }
    }

    /// A limit would be passed; the message names it and says how to raise it.
    public static final class LimitExceeded extends PortolanException {
        private static final long serialVersionUID = 1L;

        public LimitExceeded(String message) {
            super(message, null);
        }
    }

    /// A source model cannot be compiled, or no compiler is there.
    public static final class CompilationFailed extends PortolanException {
        private static final long serialVersionUID = 1L;

        private final List<String> reasons;

        /// @param reasons every reason found, one line each
        public CompilationFailed(String message, List<String> reasons, Throwable cause) {
            super(message, cause);
            this.reasons = List.copyOf(reasons);
        }

        public List<String> reasons() {
            return reasons;
        }
    }
}
