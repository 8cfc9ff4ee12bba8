package org.portolan.runtime.program;

import java.lang.foreign.MemorySegment;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.IntStream;
import java.util.zip.CRC32;

/// Check sums of memory.
final class Digests {
    /// Bytes that one hash stands for; chunks are hashed in parallel.
    static final int CHUNK = 1 << 20;

    /// A part of a segment that a ByteBuffer can hold.
    private static final long PART = 1 << 30;

    private Digests() {}

    /// SHA-256 of every chunk, in parallel; one for an empty segment.
    static List<String> chunkHashes(MemorySegment data) {
        int chunks = Math.toIntExact(Math.max(1, Math.ceilDiv(data.byteSize(), CHUNK)));
        return IntStream.range(0, chunks)
                .parallel()
                .mapToObj(chunk -> {
                    long begin = (long) chunk * CHUNK;
                    return sha256(data.asSlice(begin, Math.min(CHUNK, data.byteSize() - begin)));
                })
                .toList();
    }

    static String sha256(MemorySegment data) {
        try {
            var digest = MessageDigest.getInstance("SHA-256");
            digest.update(data.asByteBuffer());
            return HexFormat.of().formatHex(digest.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    static void update(CRC32 crc, MemorySegment data) {
        for (long begin = 0; begin < data.byteSize(); begin += PART) {
            crc.update(data.asSlice(begin, Math.min(PART, data.byteSize() - begin)).asByteBuffer());
        }
    }

    static int crc(MemorySegment data) {
        var crc = new CRC32();
        update(crc, data);
        return (int) crc.getValue();
    }
}
