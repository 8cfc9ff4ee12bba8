package org.portolan.runtime.data;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;
import org.portolan.runtime.PortolanException.BadDataFile;
import org.portolan.runtime.PortolanException.LimitExceeded;
import org.portolan.runtime.Tensor;

/// Named tensors in NumPy's npz files: ZIP archives of npy files. Nothing is ever unpacked to the disk; names that
/// would be tricks there are refused all the same.
public final class NpzFiles {
    /// Bytes that all tensors of a file may take together.
    public static final long LIMIT = 16L << 30;

    private static final String SUFFIX = ".npy";
    /// An entry that is packed tighter than this and large is taken for a bomb.
    private static final long RATIO_LIMIT = 100;

    private static final long LARGE = 256L << 20;
    private static final int ENTRIES_LIMIT = 1 << 16;

    private NpzFiles() {}

    /// Reads all tensors, in the order of the file.
    ///
    /// @throws BadDataFile if the archive or a tensor is damaged
    /// @throws LimitExceeded if it would unpack to too much
    public static Map<String, Tensor> read(Path path) throws IOException {
        return read(path, LIMIT);
    }

    /// @param limit bytes that all tensors may take together
    public static Map<String, Tensor> read(Path path, long limit) throws IOException {
        try (var archive = new ZipFile(path.toFile())) {
            if (archive.size() > ENTRIES_LIMIT) {
                throw new LimitExceeded(path + ": " + archive.size() + " entries; at most " + ENTRIES_LIMIT
                        + " are read");
            }
            var tensors = new LinkedHashMap<String, Tensor>();
            long left = limit;
            for (var entries = archive.entries(); entries.hasMoreElements(); ) {
                var entry = entries.nextElement();
                var name = name(path, entry);
                checkSize(path, entry, left, limit);
                left -= entry.getSize();
                if (tensors.put(name, read(path, archive, entry)) != null) {
                    throw new BadDataFile(path + ": two entries are named '" + name + "'");
                }
            }
            return tensors;
        } catch (ZipException e) {
            throw new BadDataFile(path + " is no npz file: " + e.getMessage());
        }
    }

    private static String name(Path path, ZipEntry entry) {
        var name = entry.getName();
        boolean climbs = Arrays.asList(name.split("[/\\\\]", -1)).contains("..");
        if (climbs || name.indexOf('\0') >= 0 || entry.isDirectory() || !name.endsWith(SUFFIX)) {
            throw new BadDataFile(path + ": the entry '" + name + "' is not the name of a tensor followed by .npy");
        }
        return name.substring(0, name.length() - SUFFIX.length());
    }

    private static void checkSize(Path path, ZipEntry entry, long left, long limit) {
        long size = entry.getSize();
        boolean tight = size > LARGE && size / RATIO_LIMIT > entry.getCompressedSize();
        if (size < 0 || size > left || tight) {
            throw new LimitExceeded(path + ": entry '" + entry.getName() + "' unpacks from "
                    + entry.getCompressedSize() + " to " + size + " bytes; " + (tight
                            ? "that is more than " + RATIO_LIMIT + " to 1; pack it without compression"
                            : "the tensors of a file may take " + limit));
        }
    }

    private static Tensor read(Path path, ZipFile archive, ZipEntry entry) throws IOException {
        // The stream may inflate to more than the entry says; reading stops at what it says.
        try (var stream = new BufferedInputStream(archive.getInputStream(entry))) {
            return NpyFiles.read(stream, entry.getSize());
        } catch (BadDataFile e) {
            throw new BadDataFile(path + ": entry '" + entry.getName() + "': " + e.getMessage());
        }
    }

    /// Writes tensors in the order of the map, without compression; the same tensors give the same bytes.
    public static void write(Path path, Map<String, Tensor> tensors) throws IOException {
        try (var stream = new ZipOutputStream(Files.newOutputStream(path))) {
            stream.setLevel(0);
            for (var tensor : tensors.entrySet()) {
                var entry = new ZipEntry(tensor.getKey() + SUFFIX);
                entry.setTimeLocal(LocalDateTime.of(1980, 1, 1, 0, 0));
                stream.putNextEntry(entry);
                NpyFiles.write(stream, tensor.getValue());
                stream.closeEntry();
            }
        }
    }
}
