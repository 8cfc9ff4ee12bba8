package org.portolan.cli;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import org.portolan.ir.IrException;
import org.portolan.lowering.CompileException;
import org.portolan.onnx.OnnxException;
import org.portolan.onnx.UnsupportedOperators;
import org.portolan.onnx.UnsupportedType;
import org.portolan.runtime.PortolanException;
import picocli.CommandLine;
import picocli.CommandLine.IExecutionExceptionHandler;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.UnmatchedArgumentException;

/// Turns what went wrong into one sentence on the error stream and an exit code. A user of the shell sees a stack trace only
/// on request.
final class ErrorReport implements IExecutionExceptionHandler {

    /// What is said of an exception.
    ///
    /// @param sentence without "error: "; one line, but for a list of all operators that are not supported
    record Said(int exitCode, String sentence) {}

    @Override
    public int handleExecutionException(Exception exception, CommandLine line, ParseResult result) {
        return report(exception, line);
    }

    static int report(Throwable exception, CommandLine line) {
        var said = explain(exception);
        line.getErr().println("error: " + said.sentence());
        if (root(line).wantsStackTrace()) exception.printStackTrace(line.getErr());
        line.getErr().flush();
        return said.exitCode();
    }

    static int wrongUsage(ParameterException exception, String[] arguments) {
        var line = exception.getCommandLine();
        var name = line.getCommandSpec().qualifiedName();
        line.getErr().println("error: " + oneLine(exception.getMessage()) + "; help: " + name + " --help");
        UnmatchedArgumentException.printSuggestions(exception, line.getErr());
        line.getErr().flush();
        return ExitCode.WRONG_USAGE;
    }

    static Said explain(Throwable exception) {
        return switch (exception) {
            case CommandFailure failure -> new Said(failure.exitCode(), oneLine(failure.getMessage()));
            case NoSuchFileException missing -> new Said(ExitCode.FAILURE, missing.getFile() + ": no such file");
            case AccessDeniedException denied -> new Said(ExitCode.FAILURE, denied.getFile() + ": access denied");
            case FileSystemException file -> new Said(ExitCode.FAILURE, oneLine(file.getMessage()));
            case IOException input -> new Said(ExitCode.FAILURE, oneLine(input.getMessage()));
            case PortolanException failure -> new Said(code(failure), oneLine(failure.getMessage()));
            case UnsupportedOperators unsupported -> new Said(ExitCode.OPERATOR_UNSUPPORTED, unsupported.getMessage());
            case UnsupportedType unsupported -> new Said(ExitCode.OPERATOR_UNSUPPORTED, oneLine(unsupported.getMessage()));
            case OnnxException model -> new Said(ExitCode.FAILURE, oneLine(model.getMessage()));
            case IrException text -> new Said(ExitCode.FAILURE, oneLine(text.getMessage()));
            case CompileException model -> new Said(ExitCode.FAILURE, oneLine(model.getMessage()));
            case OutOfMemoryError _ ->
                new Said(ExitCode.FAILURE, "out of memory; help: PORTOLAN_JAVA_OPTIONS=-Xmx8g gives more");
            default -> internal(exception);
        };
    }

    private static int code(PortolanException failure) {
        return switch (failure) {
            case PortolanException.DeviceMissing _ -> ExitCode.DEVICE_MISSING;
            case PortolanException.InvalidInput _,
                    PortolanException.RunFailed _,
                    PortolanException.SessionClosed _,
                    PortolanException.DeadlineExceeded _,
                    PortolanException.Cancelled _,
                    PortolanException.Overloaded _,
                    PortolanException.DeviceLost _,
                    PortolanException.DeviceFailed _,
                    PortolanException.BadProgramFile _,
                    PortolanException.BadDataFile _,
                    PortolanException.LimitExceeded _,
                    PortolanException.CompilationFailed _ -> ExitCode.FAILURE;
        };
    }

    private static Said internal(Throwable exception) {
        var what = exception.getClass().getSimpleName() + ": " + exception.getMessage();
        return new Said(
                ExitCode.FAILURE,
                "a defect in portolan: " + oneLine(what) + "; help: run again with --stack-trace and report what it shows");
    }

    private static PortolanCommand root(CommandLine line) {
        var top = line;
        while (top.getParent() != null) top = top.getParent();
        return top.getCommand();
    }

    static String oneLine(String message) {
        return message == null ? "no message" : message.strip().replaceAll("\\s*\\R\\s*", " ");
    }
}
