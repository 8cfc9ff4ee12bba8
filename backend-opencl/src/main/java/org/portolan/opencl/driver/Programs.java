package org.portolan.opencl.driver;

import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.portolan.runtime.PortolanException.DeviceFailed;

/// Builds programs, and keeps what was built.
///
/// PoCL compiles a kernel when it is first launched, for the size of its group, and keeps the result in a cache of its own.
/// A binary that is asked of it beforehand is compiled for any size, and again for the size that is used: for PoCL keeping
/// binaries here would double the time of the first run and save nothing later, so that it is done only where
/// {@code PORTOLAN_OPENCL_CACHE} is {@code always}. With {@code never} no driver's binaries are kept.
final class Programs {
    private static final Pattern LINE_NUMBER = Pattern.compile("(?:<\\w+>|\\S+\\.cl|\\binput):(\\d{1,7}):");
    private static final int SHOWN = 4;
    private static final String CACHE_VARIABLE = "PORTOLAN_OPENCL_CACHE";

    private Programs() {}

    /// @return the handle of a program that is ready
    static long build(OpenClDevice device, ImageHeader header, String source) {
        // A simulator checks the text best as it stands, and does not know every instruction that comes of optimising.
        var options = "-cl-std=CL1.2 -w" + (device.facts.emulated() ? " -cl-opt-disable" : "") + (device.facts.exactDivision() ? " -cl-fp32-correctly-rounded-divide-sqrt" : "");
        var cache = keepsBinaries(device.facts) ? BinaryCache.open() : Optional.<BinaryCache>empty();
        var key = BinaryCache.key(device.facts, options, source);
        if (cache.isPresent()) {
            var binary = cache.get().find(key);
            if (binary.isPresent()) {
                long program = fromBinary(device, binary.get(), options);
                if (program != 0) {
                    return program;
                }
                cache.get().forget(key);
            }
        }
        long program = fromSource(device, header, source, options);
        if (cache.isPresent()) {
            var binary = device.library.binary(program);
            if (binary.length > 0) {
                cache.get().put(key, binary);
            }
        }
        return program;
    }

    private static boolean keepsBinaries(DeviceFacts device) {
        return switch (DeviceFacts.wish("cache", CACHE_VARIABLE)) {
            case "always" -> true;
            case "never" -> false;
            default -> !device.emulated() && !device.platform().contains("PoCL");
        };
    }

    /// 0 where the driver does not take it back.
    private static long fromBinary(OpenClDevice device, byte[] binary, String options) {
        try {
            long program = device.library.createProgram(device.context, device.facts.device(), binary);
            if (device.library.build(program, device.facts.device(), options) == ErrorCode.SUCCESS) {
                return program;
            }
            device.library.releaseProgram(program);
        } catch (DeviceFailed e) {
            // It is built from its source then.
        }
        return 0;
    }

    private static long fromSource(OpenClDevice device, ImageHeader header, String source, String options) {
        long program = device.library.createProgram(device.context, source);
        int code = device.library.build(program, device.facts.device(), options);
        if (code == ErrorCode.SUCCESS) {
            return program;
        }
        var log = device.library.buildLog(program, device.facts.device());
        device.library.releaseProgram(program);
        if (code != ErrorCode.BUILD_PROGRAM_FAILURE) {
            throw ErrorCode.failure(code, "building the kernels for " + device.facts.name());
        }
        throw new DeviceFailed(message(device, header, source, log), null);
    }

    /// The vendor's words, the lines that they are about, and the nodes that these lines stem from.
    private static String message(OpenClDevice device, ImageHeader header, String source, String log) {
        var lines = source.lines().toList();
        var message = new StringBuilder("the compiler of " + device.facts.name() + " (driver " + device.facts.version()
                + ") refuses the kernels. It says:\n" + log + "\n");
        var match = LINE_NUMBER.matcher(log);
        int number = match.find() ? Integer.parseInt(match.group(1)) : 0;
        if (number < 1 || number > lines.size()) {
            return message + "The kernels stem from " + header.kernels().values().stream()
                    .map(ImageHeader.Entry::origin)
                    .collect(Collectors.joining("; "));
        }
        for (int line = number; line >= 1; line--) {
            var text = lines.get(line - 1);
            for (var kernel : header.kernels().entrySet()) {
                if (text.startsWith("__kernel") && text.contains("void " + kernel.getValue().function() + "(")) {
                    message.append("Kernel ").append(kernel.getKey()).append(" of ")
                            .append(kernel.getValue().origin()).append(":\n");
                    line = 0;
                    break;
                }
            }
        }
        for (int line = Math.max(1, number - SHOWN); line <= Math.min(lines.size(), number + SHOWN); line++) {
            message.append(line == number ? "> " : "  ").append(line).append(": ").append(lines.get(line - 1)).append('\n');
        }
        return message.append("This is a defect of the compiler of kernels, or of the vendor's; please report it with the"
                + " text above").toString();
    }
}
