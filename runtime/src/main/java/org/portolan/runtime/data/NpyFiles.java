package org.portolan.runtime.data;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import org.portolan.runtime.PortolanException.BadDataFile;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.type.ElementType;

/// Tensors in NumPy's npy files. Read are floats of 16 to 64 bits, integers, bools and strings, of either byte order
/// and either order of axes. A type that NumPy lacks is written as the smallest one it has that holds the same numbers:
/// bf16 and the eight- and four-bit floats as f32, the four- and two-bit integers as eight-bit ones.
public final class NpyFiles {
    /// Read at a time, so that a header that promises more than the file has takes no memory.
    private static final int PIECE = 1 << 20;
    private static final int HEADER_LIMIT = 1 << 16;

    private NpyFiles() {}

    /// Reads a file into native memory that a run uses in place.
    ///
    /// @throws BadDataFile if it is damaged, or holds other elements
    public static Tensor read(Path path) throws IOException {
        try (var stream = new BufferedInputStream(Files.newInputStream(path))) {
            var tensor = read(stream, Files.size(path));
            if (stream.read() >= 0) {
                throw new BadDataFile("npy: the file goes on after the data");
            }
            return tensor;
        } catch (BadDataFile e) {
            throw new BadDataFile(path + ": " + e.getMessage());
        }
    }

    /// @param limit bytes that the data may take
    static Tensor read(InputStream stream, long limit) throws IOException {
        try {
            var header = readHeader(stream);
            var type = NpyType.parse(header.descriptor());
            long bytes = bytes(header.shape(), type.itemBytes());
            if (bytes > limit) {
                throw new BadDataFile("npy: the header says " + bytes + " bytes of data; there are at most " + limit);
            }
            var data = readData(stream, bytes);
            if (header.fortranOrder()) {
                data = AxisOrder.reverse(data, header.shape(), type.itemBytes());
            }
            return type.tensor(data, header.shape());
        } catch (EOFException e) {
            throw new BadDataFile("npy: the file ends before the data does");
        }
    }

    private static NpyHeader readHeader(InputStream stream) throws IOException {
        var start = exactly(stream, NpyHeader.MAGIC.length + 2);
        if (!Arrays.equals(start, 0, NpyHeader.MAGIC.length, NpyHeader.MAGIC, 0, NpyHeader.MAGIC.length)) {
            throw new BadDataFile("npy: the file does not begin with \\x93NUMPY");
        }
        int version = start[6];
        if (version < 1 || version > 3) {
            throw new BadDataFile("npy: version " + version + " is none of 1, 2, 3");
        }
        var lengthBytes = exactly(stream, version == 1 ? 2 : 4);
        long length = 0;
        for (int index = lengthBytes.length - 1; index >= 0; index--) {
            length = length << 8 | lengthBytes[index] & 0xFF;
        }
        if (length > HEADER_LIMIT) {
            throw new BadDataFile("npy: a header of " + length + " bytes; at most " + HEADER_LIMIT + " are read");
        }
        var charset = version == 3 ? StandardCharsets.UTF_8 : StandardCharsets.ISO_8859_1;
        return NpyHeader.parse(new String(exactly(stream, (int) length), charset));
    }

    private static byte[] exactly(InputStream stream, int count) throws IOException {
        var bytes = stream.readNBytes(count);
        if (bytes.length < count) {
            throw new EOFException();
        }
        return bytes;
    }

    private static long bytes(long[] shape, long itemBytes) {
        long product = itemBytes;
        try {
            for (long extent : shape) {
                product = Math.multiplyExact(product, extent);
            }
        } catch (ArithmeticException e) {
            throw new BadDataFile("npy: the shape " + Arrays.toString(shape) + " has more than 2^63 bytes");
        }
        return product;
    }

    private static MemorySegment readData(InputStream stream, long bytes) throws IOException {
        var pieces = new ArrayList<byte[]>();
        for (long left = bytes; left > 0; left -= pieces.getLast().length) {
            pieces.add(exactly(stream, (int) Math.min(left, PIECE)));
        }
        var data = Arena.ofAuto().allocate(bytes, 64);
        long offset = 0;
        for (var piece : pieces) {
            MemorySegment.copy(MemorySegment.ofArray(piece), 0, data, offset, piece.length);
            offset += piece.length;
        }
        return data;
    }

    /// Writes a file; it replaces one that is there.
    public static void write(Path path, Tensor tensor) throws IOException {
        try (var stream = new BufferedOutputStream(Files.newOutputStream(path))) {
            write(stream, tensor);
        }
    }

    static void write(OutputStream stream, Tensor tensor) throws IOException {
        if (tensor.type() == ElementType.STRING) {
            var width = NpyType.stringWidth(tensor.strings());
            stream.write(new NpyHeader("<U" + width, false, tensor.shape()).bytes());
            stream.write(NpyType.encodeStrings(tensor.strings(), width));
            return;
        }
        var written = TensorConversion.convert(tensor, NpyType.writable(tensor.type()));
        stream.write(new NpyHeader(NpyType.descriptor(written.type()), false, tensor.shape()).bytes());
        var data = written.data();
        var buffer = new byte[(int) Math.min(PIECE, data.byteSize())];
        for (long offset = 0; offset < data.byteSize(); offset += buffer.length) {
            int count = (int) Math.min(buffer.length, data.byteSize() - offset);
            MemorySegment.copy(data, offset, MemorySegment.ofArray(buffer), 0, count);
            stream.write(buffer, 0, count);
        }
    }
}
