package org.portolan.opencl;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Kernels of every machine file, those of GPUs too, on the first device.
class NestsOnDeviceTest {
    static Stream<String> machines() {
        return Stream.of("opencl-cpu", "opencl-gpu", "opencl-gpu-mali", "opencl-gpu-intel-xe");
    }

    @ParameterizedTest
    @MethodSource("machines")
    void everyKindOfNest(String machine) {
        assumeTrue(DeviceKernel.isThere(), "no OpenCL device");
        var nests = new NestsOnDevice(DeviceKernel.device(), DeviceKernel.chip(machine));
        for (var name : NestsOnDevice.names()) {
            nests.check(name, 5, 37);
            nests.check(name, 1, 1);
            nests.check(name, 3, 130);
        }
        nests.check("row sums", 2, 900);
        nests.check("elementwise", 0, 3);
        nests.check("row sums", 3, 0);
        for (var sizes : new int[][] {{3, 7, 5}, {1, 1, 1}, {2, 0, 3}, {0, 4, 2}}) {
            LibraryKernelsOnDevice.check(DeviceKernel.device(), DeviceKernel.chip(machine), sizes[0], sizes[1], sizes[2]);
        }
    }
}
