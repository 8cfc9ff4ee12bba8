package org.portolan.tests.cli;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import java.util.stream.Stream;
import org.portolan.cli.Main;

/// One call of the command line in this process.
record ShellRun(int exitCode, String out, String err) {

    static ShellRun of(Object... arguments) {
        var out = new StringWriter();
        var err = new StringWriter();
        var line = Main.commandLine();
        line.setOut(new PrintWriter(out));
        line.setErr(new PrintWriter(err));
        var words = Stream.of(arguments).map(Object::toString).toArray(String[]::new);
        return new ShellRun(line.execute(words), out.toString(), err.toString());
    }

    String lastLine() {
        var lines = out.lines().toList();
        return lines.isEmpty() ? "" : lines.getLast();
    }

    /// The lines that begin with `error: `; a user of the shell sees exactly one, and no stack trace.
    List<String> errors() {
        return err.lines().filter(line -> line.startsWith("error: ")).toList();
    }
}
