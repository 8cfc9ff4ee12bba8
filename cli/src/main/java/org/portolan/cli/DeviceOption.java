package org.portolan.cli;

import java.util.List;
import picocli.CommandLine.Option;

/// Where a model runs.
final class DeviceOption {
    @Option(
            names = "--device",
            split = ",",
            paramLabel = "DEVICE",
            description = "The device, for example cpu or cuda:0; 'portolan targets' lists them (default: the best one here).")
    private List<String> devices = List.of();

    @Option(names = "--threads", paramLabel = "N", description = "Threads of the host that work on one run (default: all).")
    private int threads = Runtime.getRuntime().availableProcessors();

    int threads() {
        if (threads < 1) {
            throw new CommandFailure(ExitCode.WRONG_USAGE, "--threads: expected at least 1, found " + threads, "");
        }
        return threads;
    }

    /// All that were named; empty where none was.
    List<String> devices() {
        return devices;
    }

    /// The one that was named, or the empty string for the best one.
    String device() {
        if (devices.size() > 1) {
            throw new CommandFailure(
                    ExitCode.WRONG_USAGE, "--device: expected one device, found " + String.join(",", devices), "");
        }
        return devices.isEmpty() ? "" : devices.getFirst();
    }
}
