package org.portolan.runtime.program;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/// The bytes of a ZIP archive (PKWARE's APPNOTE 6.3) around its stored entries. They follow from the entries alone: a
/// reader builds them anew and compares, so that no byte of a file is unchecked.
///
/// @param zip64From sizes and offsets from here on take their 64-bit fields; smaller in tests only
record ZipLayout(long zip64From) {
    static final ZipLayout STANDARD = new ZipLayout(0xFFFF_FFFFL);

    static final int END_SIZE = 22;
    static final int END_SIGNATURE = 0x06054b50;
    static final int CENTRAL_SIGNATURE = 0x02014b50;
    private static final int LOCAL_SIGNATURE = 0x04034b50;
    private static final int END_64_SIGNATURE = 0x06064b50;
    private static final int LOCATOR_64_SIGNATURE = 0x07064b50;
    private static final int LOCAL_SIZE = 30;
    private static final int CENTRAL_SIZE = 46;
    private static final int END_64_SIZE = 56;
    private static final int LOCATOR_64_SIZE = 20;
    private static final int ZIP64_FIELD = 0x0001;
    /// The extra field that other tools use for alignment.
    private static final int PADDING_FIELD = 0xD935;
    private static final int FIELD_HEADER = 4;
    private static final short VERSION_PLAIN = 20;
    private static final short VERSION_64 = 45;
    private static final short UTF_8_NAMES = 0x0800;
    /// The first of January 1980, the earliest that the format has.
    private static final short DATE = 0x0021;

    /// @param alignment of the data's offset in the file
    record Item(String name, long size, int crc, int alignment) {}

    /// Where an item's header begins and its data begin.
    record Place(Item item, long headerOffset, long dataOffset) {
        long end() {
            return dataOffset + item.size();
        }
    }

    /// The places of items one after the other from the start of the file.
    List<Place> places(List<Item> items) {
        var places = new ArrayList<Place>();
        long offset = 0;
        for (var item : items) {
            var place = new Place(item, offset, dataOffset(item, offset));
            places.add(place);
            offset = Math.addExact(place.dataOffset(), item.size());
        }
        return places;
    }

    private static byte[] nameBytes(Item item) {
        return item.name().getBytes(StandardCharsets.UTF_8);
    }

    private boolean isLarge(long value) {
        return value >= zip64From;
    }

    private int sizeField(Item item) {
        return isLarge(item.size()) ? FIELD_HEADER + 16 : 0;
    }

    private long dataOffset(Item item, long headerOffset) {
        long least = headerOffset + LOCAL_SIZE + nameBytes(item).length + sizeField(item) + FIELD_HEADER;
        return Math.ceilDiv(least, item.alignment()) * item.alignment();
    }

    /// The header before the data of an item.
    byte[] localHeader(Place place) {
        var item = place.item();
        var name = nameBytes(item);
        var header = buffer((int) (place.dataOffset() - place.headerOffset()));
        header.putInt(LOCAL_SIGNATURE);
        common(header, item, name);
        int extra = header.capacity() - LOCAL_SIZE - name.length;
        header.putShort((short) extra);
        header.put(name);
        if (isLarge(item.size())) {
            header.putShort((short) ZIP64_FIELD).putShort((short) 16).putLong(item.size()).putLong(item.size());
        }
        header.putShort((short) PADDING_FIELD).putShort((short) (header.remaining() - 2));
        return header.array();
    }

    /// Version to length of name: what local and central header have in common.
    private void common(ByteBuffer header, Item item, byte[] name) {
        boolean large = isLarge(item.size());
        int shown = large ? -1 : (int) item.size();
        header.putShort(large ? VERSION_64 : VERSION_PLAIN).putShort(UTF_8_NAMES).putShort((short) 0);
        header.putShort((short) 0).putShort(DATE).putInt(item.crc()).putInt(shown).putInt(shown);
        header.putShort((short) name.length);
    }

    /// Everything behind the last item: the central directory and the archive's end, with a comment.
    byte[] tail(List<Place> places, String comment) {
        long start = places.isEmpty() ? 0 : places.getLast().end();
        var central = new ArrayList<byte[]>();
        places.forEach(place -> central.add(centralHeader(place)));
        long size = central.stream().mapToLong(header -> header.length).sum();
        boolean large = isLarge(start) || isLarge(size) || places.size() >= 0xFFFF;
        var text = comment.getBytes(StandardCharsets.US_ASCII);
        var tail = buffer(Math.toIntExact(size + (large ? END_64_SIZE + LOCATOR_64_SIZE : 0) + END_SIZE + text.length));
        central.forEach(tail::put);
        if (large) {
            tail.putInt(END_64_SIGNATURE).putLong(END_64_SIZE - 12).putShort(VERSION_64).putShort(VERSION_64);
            tail.putInt(0).putInt(0).putLong(places.size()).putLong(places.size()).putLong(size).putLong(start);
            tail.putInt(LOCATOR_64_SIGNATURE).putInt(0).putLong(start + size).putInt(1);
        }
        short count = (short) Math.min(places.size(), 0xFFFF);
        tail.putInt(END_SIGNATURE).putInt(0).putShort(count).putShort(count);
        tail.putInt(large ? -1 : (int) size).putInt(large ? -1 : (int) start);
        tail.putShort((short) text.length).put(text);
        return tail.array();
    }

    private byte[] centralHeader(Place place) {
        var item = place.item();
        var name = nameBytes(item);
        boolean largeSize = isLarge(item.size());
        boolean largeOffset = isLarge(place.headerOffset());
        int field = (largeSize ? 16 : 0) + (largeOffset ? 8 : 0);
        int extra = field == 0 ? 0 : FIELD_HEADER + field;
        var header = buffer(CENTRAL_SIZE + name.length + extra);
        header.putInt(CENTRAL_SIGNATURE).putShort(VERSION_64);
        common(header, item, name);
        header.putShort((short) extra).putShort((short) 0).putShort((short) 0).putShort((short) 0).putInt(0);
        header.putInt(largeOffset ? -1 : (int) place.headerOffset()).put(name);
        if (field > 0) {
            header.putShort((short) ZIP64_FIELD).putShort((short) field);
        }
        if (largeSize) {
            header.putLong(item.size()).putLong(item.size());
        }
        if (largeOffset) {
            header.putLong(place.headerOffset());
        }
        return header.array();
    }

    private static ByteBuffer buffer(int size) {
        return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
    }
}
