package org.portolan.runtime.program;

import java.lang.foreign.MemorySegment;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.util.Base64;
import java.util.Optional;
import java.util.regex.Pattern;

/// The archive's comment: a hash of the manifest, which has the hashes of everything else, and perhaps a signature of
/// the manifest.
///
/// @param hash SHA-256 in hexadecimal
/// @param signature Ed25519, in Base64
record Seal(String hash, Optional<String> signature) {
    private static final Pattern TEXT =
            Pattern.compile("portolan sha256=([0-9a-f]{64})(?: ed25519=([A-Za-z0-9+/]{86}==))?");
    private static final String ALGORITHM = "Ed25519";

    static Seal of(byte[] manifest, Optional<PrivateKey> key) {
        return new Seal(Digests.sha256(MemorySegment.ofArray(manifest)), key.map(present -> sign(manifest, present)));
    }

    private static String sign(byte[] manifest, PrivateKey key) {
        try {
            var signature = Signature.getInstance(ALGORITHM);
            signature.initSign(key);
            signature.update(manifest);
            return Base64.getEncoder().encodeToString(signature.sign());
        } catch (GeneralSecurityException e) {
            throw new IllegalArgumentException("the key cannot sign with " + ALGORITHM, e);
        }
    }

    /// The seal that a comment is, if it is one.
    static Optional<Seal> parse(String comment) {
        var matcher = TEXT.matcher(comment);
        return matcher.matches()
                ? Optional.of(new Seal(matcher.group(1), Optional.ofNullable(matcher.group(2))))
                : Optional.empty();
    }

    /// Whether the owner of the key signed this manifest.
    boolean isSignedBy(PublicKey key, MemorySegment manifest) {
        if (signature.isEmpty()) {
            return false;
        }
        try {
            var verifier = Signature.getInstance(ALGORITHM);
            verifier.initVerify(key);
            verifier.update(manifest.asByteBuffer());
            return verifier.verify(Base64.getDecoder().decode(signature.get()));
        } catch (GeneralSecurityException e) {
            return false;
        }
    }

    @Override
    public String toString() {
        return "portolan sha256=" + hash + signature.map(text -> " ed25519=" + text).orElse("");
    }
}
