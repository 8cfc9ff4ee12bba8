package org.portolan.cli.report;

import java.io.PrintStream;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.Callable;

/// A line on the terminal that says what takes so long: from the second second on, rewritten in place, gone at the end.
/// Where nobody watches (no terminal, or CI), nothing is printed.
public final class Progress implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(1);

    private final PrintStream terminal;
    private final Instant start = Instant.now();
    private final Thread painter;
    private volatile String what;
    private int painted;

    private Progress(String what, PrintStream terminal) {
        this.what = what;
        this.terminal = terminal;
        this.painter = terminal == null ? null : Thread.ofVirtual().name("progress").start(this::paint);
    }

    public static Progress start(String what) {
        return new Progress(what, isWatched() ? System.err : null);
    }

    /// Does the work with a progress line beside it.
    public static <T> T during(String what, Callable<T> work) throws Exception {
        try (var _ = start(what)) {
            return work.call();
        }
    }

    /// Says what is done now, for example `compiling (3 of 12)`.
    public void now(String next) {
        what = next;
    }

    @Override
    public void close() {
        if (painter == null) return;
        painter.interrupt();
        try {
            painter.join();
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
        if (painted > 0) terminal.print("\r" + " ".repeat(painted) + "\r");
        terminal.flush();
    }

    private static boolean isWatched() {
        var console = System.console();
        return console != null && console.isTerminal() && !Boolean.parseBoolean(System.getenv("CI"));
    }

    private void paint() {
        try {
            Thread.sleep(PATIENCE);
            while (true) {
                var line = what + " ... " + Duration.between(start, Instant.now()).toSeconds() + " s";
                terminal.print("\r" + line + " ".repeat(Math.max(0, painted - line.length())));
                terminal.flush();
                painted = Math.max(painted, line.length());
                Thread.sleep(200);
            }
        } catch (InterruptedException _) {
            // The work is done.
        }
    }
}
