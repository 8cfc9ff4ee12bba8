package org.portolan.cuda.emulator.run;

/// How many along each of three directions.
public record Extent(int x, int y, int z) {
    /// Along one direction only.
    public static Extent of(int x) {
        return new Extent(x, 1, 1);
    }

    /// In all; more than an int holds becomes the largest int.
    public int count() {
        return (int) Math.min(Integer.MAX_VALUE, total());
    }

    /// In all.
    public long total() {
        return (long) x * y * z;
    }

    @Override
    public String toString() {
        return "(" + x + ", " + y + ", " + z + ")";
    }
}
