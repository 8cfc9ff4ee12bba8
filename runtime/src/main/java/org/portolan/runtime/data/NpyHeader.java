package org.portolan.runtime.data;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.portolan.runtime.PortolanException.BadDataFile;

/// The header of an npy file (NumPy enhancement proposal 1): a Python dictionary with three known keys.
///
/// @param descriptor of the elements, for example {@code <f4}
/// @param fortranOrder whether the first axis is the innermost
record NpyHeader(String descriptor, boolean fortranOrder, long[] shape) {
    static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y'};
    private static final int ALIGNMENT = 64;
    /// Axes that a file may have; NumPy itself has this limit.
    private static final int AXES_LIMIT = 64;
    private static final Pattern DICTIONARY = Pattern.compile("\\s*\\{\\s*(.*?)\\s*,?\\s*}\\s*", Pattern.DOTALL);
    private static final Pattern ITEM = Pattern.compile(
            "\\G\\s*(?:'descr'\\s*:\\s*'(?<descr>[^']*)'|'fortran_order'\\s*:\\s*(?<order>True|False)"
                    + "|'shape'\\s*:\\s*\\((?<shape>[0-9, ]*)\\))\\s*(?:,|$)");

    /// Reads the dictionary's text.
    static NpyHeader parse(String text) {
        var dictionary = DICTIONARY.matcher(text);
        if (!dictionary.matches()) {
            throw wrong(text);
        }
        String descriptor = null;
        String order = null;
        String shape = null;
        var items = dictionary.group(1);
        Matcher item = ITEM.matcher(items);
        int end = 0;
        while (end < items.length() && item.find()) {
            descriptor = item.group("descr") == null ? descriptor : item.group("descr");
            order = item.group("order") == null ? order : item.group("order");
            shape = item.group("shape") == null ? shape : item.group("shape");
            end = item.end();
        }
        if (end != items.length() || descriptor == null || order == null || shape == null) {
            throw wrong(text);
        }
        return new NpyHeader(descriptor, order.equals("True"), shape(shape, text));
    }

    private static long[] shape(String shape, String text) {
        var extents = new ArrayList<Long>();
        for (var extent : shape.split(",")) {
            if (!extent.isBlank()) {
                try {
                    extents.add(Long.parseLong(extent.trim()));
                } catch (NumberFormatException e) {
                    throw wrong(text);
                }
            }
        }
        if (extents.size() > AXES_LIMIT) {
            throw new BadDataFile("npy: " + extents.size() + " axes; at most " + AXES_LIMIT + " are read");
        }
        return extents.stream().mapToLong(Long::longValue).toArray();
    }

    private static BadDataFile wrong(String text) {
        var shown = text.strip();
        return new BadDataFile("npy: the header must be a dictionary with a simple 'descr', 'fortran_order' and"
                + " 'shape', and is " + (shown.length() > 100 ? shown.substring(0, 100) + "..." : shown)
                + "; structured and object arrays are not read");
    }

    /// The bytes before the data, padded so that these begin at a multiple of 64.
    byte[] bytes() {
        var text = new StringBuilder("{'descr': '").append(descriptor).append("', 'fortran_order': ");
        text.append(fortranOrder ? "True" : "False").append(", 'shape': (");
        for (int axis = 0; axis < shape.length; axis++) {
            text.append(axis > 0 ? ", " : "").append(shape[axis]);
        }
        text.append(shape.length == 1 ? ",), }" : "), }");
        int before = MAGIC.length + 4;
        int length = Math.ceilDiv(before + text.length() + 1, ALIGNMENT) * ALIGNMENT - before;
        text.repeat(' ', length - text.length() - 1).append('\n');
        var bytes = new byte[before + length];
        System.arraycopy(MAGIC, 0, bytes, 0, MAGIC.length);
        bytes[6] = 1;
        bytes[8] = (byte) length;
        bytes[9] = (byte) (length >> 8);
        System.arraycopy(text.toString().getBytes(StandardCharsets.US_ASCII), 0, bytes, before, length);
        return bytes;
    }
}
