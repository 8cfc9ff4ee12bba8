package org.portolan.cli.image;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.GZIPOutputStream;

/// Writes a folder as .tar.gz in the format ustar of POSIX.1-1988: files, folders, and who may run them. Owners and times
/// are left out, so that the same folder gives the same bytes.
final class TarFile {
    private static final int BLOCK = 512;
    private static final int FILE = 0644;
    private static final int PROGRAM = 0755;

    private TarFile() {}

    /// @param root the name of the folder in the archive
    static void write(Path folder, String root, Path archive) throws IOException {
        try (var walk = Files.walk(folder);
                var out = new GZIPOutputStream(Files.newOutputStream(archive))) {
            for (var path : walk.sorted().toList()) {
                var name = root + "/" + folder.relativize(path);
                if (Files.isDirectory(path)) {
                    header(out, name.endsWith("/") ? name : name + "/", 0, PROGRAM, '5');
                } else {
                    long size = Files.size(path);
                    header(out, name, size, Files.isExecutable(path) ? PROGRAM : FILE, '0');
                    Files.copy(path, out);
                    out.write(new byte[(int) (Math.ceilDiv(size, BLOCK) * BLOCK - size)]);
                }
            }
            out.write(new byte[2 * BLOCK]);
        }
    }

    private static void header(OutputStream out, String name, long size, int mode, char type) throws IOException {
        var block = new byte[BLOCK];
        int split = name.length() > 100 ? name.lastIndexOf('/', 154) : -1;
        if (name.length() - split - 1 > 100) {
            throw new IOException("the name is too long for an archive: " + name);
        }
        put(block, 0, name.substring(split + 1));
        put(block, 345, split < 0 ? "" : name.substring(0, split));
        number(block, 100, 8, mode);
        number(block, 108, 8, 0);
        number(block, 116, 8, 0);
        number(block, 124, 12, size);
        number(block, 136, 12, 0);
        block[156] = (byte) type;
        put(block, 257, "ustar\0" + "00");
        put(block, 148, "        ");
        int sum = 0;
        for (byte value : block) sum += value & 0xFF;
        put(block, 148, "%06o\0 ".formatted(sum));
        out.write(block);
    }

    private static void number(byte[] block, int at, int length, long value) {
        put(block, at, ("%0" + (length - 1) + "o").formatted(value));
    }

    private static void put(byte[] block, int at, String text) {
        var bytes = text.getBytes(StandardCharsets.UTF_8);
        System.arraycopy(bytes, 0, block, at, bytes.length);
    }
}
