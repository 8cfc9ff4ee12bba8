package org.portolan.llvm.emit;

import java.util.List;
import java.util.Optional;
import org.portolan.runtime.type.ElementType;

/// Loads and stores: scalar, contiguous, masked, gathered; whole bytes and packed elements.
final class Memory {
    private final FunctionBuilder builder;
    private final Addressing addressing;
    private final boolean whole;

    /// @param whole whether a vector in memory is aligned to its own size, not only to that of its elements
    Memory(FunctionBuilder builder, Addressing addressing, boolean whole) {
        this.builder = builder;
        this.addressing = addressing;
        this.whole = whole;
    }

    Operand load(
            BufferPlace place, List<Operand> indices, LlvmType type, Optional<Operand> mask, Optional<Operand> other) {
        var element = place.type().element();
        if (Words.isPacked(element)) {
            return loadPacked(place, indices, type, mask, other);
        }
        if (element == ElementType.BOOL) {
            var bytes = other.map(value -> builder.convert("zext", value, type.of("i8")));
            var loaded = loadWhole(place, indices, type.of("i8"), mask, bytes);
            return builder.compare("ne", loaded, Operand.integer(loaded.type(), 0));
        }
        return loadWhole(place, indices, type, mask, other);
    }

    void store(BufferPlace place, List<Operand> indices, Operand value, Optional<Operand> mask) {
        var element = place.type().element();
        if (Words.isPacked(element)) {
            storePacked(place, indices, value, mask);
        } else if (element == ElementType.BOOL) {
            storeWhole(place, indices, builder.convert("zext", value, value.type().of("i8")), mask);
        } else {
            storeWhole(place, indices, value, mask);
        }
    }

    private Operand loadWhole(
            BufferPlace place, List<Operand> indices, LlvmType type, Optional<Operand> mask, Optional<Operand> other) {
        var address = addressing.address(place, indices);
        int bytes = type.bits() / 8;
        if (address.type().isVector()) {
            var on = mask.map(lanes -> builder.splat(lanes, type.lanes())).orElse(all(type));
            return scoped(place, builder.call(
                    "llvm.masked.gather." + type.suffix() + "." + address.type().suffix(),
                    type,
                    address,
                    Operand.integer(LlvmType.INT, bytes),
                    on,
                    other.orElse(Operand.zero(type))));
        }
        if (mask.isPresent() && type.isVector()) {
            return scoped(place, builder.call(
                    "llvm.masked.load." + type.suffix() + ".p0",
                    type,
                    address,
                    Operand.integer(LlvmType.INT, bytes),
                    builder.splat(mask.get(), type.lanes()),
                    other.orElse(Operand.zero(type))));
        }
        if (mask.isPresent()) {
            return guarded(mask.get(), () -> plainLoad(place, address, type), other.orElse(zero(type)));
        }
        return plainLoad(place, address, type);
    }

    private Operand plainLoad(BufferPlace place, Operand address, LlvmType type) {
        return builder.assign(
                "load", type, "load " + type + ", " + address + ", align " + alignment(type) + place.scope());
    }

    private void storeWhole(BufferPlace place, List<Operand> indices, Operand value, Optional<Operand> mask) {
        var address = addressing.address(place, indices);
        var type = value.type();
        int bytes = type.bits() / 8;
        if (address.type().isVector()) {
            builder.callVoid(
                    "llvm.masked.scatter." + type.suffix() + "." + address.type().suffix(),
                    value,
                    address,
                    Operand.integer(LlvmType.INT, bytes),
                    mask.map(lanes -> builder.splat(lanes, type.lanes())).orElse(all(type)));
            builder.annotate(place.scope());
        } else if (mask.isPresent() && type.isVector()) {
            builder.callVoid(
                    "llvm.masked.store." + type.suffix() + ".p0",
                    value,
                    address,
                    Operand.integer(LlvmType.INT, bytes),
                    builder.splat(mask.get(), type.lanes()));
            builder.annotate(place.scope());
        } else if (mask.isPresent()) {
            when(mask.get(), () -> plainStore(place, address, value));
        } else {
            plainStore(place, address, value);
        }
    }

    private void plainStore(BufferPlace place, Operand address, Operand value) {
        builder.line("store " + value + ", " + address + ", align " + alignment(value.type()) + place.scope());
    }

    private long alignment(LlvmType type) {
        return whole && type.isVector() ? type.lanes() * type.bits() / 8 : type.bits() / 8;
    }

    private Operand scoped(BufferPlace place, Operand loaded) {
        builder.annotate(place.scope());
        return loaded;
    }

    // ----------------------------------------------------------------------------------------- elements of half a byte

    private Operand loadPacked(
            BufferPlace place, List<Operand> indices, LlvmType type, Optional<Operand> mask, Optional<Operand> other) {
        if (!type.isVector()) {
            return mask.isEmpty()
                    ? packedElement(place, addressing.elementIndex(place, indices), type)
                    : guarded(
                            mask.get(),
                            () -> packedElement(place, addressing.elementIndex(place, indices), type),
                            other.orElse(zero(type)));
        }
        var result = other.orElse(Operand.zero(type));
        var first = addressing.elementIndex(place, indices);
        for (long lane = 0; lane < type.lanes(); lane++) {
            var index = laneIndex(first, lane);
            long number = lane;
            var before = result;
            var element = mask.isEmpty()
                    ? packedElement(place, index, type.lane())
                    : guarded(
                            laneOf(mask.get(), lane),
                            () -> packedElement(place, index, type.lane()),
                            builder.extract(before, number));
            result = builder.insert(result, element, lane);
        }
        return result;
    }

    private void storePacked(BufferPlace place, List<Operand> indices, Operand value, Optional<Operand> mask) {
        var first = addressing.elementIndex(place, indices);
        if (!value.type().isVector()) {
            if (mask.isPresent()) {
                when(mask.get(), () -> storePackedElement(place, first, value));
            } else {
                storePackedElement(place, first, value);
            }
            return;
        }
        for (long lane = 0; lane < value.type().lanes(); lane++) {
            var index = laneIndex(first, lane);
            var element = builder.extract(value, lane);
            if (mask.isPresent()) {
                when(laneOf(mask.get(), lane), () -> storePackedElement(place, index, element));
            } else {
                storePackedElement(place, index, element);
            }
        }
    }

    private Operand laneIndex(Operand first, long lane) {
        return first.type().isVector() ? builder.extract(first, lane) : builder.add(first, Operand.index(lane));
    }

    private Operand laneOf(Operand mask, long lane) {
        return mask.type().isVector() ? builder.extract(mask, lane) : mask;
    }

    private Operand packedElement(BufferPlace place, Operand index, LlvmType type) {
        var address = addressing.step(place.pointer(), "i8", byteOf(index, type.bits()));
        var word = builder.assign("byte", LlvmType.integer(8), "load i8, " + address + ", align 1" + place.scope());
        return builder.convert("trunc", builder.binary("lshr", word, shiftOf(index, type.bits())), type);
    }

    /// Neighbours in the same byte may be written by another thread at the same time, so both steps are atomic: the
    /// element's own bits are cleared, then set.
    private void storePackedElement(BufferPlace place, Operand index, Operand value) {
        int bits = value.type().bits();
        var address = addressing.step(place.pointer(), "i8", byteOf(index, bits));
        var shift = shiftOf(index, bits);
        var eight = LlvmType.integer(8);
        var own = builder.binary("shl", Operand.integer(eight, (1L << bits) - 1), shift);
        var others = builder.binary("xor", own, Operand.integer(eight, -1));
        var set = builder.binary("shl", builder.convert("zext", value, eight), shift);
        builder.line("atomicrmw and " + address + ", " + others + " monotonic");
        builder.line("atomicrmw or " + address + ", " + set + " monotonic");
    }

    private Operand byteOf(Operand index, int bits) {
        return builder.binary("lshr", index, Operand.index(bits == 4 ? 1 : 2));
    }

    private Operand shiftOf(Operand index, int bits) {
        var place = builder.binary("and", index, Operand.index(8 / bits - 1));
        var shift = builder.binary("mul", place, Operand.index(bits));
        return builder.convert("trunc", shift, LlvmType.integer(8));
    }

    // ------------------------------------------------------------------------------------------------------ conditions

    interface Reading {
        Operand emit();
    }

    private Operand guarded(Operand condition, Reading reading, Operand otherwise) {
        var before = builder.block();
        var yes = builder.fresh("on");
        var end = builder.fresh("off");
        builder.branch(condition, yes, end);
        builder.startBlock(yes);
        var read = reading.emit();
        var last = builder.block();
        builder.branch(end);
        builder.startBlock(end);
        return builder.phi("masked", read.type(), read, last, otherwise, before);
    }

    private void when(Operand condition, Runnable writing) {
        var yes = builder.fresh("on");
        var end = builder.fresh("off");
        builder.branch(condition, yes, end);
        builder.startBlock(yes);
        writing.run();
        builder.branch(end);
        builder.startBlock(end);
    }

    private static Operand all(LlvmType type) {
        return Operand.integer(type.of("i1"), 1);
    }

    private static Operand zero(LlvmType type) {
        return type.isFloat() ? Operand.floating(type, 0) : Operand.integer(type, 0);
    }
}
