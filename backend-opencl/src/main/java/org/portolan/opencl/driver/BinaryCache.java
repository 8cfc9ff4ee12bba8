package org.portolan.opencl.driver;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Optional;

/// What the vendor's compiler has made of kernels, in a folder that only its owner may read. A file's name is made of the
/// device, its driver, the options and the source; it appears when it is complete. Whatever goes wrong here costs a build
/// and nothing else.
final class BinaryCache {
    private final Path folder;

    private BinaryCache(Path folder) {
        this.folder = folder;
    }

    /// The user's cache; empty where there can be none.
    static Optional<BinaryCache> open() {
        var base = System.getenv("XDG_CACHE_HOME");
        var root = base == null || base.isEmpty()
                ? Path.of(System.getProperty("user.home"), ".cache")
                : Path.of(base);
        return open(root.resolve("portolan").resolve("opencl"));
    }

    static Optional<BinaryCache> open(Path folder) {
        try {
            Files.createDirectories(folder.getParent());
            if (!Files.isDirectory(folder)) {
                Files.createDirectory(
                        folder, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
            }
            boolean own = Files.getOwner(folder).getName().equals(System.getProperty("user.name"))
                    && PosixFilePermissions.toString(Files.getPosixFilePermissions(folder)).endsWith("------");
            return own ? Optional.of(new BinaryCache(folder)) : Optional.empty();
        } catch (IOException | UnsupportedOperationException e) {
            return Optional.empty();
        }
    }

    static String key(DeviceFacts device, String options, String source) {
        try {
            var digest = MessageDigest.getInstance("SHA-256");
            for (var part : new String[] {device.name(), device.platform(), device.version(), options, source}) {
                var bytes = part.getBytes(StandardCharsets.UTF_8);
                digest.update((bytes.length + ":").getBytes(StandardCharsets.UTF_8));
                digest.update(bytes);
            }
            return HexFormat.of().formatHex(digest.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    Optional<byte[]> find(String key) {
        try {
            var bytes = Files.readAllBytes(folder.resolve(key));
            return bytes.length == 0 ? Optional.empty() : Optional.of(bytes);
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    void put(String key, byte[] binary) {
        try {
            var file = Files.createTempFile(folder, "new", "");
            try {
                Files.write(file, binary);
                Files.move(file, folder.resolve(key), StandardCopyOption.ATOMIC_MOVE);
            } finally {
                Files.deleteIfExists(file);
            }
        } catch (IOException e) {
            // Without the file the next process builds again.
        }
    }

    void forget(String key) {
        try {
            Files.deleteIfExists(folder.resolve(key));
        } catch (IOException e) {
            // It is overwritten by the next build.
        }
    }
}
