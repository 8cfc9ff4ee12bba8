package org.portolan.ir;

import java.lang.foreign.MemorySegment;
import java.util.List;

/// The elements of a constant, row-major and packed little-endian.
public sealed interface Resource {

    /// Bytes that lie elsewhere, for example a mapped model file: {@code resource("w17", 64, 1536, "sha-256 in hex")}.
    /// The segment is not part of the text; reading the text asks a store for it. Two are equal if name, offset,
    /// length and digest are.
    record External(String name, long offset, long bytes, String sha256, MemorySegment segment) implements Resource {
        public External {
            IrException.check(offset >= 0 && bytes >= 0, "a resource needs an offset and a length of at least 0");
            IrException.check(
                    segment.byteSize() == bytes,
                    "resource " + name + " has " + segment.byteSize() + " bytes, expected " + bytes);
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof External external
                    && name.equals(external.name)
                    && offset == external.offset
                    && bytes == external.bytes
                    && sha256.equals(external.sha256);
        }

        @Override
        public int hashCode() {
            return name.hashCode() * 31 + sha256.hashCode();
        }
    }

    /// One floating-point value for every element: {@code splat(0.0)}.
    record Splat(double value) implements Resource {}

    /// One integer or truth value (0 or 1) for every element: {@code splat(0)}.
    record SplatInteger(long value) implements Resource {}

    /// Up to 64 floating-point elements: {@code dense([1.0, 2.0])}.
    record Floats(List<Double> values) implements Resource {
        public Floats {
            values = List.copyOf(values);
        }
    }

    /// Up to 64 integers: {@code dense([1, 2])}; unsigned 64-bit numbers stand as signed ones of the same bits.
    record Integers(List<Long> values) implements Resource {
        public Integers {
            values = List.copyOf(values);
        }
    }

    /// Texts: {@code dense(["a", "b"])}.
    record Texts(List<String> values) implements Resource {
        public Texts {
            values = List.copyOf(values);
        }
    }

    /// Reproducible noise in place of weights that must not travel: {@code random(7)}.
    record Random(long seed) implements Resource {}
}
