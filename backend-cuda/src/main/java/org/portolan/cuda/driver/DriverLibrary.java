package org.portolan.cuda.driver;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;

/// The vendor's driver on this machine, if there is one. It is looked for once.
///
/// @param calls null where there is none
/// @param reason why there is none
record DriverLibrary(DriverCalls calls, String reason) {
    /// Another library than the system's, for a driver in an unusual place.
    private static final String PROPERTY = "portolan.cuda.library";

    private static final String LIBRARY = "libcuda.so.1";

    static DriverLibrary find() {
        return open(System.getProperty(PROPERTY, LIBRARY));
    }

    static DriverLibrary open(String library) {
        DriverCalls calls;
        try {
            calls = DriverCalls.load(library);
        } catch (IllegalArgumentException e) {
            return new DriverLibrary(
                    null, "there is no driver: the system's loader finds no " + library + "; install NVIDIA's driver (a container "
                            + "is given it by --gpus all), or say where it is by -D" + PROPERTY + "=FILE");
        }
        return of(calls, library);
    }

    /// @param library its name, for messages
    static DriverLibrary of(DriverCalls calls, String library) {
        int status = calls.init();
        if (status != CudaStatus.SUCCESS) {
            return new DriverLibrary(null, CudaStatus.of(status).message("starting the driver " + library));
        }
        return new DriverLibrary(calls, "");
    }

    /// How many devices the driver sees; negative numbers are the status that it gave instead.
    int devices() {
        try (var arena = Arena.ofConfined()) {
            var count = arena.allocate(ValueLayout.JAVA_INT);
            int status = calls.deviceGetCount(count);
            return status == CudaStatus.SUCCESS
                    ? count.get(ValueLayout.JAVA_INT, 0)
                    : status == CudaStatus.NO_DEVICE ? 0 : -Math.abs(status);
        }
    }
}
