package org.portolan.cli.argument;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.spec.PKCS8EncodedKeySpec;
import java.security.spec.X509EncodedKeySpec;
import java.util.Base64;
import java.util.regex.Pattern;
import org.portolan.runtime.PortolanException;

/// Ed25519 keys in PEM files, as `openssl genpkey -algorithm ed25519` and `openssl pkey -pubout` write them.
public final class KeyFiles {
    private static final String ALGORITHM = "Ed25519";

    private KeyFiles() {}

    /// A key that signs.
    ///
    /// @throws PortolanException.BadDataFile if the file holds none
    public static PrivateKey privateKey(Path file) throws IOException {
        try {
            return KeyFactory.getInstance(ALGORITHM).generatePrivate(new PKCS8EncodedKeySpec(content(file, "PRIVATE KEY")));
        } catch (GeneralSecurityException e) {
            throw bad(file, "PRIVATE KEY");
        }
    }

    /// A key that checks signatures.
    ///
    /// @throws PortolanException.BadDataFile if the file holds none
    public static PublicKey publicKey(Path file) throws IOException {
        try {
            return KeyFactory.getInstance(ALGORITHM).generatePublic(new X509EncodedKeySpec(content(file, "PUBLIC KEY")));
        } catch (GeneralSecurityException e) {
            throw bad(file, "PUBLIC KEY");
        }
    }

    private static byte[] content(Path file, String label) throws IOException {
        var text = Files.readString(file);
        var block = Pattern.compile("-----BEGIN " + label + "-----([A-Za-z0-9+/=\\s]*)-----END " + label + "-----");
        var matcher = block.matcher(text);
        if (!matcher.find()) throw bad(file, label);
        try {
            return Base64.getMimeDecoder().decode(matcher.group(1));
        } catch (IllegalArgumentException _) {
            throw bad(file, label);
        }
    }

    private static PortolanException bad(Path file, String label) {
        return new PortolanException.BadDataFile(file + ": expected an " + ALGORITHM + " key in PEM form (" + label + ")");
    }
}
