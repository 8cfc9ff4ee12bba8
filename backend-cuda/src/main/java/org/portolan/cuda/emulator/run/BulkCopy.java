package org.portolan.cuda.emulator.run;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/// {@code cp.async.bulk}: copies of the copy engine between global and shared memory, of so many bytes or of a box of a
/// tensor. What they bring to shared memory is there when a phase of an mbarrier has ended; what they take from it may be
/// overwritten when the thread has waited for its groups.
public final class BulkCopy extends Instruction {
    private static final int PIECE = 16;
    private static final int TILE_ALIGNMENT = 128;
    private static final String COPIES = "copies";

    private final boolean toShared;
    private final Address shared;
    private final Address global;
    private final int size;
    private final int[] origin;
    private final Space mapSpace;
    private final Address barrier;

    private BulkCopy(
            boolean toShared, Address shared, Address global, int size, int[] origin, Space mapSpace, Address barrier) {
        this.toShared = toShared;
        this.shared = shared;
        this.global = global;
        this.size = size;
        this.origin = origin;
        this.mapSpace = mapSpace;
        this.barrier = barrier;
    }

    /// Bytes from global to shared memory.
    ///
    /// @param size slot of how many
    /// @param barrier the mbarrier that counts them
    public static Instruction load(Address to, Address from, int size, Address barrier) {
        return new BulkCopy(true, to, from, size, null, Space.GLOBAL, barrier);
    }

    /// Bytes from shared to global memory.
    public static Instruction store(Address to, Address from, int size) {
        return new BulkCopy(false, from, to, size, null, Space.GLOBAL, null);
    }

    /// A box of a tensor to shared memory.
    ///
    /// @param map address of the tensor map
    /// @param mapSpace the memory that the map lies in
    /// @param origin slots of the coordinates, the innermost first
    public static Instruction loadTile(Address to, Address map, Space mapSpace, int[] origin, Address barrier) {
        return new BulkCopy(true, to, map, -1, origin.clone(), mapSpace, barrier);
    }

    /// A box of a tensor from shared memory.
    public static Instruction storeTile(Address map, Space mapSpace, int[] origin, Address from) {
        return new BulkCopy(false, from, map, -1, origin.clone(), mapSpace, null);
    }

    @Override
    void run(Warp warp, int mask) {
        var places = resolve(warp, mask, shared);
        var addresses = resolve(warp, mask, global);
        var barriers = barrier == null ? null : resolve(warp, mask, barrier);
        for (int left = mask; left != 0; left &= left - 1) {
            int lane = Integer.numberOfTrailingZeros(left);
            var copy = new One(warp, lane, barriers == null ? -1 : mbarrier(warp, barriers[lane], lane));
            if (origin == null) {
                copy.bytes(places[lane], addresses[lane], warp.words[size + lane]);
            } else {
                copy.tile(places[lane], TensorMap.decode(map(warp, addresses[lane], lane), lane));
            }
        }
    }

    private static long[] resolve(Warp warp, int mask, Address address) {
        var all = new long[Warp.LANES];
        address.resolve(warp, mask, all);
        return all;
    }

    private static int mbarrier(Warp warp, long address, int lane) {
        return MbarrierInstruction.place(warp, Space.SHARED, address, lane);
    }

    private byte[] map(Warp warp, long address, int lane) {
        var where = mapSpace == Space.GENERIC ? Space.of(address) : mapSpace;
        long at = mapSpace == Space.GENERIC ? address - where.window() : address;
        var bytes = new byte[TensorMap.BYTES];
        if (where == Space.PARAM) {
            var parameters = warp.block.launch.parameters();
            if (at < 0 || at > parameters.length - TensorMap.BYTES) {
                throw new Fault(lane, "a tensor map at byte " + at + " of the parameters, which are too few");
            }
            System.arraycopy(parameters, (int) at, bytes, 0, bytes.length);
            return bytes;
        }
        if (where != Space.GLOBAL) {
            throw new Fault(lane, "a tensor map that lies neither in global or constant memory nor in the parameters");
        }
        var found = warp.block.launch.memory().find(at, TensorMap.BYTES, lane, "reads a tensor map of");
        found.copyOut(at - found.address(), MemorySegment.ofArray(bytes), bytes.length);
        return bytes;
    }

    /// One lane's copy.
    private final class One {
        private final Warp warp;
        private final int lane;
        private final SharedMemory memory;
        private final Mbarriers.Mbarrier counter;
        private final byte[] piece = new byte[PIECE];

        One(Warp warp, int lane, int barrierAt) {
            this.warp = warp;
            this.lane = lane;
            memory = warp.block.shared;
            counter = barrierAt < 0 ? null : warp.block.mbarriers.find(barrierAt, warp, lane, true);
            if (!toShared) {
                warp.stores.begin(lane);
            }
        }

        void bytes(long place, long address, int count) {
            if ((count & PIECE - 1) != 0 || count < 0 || ((place | address) & PIECE - 1) != 0) {
                throw new Fault(lane, COPIES + " " + count + " bytes between 0x" + Long.toHexString(address)
                        + " and shared memory at " + place + ": all three must be multiples of 16");
            }
            int at = memory.locate(place, count, lane, COPIES);
            for (int done = 0; done < count; done += PIECE) {
                move(at + done, address + done, 0, PIECE);
            }
            end(address, count);
        }

        void tile(long place, TensorMap map) {
            if (map.rank() != origin.length) {
                throw new Fault(lane, "a tensor map of " + map.rank() + " dimensions for a copy of " + origin.length);
            }
            if ((place & TILE_ALIGNMENT - 1) != 0) {
                throw new Fault(lane, COPIES + " a box to or from shared memory at " + place + ", which is no multiple of "
                        + TILE_ALIGNMENT);
            }
            var from = new int[origin.length];
            for (int dimension = 0; dimension < from.length; dimension++) {
                from[dimension] = warp.words[origin[dimension] + lane];
            }
            int at = memory.locate(place, map.boxBytes(), lane, COPIES);
            int row = map.rowBytes();
            for (int index = 0; index < map.rows(); index++) {
                long address = map.rowAddress(index, from);
                for (int done = 0; done < row; done += PIECE) {
                    int to = at + index * row + done;
                    tilePiece(map, MatrixDescriptor.swizzled(to, map.width()), address, from[0], done);
                }
            }
            end(map.address(), map.boxBytes());
        }

        /// Some of the 16 bytes may lie outside of the tensor: those become 0, or are not written.
        ///
        /// @param row address of the row's element 0; negative: the whole row lies outside
        /// @param first element of the box's rows
        private void tilePiece(TensorMap map, int place, long row, int first, int done) {
            long size = map.sizes().getFirst() * map.elementBytes();
            long begin = (long) first * map.elementBytes() + done;
            long from = Math.clamp(begin, 0, size);
            long to = row < 0 ? from : Math.clamp(begin + PIECE, 0, size);
            move(place, row + from, (int) (from - begin), (int) (to - from));
        }

        /// Sixteen bytes, of which some lie in the tensor.
        ///
        /// @param at the first of them that does
        private void move(int place, long address, int at, int count) {
            if (toShared) {
                Arrays.fill(piece, (byte) 0);
                if (count > 0) {
                    read(address, at, count);
                }
                arrive(place);
            } else {
                leave(place);
                if (count > 0) {
                    write(address, at, count);
                }
            }
        }

        private void read(long address, int at, int count) {
            var found = warp.block.launch.memory().find(address, count, lane, COPIES);
            long offset = address - found.address();
            if (warp.block.races != null) {
                warp.block.races.noteRead(found, offset, count, warp, lane, false);
            }
            for (int index = 0; index < count; index++) {
                if (!found.written(offset + index, 1) && !warp.block.launch.failed().getAsBoolean()) {
                    throw new Fault(lane, "copies byte " + (offset + index) + " of " + found.describe()
                            + ", which nobody wrote");
                }
                piece[at + index] = found.data().get(ValueLayout.JAVA_BYTE, offset + index);
            }
        }

        private void write(long address, int at, int count) {
            var found = warp.block.launch.memory().find(address, count, lane, COPIES);
            if (found.readOnly()) {
                throw new Fault(lane, "writes to " + found.describe() + ", which is constant");
            }
            long offset = address - found.address();
            if (warp.block.races != null) {
                warp.block.races.noteWrite(found, offset, count, warp, lane, false);
            }
            found.noteAll(offset, count);
            for (int index = 0; index < count; index++) {
                found.data().set(ValueLayout.JAVA_BYTE, offset + index, piece[at + index]);
            }
        }

        private void arrive(int place) {
            var clocks = warp.block.clocks;
            if (clocks != null) {
                var barriers = warp.block.mbarriers;
                clocks.noteAsyncWrite(place, PIECE, warp, lane, barriers.agent(counter), barriers.clock(counter));
            }
            System.arraycopy(piece, 0, memory.data, place, PIECE);
        }

        private void leave(int place) {
            if (warp.block.clocks != null) {
                warp.block.clocks.beginRead(place, PIECE, warp, lane);
            }
            warp.stores.reads(place);
            System.arraycopy(memory.data, place, piece, 0, PIECE);
        }

        private void end(long address, int count) {
            if (warp.block.memoryCounters != null) {
                warp.block.memoryCounters.bulk(warp.counter, address, count);
            }
            if (counter != null) {
                warp.block.mbarriers.expect(counter, -count, warp, lane);
            }
        }
    }

    /// {@code cp.async.bulk.commit_group}.
    public static Instruction commit() {
        return new Instruction() {
            @Override
            void run(Warp warp, int mask) {
                warp.stores.commit(mask);
            }
        };
    }

    /// {@code cp.async.bulk.wait_group}, also with {@code .read}.
    ///
    /// @param groups that may still be under way
    public static Instruction await(int groups) {
        return new Instruction() {
            @Override
            void run(Warp warp, int mask) {
                warp.stores.await(warp, mask, groups);
            }
        };
    }
}
