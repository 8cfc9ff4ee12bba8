package org.portolan.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.NoSuchFileException;
import org.junit.jupiter.api.Test;

class CommandLineTest {
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int run(String... arguments) {
        var line = Main.commandLine();
        line.setOut(new PrintWriter(out));
        line.setErr(new PrintWriter(err));
        return line.execute(arguments);
    }

    @Test
    void aMistypedCommandIsWrongUsageAndGetsASuggestion() {
        assertEquals(ExitCode.WRONG_USAGE, run("doctr"));
        assertTrue(err.toString().startsWith("error: "), err::toString);
        assertTrue(err.toString().contains("doctor"), err::toString);
        assertEquals("", out.toString());
    }

    @Test
    void everyCommandExplainsItself() {
        for (var command : Main.commandLine().getCommandSpec().subcommands().keySet()) {
            if (command.equals("help")) continue;
            assertEquals(ExitCode.FINE, run(command, "--help"), command);
        }
        assertEquals("", err.toString());
    }

    @Test
    void completionScriptsNameEveryCommand() {
        for (var shell : new String[] {"bash", "zsh", "fish"}) {
            out.getBuffer().setLength(0);
            assertEquals(ExitCode.FINE, run("completion", shell));
            for (var command : Main.commandLine().getCommandSpec().subcommands().keySet()) {
                assertTrue(out.toString().contains(command), () -> shell + " lacks " + command);
            }
        }
    }

    @Test
    void errorsAreOneSentence() {
        var defect = ErrorReport.explain(new IllegalStateException("two\n  lines"));
        assertEquals(ExitCode.FAILURE, defect.exitCode());
        assertFalse(defect.sentence().contains("\n"));
        assertTrue(defect.sentence().contains("IllegalStateException: two lines"), defect::sentence);
        assertEquals("x.onnx: no such file", ErrorReport.explain(new NoSuchFileException("x.onnx")).sentence());
        assertEquals(5, ErrorReport.explain(new CommandFailure(ExitCode.DEVICE_MISSING, "no gpu", "look")).exitCode());
        assertEquals(ExitCode.FAILURE, ErrorReport.explain(new IOException("disk full")).exitCode());
    }
}
