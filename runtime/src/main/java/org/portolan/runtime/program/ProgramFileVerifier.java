package org.portolan.runtime.program;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.PublicKey;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.stream.IntStream;
import org.portolan.runtime.PortolanException.BadProgramFile;

/// Verifies a program file from its end: the comment has the hash of the manifest, the manifest the hashes of all
/// entries, and what lies between the entries is built anew and compared.
final class ProgramFileVerifier {
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int COMMENT_LIMIT = 1024;
    private static final long MANIFEST_LIMIT = 1L << 30;

    private final MemorySegment file;
    private final ZipLayout layout;

    ProgramFileVerifier(MemorySegment file, ZipLayout layout) {
        this.file = file;
        this.layout = layout;
    }

    ProgramFile.Verified verify(Collection<PublicKey> signers) {
        long end = findEnd();
        var comment = new String(
                file.asSlice(end + ZipLayout.END_SIZE).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.ISO_8859_1);
        var seal = Seal.parse(comment)
                .orElseThrow(() -> new BadProgramFile("this archive is no program file, or it is damaged"));
        var manifestData = findManifest(end);
        if (!Digests.sha256(manifestData).equals(seal.hash())) {
            throw damaged("the manifest");
        }
        if (!signers.isEmpty() && signers.stream().noneMatch(signer -> seal.isSignedBy(signer, manifestData))) {
            throw new BadProgramFile(
                    seal.signature().isEmpty()
                            ? "the program file is not signed, and a signature is demanded"
                            : "the program file is not signed by the demanded key, or by any of them");
        }
        var manifest =
                Manifest.parse(new String(manifestData.toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8));
        var items = new ArrayList<ZipLayout.Item>();
        for (var entry : manifest.entries()) {
            if (entry.size() < 0 || entry.size() > file.byteSize()) {
                throw damaged(entry.name());
            }
            items.add(new ZipLayout.Item(entry.name(), entry.size(), entry.crc(), alignment(entry.name())));
        }
        items.add(new ZipLayout.Item(Manifest.ENTRY_NAME, manifestData.byteSize(), Digests.crc(manifestData),
                alignment(Manifest.ENTRY_NAME)));
        var entries = new HashMap<String, MemorySegment>();
        var places = layout.places(items);
        for (var place : places) {
            if (place.end() > end) {
                throw damaged(place.item().name());
            }
            compare(layout.localHeader(place), place.headerOffset());
            entries.put(place.item().name(), file.asSlice(place.dataOffset(), place.item().size()));
        }
        var tail = layout.tail(places, comment);
        if (places.getLast().end() + tail.length != file.byteSize()) {
            throw damaged("the archive's directory");
        }
        compare(tail, places.getLast().end());
        manifest.entries().forEach(entry -> verifyContent(entry, entries.get(entry.name())));
        return new ProgramFile.Verified(manifest, entries);
    }

    private static int alignment(String name) {
        return name.equals(ProgramFileWriter.WEIGHTS)
                ? ProgramFileWriter.WEIGHTS_ALIGNMENT
                : ProgramFileWriter.ALIGNMENT;
    }

    private long findEnd() {
        long last = file.byteSize() - ZipLayout.END_SIZE;
        for (long at = last; at >= Math.max(0, last - COMMENT_LIMIT); at--) {
            if (file.get(INT, at) == ZipLayout.END_SIGNATURE
                    && at + ZipLayout.END_SIZE + (file.get(SHORT, at + 20) & 0xFFFF) == file.byteSize()) {
                return at;
            }
        }
        throw new BadProgramFile("this is no program file (no end of a ZIP archive), or it is cut off");
    }

    /// The manifest is the last entry: its central header is the last one, right before the archive's end records.
    private MemorySegment findManifest(long end) {
        var name = Manifest.ENTRY_NAME.getBytes(StandardCharsets.US_ASCII);
        // Before the end record may stand the 64-bit end records, and after the name an extra field with an offset.
        for (long at = end - 46 - name.length; at >= Math.max(0, end - 256); at--) {
            if (file.get(INT, at) == ZipLayout.CENTRAL_SIGNATURE
                    && file.asSlice(at + 46, name.length).mismatch(MemorySegment.ofArray(name)) < 0) {
                long size = file.get(INT, at + 24) & 0xFFFF_FFFFL;
                long shownOffset = file.get(INT, at + 42) & 0xFFFF_FFFFL;
                long centralEnd = at + 46 + name.length + (file.get(SHORT, at + 30) & 0xFFFF);
                long offset = shownOffset == 0xFFFF_FFFFL && centralEnd + 8 <= file.byteSize() && centralEnd >= 8
                        ? file.get(ValueLayout.JAVA_LONG_UNALIGNED, centralEnd - 8)
                        : shownOffset;
                return manifestAt(offset, size, end);
            }
        }
        throw damaged("the archive's directory");
    }

    private MemorySegment manifestAt(long headerOffset, long size, long end) {
        if (headerOffset < 0 || headerOffset > end - 30 || size > MANIFEST_LIMIT) {
            throw damaged("the archive's directory");
        }
        int nameSize = file.get(SHORT, headerOffset + 26) & 0xFFFF;
        int extraSize = file.get(SHORT, headerOffset + 28) & 0xFFFF;
        long data = headerOffset + 30 + nameSize + extraSize;
        if (data + size > end) {
            throw damaged("the archive's directory");
        }
        return file.asSlice(data, size);
    }

    private void compare(byte[] expected, long offset) {
        if (file.asSlice(offset, expected.length).mismatch(MemorySegment.ofArray(expected)) >= 0) {
            throw damaged("the archive's directory");
        }
    }

    private static void verifyContent(Manifest.Entry entry, MemorySegment data) {
        var hashes = entry.chunkHashes();
        long chunks = Math.max(1, Math.ceilDiv(data.byteSize(), Digests.CHUNK));
        if (hashes.size() != chunks) {
            throw damaged(entry.name());
        }
        boolean same = IntStream.range(0, hashes.size()).parallel().allMatch(chunk -> {
            long begin = (long) chunk * Digests.CHUNK;
            var part = data.asSlice(begin, Math.min(Digests.CHUNK, data.byteSize() - begin));
            return Digests.sha256(part).equals(hashes.get(chunk));
        });
        if (!same) {
            throw damaged(entry.name());
        }
    }

    private static BadProgramFile damaged(String what) {
        return new BadProgramFile(
                "the program file is damaged (" + what + " does not match its hash); copy or compile it again");
    }
}
