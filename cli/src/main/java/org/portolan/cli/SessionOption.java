package org.portolan.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.security.PublicKey;
import java.util.ArrayList;
import java.util.List;
import org.portolan.cli.argument.KeyFiles;
import org.portolan.runtime.SessionOptions;
import picocli.CommandLine.Option;

/// What is demanded of a program file.
final class SessionOption {
    @Option(
            names = "--trust",
            split = ",",
            paramLabel = "KEY.pem",
            description = "Refuse a program file that the owner of none of these Ed25519 keys has signed.")
    private List<Path> trusted = List.of();

    /// Refuses a model that is compiled here where signatures are demanded: it carries none.
    void checkSource(Path file) throws IOException {
        if (!trusted.isEmpty() && !ModelSource.isProgramFile(file)) {
            throw new CommandFailure(
                    ExitCode.FAILURE, file + " is a source model, which carries no signature", "compile it with --sign KEY.pem");
        }
    }

    SessionOptions options() throws IOException {
        var keys = new ArrayList<PublicKey>();
        for (var file : trusted) keys.add(KeyFiles.publicKey(file));
        return SessionOptions.defaults().withTrustedKeys(keys.toArray(PublicKey[]::new));
    }
}
