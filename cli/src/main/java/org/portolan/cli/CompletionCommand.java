package org.portolan.cli;

import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// Prints a completion script.
@Command(
        name = "completion",
        description = "Prints a script that completes commands and options.",
        footer = {"", "bash, zsh:  source <(portolan completion bash)", "fish:       portolan completion fish | source"})
final class CompletionCommand implements Callable<Integer> {
    enum Shell {
        BASH,
        ZSH,
        FISH
    }

    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "SHELL", defaultValue = "bash", description = "${COMPLETION-CANDIDATES} (default: bash).")
    private Shell shell;

    @Override
    public Integer call() {
        var writer = spec.commandLine().getOut();
        switch (shell) {
            // picocli's script serves both: under zsh it loads zsh's emulation of bash completion.
            case BASH, ZSH -> writer.print(AutoComplete.bash("portolan", Main.commandLine()));
            case FISH -> printFish(Main.commandLine(), writer);
        }
        writer.flush();
        return ExitCode.FINE;
    }

    private static void printFish(CommandLine root, PrintWriter writer) {
        writer.println("complete -c portolan -f -n __fish_use_subcommand");
        root.getSubcommands().forEach((name, command) -> {
            var help = firstSentence(command.getCommandSpec());
            writer.println("complete -c portolan -n __fish_use_subcommand -a " + name + " -d " + quoted(help));
            for (var option : command.getCommandSpec().options()) {
                var text = new StringBuilder("complete -c portolan -n '__fish_seen_subcommand_from " + name + "'");
                for (var spelling : option.names()) {
                    text.append(spelling.startsWith("--") ? " -l " + spelling.substring(2) : " -s " + spelling.substring(1));
                }
                if (option.arity().max() > 0) text.append(" -r");
                if (option.description().length > 0) text.append(" -d ").append(quoted(option.description()[0]));
                writer.println(text);
            }
        });
    }

    private static String firstSentence(CommandSpec command) {
        var lines = command.usageMessage().description();
        return lines.length == 0 ? "" : lines[0];
    }

    private static String quoted(String text) {
        return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'";
    }
}
