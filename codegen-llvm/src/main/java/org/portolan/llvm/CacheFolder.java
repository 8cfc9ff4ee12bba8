package org.portolan.llvm;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.EnumSet;
import java.util.Set;

/// The folder for files that can be made again: native tools, compiled kernels. It belongs to one user, and nobody
/// else may write there, because programs are run from it.
///
/// The place is the system property `portolan.cache.dir`, else the environment variable `PORTOLAN_CACHE_DIR`, else
/// `portolan` below `XDG_CACHE_HOME`, else `~/.cache/portolan`.
final class CacheFolder {
    private static final Set<PosixFilePermission> OWNER_ONLY = PosixFilePermissions.fromString("rwx------");
    private static final Set<PosixFilePermission> OTHERS_WRITE =
            EnumSet.of(PosixFilePermission.GROUP_WRITE, PosixFilePermission.OTHERS_WRITE);

    private CacheFolder() {}

    /// The folder's path; nothing is made.
    static Path root() {
        var property = System.getProperty("portolan.cache.dir");
        if (property != null && !property.isBlank()) {
            return Path.of(property).toAbsolutePath();
        }
        var variable = System.getenv("PORTOLAN_CACHE_DIR");
        if (variable != null && !variable.isBlank()) {
            return Path.of(variable).toAbsolutePath();
        }
        var caches = System.getenv("XDG_CACHE_HOME");
        // The XDG specification says that a relative path is invalid and to be ignored.
        if (caches != null && Path.of(caches).isAbsolute()) {
            return Path.of(caches, "portolan");
        }
        return Path.of(System.getProperty("user.home"), ".cache", "portolan");
    }

    /// Makes `root()/relative` if it is not there, and checks that nobody but this user can change it.
    ///
    /// @throws LlvmException.Unavailable if it cannot be made, or is open to others
    static Path open(String relative) {
        var root = root();
        var folder = root.resolve(relative);
        try {
            Files.createDirectories(root);
            if (!Files.exists(folder)) {
                Files.createDirectories(folder, PosixFilePermissions.asFileAttribute(OWNER_ONLY));
            }
            for (var path = folder; !path.equals(root); path = path.getParent()) {
                refuseForeign(path);
            }
            return folder;
        } catch (IOException | UncheckedIOException | UnsupportedOperationException failure) {
            throw new LlvmException.Unavailable(
                    "cannot use " + folder + " as a cache folder: " + failure
                            + "; name another one in PORTOLAN_CACHE_DIR or -Dportolan.cache.dir",
                    failure);
        }
    }

    private static void refuseForeign(Path folder) throws IOException {
        var permissions = EnumSet.copyOf(Files.getPosixFilePermissions(folder, LinkOption.NOFOLLOW_LINKS));
        permissions.retainAll(OTHERS_WRITE);
        var probe = Files.createTempFile(folder, "owner", null);
        try {
            var owner = Files.getOwner(folder, LinkOption.NOFOLLOW_LINKS);
            if (!permissions.isEmpty() || !owner.equals(Files.getOwner(probe))) {
                throw new LlvmException.Unavailable(
                        "the cache folder " + folder + " can be changed by other users (owner " + owner.getName()
                                + "); programs are run from it, so it must belong to you alone",
                        null);
            }
        } finally {
            Files.delete(probe);
        }
    }
}
