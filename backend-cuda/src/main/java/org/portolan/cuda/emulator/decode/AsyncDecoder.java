package org.portolan.cuda.emulator.decode;

import org.portolan.cuda.emulator.run.Address;
import org.portolan.cuda.emulator.run.BulkCopy;
import org.portolan.cuda.emulator.run.Control;
import org.portolan.cuda.emulator.run.Instruction;
import org.portolan.cuda.emulator.run.MbarrierInstruction;
import org.portolan.cuda.emulator.run.MbarrierInstruction.Action;
import org.portolan.cuda.emulator.run.SetRegisters;
import org.portolan.cuda.emulator.run.Space;
import org.portolan.cuda.emulator.text.PtxOperand;

/// Mbarriers, the copy engine, and what belongs to them.
final class AsyncDecoder {
    private static final String MBARRIERS = "init, inval, arrive, arrive.expect_tx, expect_tx, complete_tx, test_wait and"
            + " try_wait on .shared, of one block";
    private static final String COPIES = "shared::cluster.global with .mbarrier::complete_tx::bytes and global.shared::cta"
            + " with .bulk_group, of bytes or of .tensor boxes of 1 to 5 dimensions, .tile, without .multicast and .reduce, and"
            + " commit_group, wait_group and prefetch";

    private AsyncDecoder() {}

    static Instruction mbarrier(Operation operation) {
        var space = operation.space();
        if (space != Space.SHARED && space != Space.GENERIC || operation.has("noComplete")) {
            throw operation.unsupported(MBARRIERS);
        }
        if (operation.has("init")) {
            return new MbarrierInstruction(
                    Action.INIT, space, operation.address(0, space), operation.word(1, "b32"), -1, -1);
        }
        if (operation.has("inval")) {
            return new MbarrierInstruction(Action.INVAL, space, operation.address(0, space), -1, -1, -1);
        }
        if (operation.has("test_wait") || operation.has("try_wait")) {
            boolean parity = operation.has("parity");
            return MbarrierInstruction.test(
                    space,
                    operation.address(1, space),
                    operation.predicateTo(0),
                    parity ? operation.word(2, "b32") : operation.wide(2, "b64"),
                    parity);
        }
        if (operation.has("arrive")) {
            return arrive(operation, space);
        }
        if (operation.has("expect_tx") || operation.has("complete_tx")) {
            return new MbarrierInstruction(
                    operation.has("expect_tx") ? Action.EXPECT : Action.COMPLETE,
                    space,
                    operation.address(0, space),
                    -1,
                    operation.word(1, "b32"),
                    -1);
        }
        throw operation.unsupported(MBARRIERS);
    }

    private static Instruction arrive(Operation operation, Space space) {
        int first = operation.operand(0) instanceof PtxOperand.Address ? 0 : 1;
        int to = first == 0 || operation.operand(0) instanceof PtxOperand.Unused ? -1 : operation.wideTo(0, "b64");
        boolean expects = operation.has("expect_tx");
        int third = operation.count() > first + 1 ? operation.word(first + 1, "b32") : -1;
        if (expects && third < 0) {
            throw operation.refuse("the number of bytes is missing");
        }
        return new MbarrierInstruction(
                expects ? Action.ARRIVE_EXPECT : Action.ARRIVE,
                space,
                operation.address(first, space),
                expects ? -1 : third,
                expects ? third : -1,
                to);
    }

    /// {@code cp.async.mbarrier.arrive}.
    static Instruction arriveWithCopies(Operation operation) {
        var space = operation.space();
        if (!operation.has("noinc")) {
            // The arrival that it makes is one that it has added before: nothing changes but the order.
            throw operation.unsupported("cp.async.mbarrier.arrive.noinc");
        }
        return new MbarrierInstruction(Action.ARRIVE_COPIES, space, operation.address(0, space), -1, -1, -1);
    }

    /// {@code cp.async.bulk} and what belongs to it.
    static Instruction bulk(Operation operation) {
        if (operation.has("commit_group")) {
            return BulkCopy.commit();
        }
        if (operation.has("wait_group")) {
            return BulkCopy.await(operation.number(0));
        }
        if (operation.has("prefetch")) {
            return Control.nothing();
        }
        boolean load = operation.has("mbarrier::complete_tx::bytes");
        boolean store = operation.has("bulk_group");
        if (load == store
                || operation.has("reduce")
                || operation.step().modifiers().stream().anyMatch(modifier -> modifier.startsWith("im2col")
                        || modifier.startsWith("multicast")
                        || modifier.startsWith("tile::"))
                || operation.step().modifiers().indexOf("global") < 0) {
            throw operation.unsupported(COPIES);
        }
        if (operation.has("tensor")) {
            return load
                    ? BulkCopy.loadTile(
                            operation.address(0, Space.SHARED),
                            map(operation, 1),
                            Space.GENERIC,
                            origin(operation, 1),
                            operation.address(2, Space.SHARED))
                    : BulkCopy.storeTile(
                            map(operation, 0), Space.GENERIC, origin(operation, 0), operation.address(1, Space.SHARED));
        }
        return load
                ? BulkCopy.load(
                        operation.address(0, Space.SHARED),
                        operation.address(1, Space.GLOBAL),
                        operation.word(2, "b32"),
                        operation.address(3, Space.SHARED))
                : BulkCopy.store(
                        operation.address(0, Space.GLOBAL),
                        operation.address(1, Space.SHARED),
                        operation.word(2, "b32"));
    }

    private static Address map(Operation operation, int index) {
        return operation.firstOfAddress(index, Space.GENERIC);
    }

    private static int[] origin(Operation operation, int index) {
        var coordinates = operation.words(operation.secondOfAddress(index), "b32");
        if (!operation.has(coordinates.length + "d")) {
            throw operation.refuse("the number of coordinates does not fit");
        }
        return coordinates;
    }

    /// {@code setmaxnreg}.
    static Instruction setRegisters(Operation operation) {
        int count = operation.number(0);
        if (count < 24 || count > 256 || count % 8 != 0) {
            throw operation.unsupported("multiples of 8 from 24 to 256");
        }
        return new SetRegisters(count, operation.has("inc"));
    }

    /// Orders between the ordinary way to memory and that of the tensor cores and the copy engine. Those for tensor maps and for
    /// global memory alone order nothing in shared memory, which is all that is checked.
    static Instruction fence(Operation operation) {
        if (!operation.has("proxy")) {
            return operation.has("mbarrier_init") ? Control.mbarrierFence() : Control.nothing();
        }
        if (operation.has("async") || operation.has("async::generic")) {
            return operation.has("global") ? Control.nothing() : Control.proxyFence();
        }
        if (operation.step().modifiers().stream().noneMatch(modifier -> modifier.startsWith("tensormap"))) {
            throw operation.unsupported("fences without .proxy, .proxy.async and .proxy.tensormap");
        }
        return Control.nothing();
    }
}
