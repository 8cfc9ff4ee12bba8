package org.portolan.cuda.emulator.decode;

import org.portolan.cuda.emulator.run.Control;
import org.portolan.cuda.emulator.run.Instruction;

/// Every instruction by its name.
final class InstructionDecoder {
    private InstructionDecoder() {}

    static Instruction decode(Operation operation) {
        return switch (operation.name()) {
            case "add", "sub", "mul", "mad", "div", "min", "max", "abs", "neg" ->
                floating(operation) ? FloatDecoder.decode(operation) : IntegerDecoder.decode(operation);
            case "fma", "rcp", "sqrt", "rsqrt", "sin", "cos", "lg2", "ex2", "tanh", "copysign" ->
                FloatDecoder.decode(operation);
            case "rem", "addc", "subc", "mul24", "mad24", "popc", "clz", "bfind", "brev", "bfe", "bfi", "sad", "dp4a" ->
                IntegerDecoder.decode(operation);
            case "and", "or", "xor", "not", "cnot", "shl", "shr", "shf", "lop3", "prmt" ->
                LogicDecoder.decode(operation);
            case "setp", "set", "selp", "slct", "testp" -> CompareDecoder.decode(operation);
            case "cvt" -> ConvertDecoder.decode(operation);
            case "mov" -> MoveDecoder.move(operation);
            case "cvta" -> MoveDecoder.convertAddress(operation);
            case "isspacep" -> MoveDecoder.isSpace(operation);
            case "ld", "ldu" -> MemoryDecoder.load(operation);
            case "st" -> MemoryDecoder.store(operation);
            case "atom", "red" -> MemoryDecoder.atomic(operation);
            case "cp" -> MemoryDecoder.copy(operation);
            case "prefetch", "prefetchu", "membar", "applypriority", "discard", "nanosleep", "pmevent", "griddepcontrol" ->
                MemoryDecoder.nothing();
            case "fence" -> AsyncDecoder.fence(operation);
            case "mbarrier" -> AsyncDecoder.mbarrier(operation);
            case "setmaxnreg" -> AsyncDecoder.setRegisters(operation);
            case "wgmma" -> WarpgroupDecoder.decode(operation);
            case "bar", "barrier" -> WarpDecoder.barrier(operation);
            case "shfl" -> WarpDecoder.shuffle(operation);
            case "vote" -> WarpDecoder.vote(operation);
            case "match" -> WarpDecoder.match(operation);
            case "activemask" -> WarpDecoder.activeMask(operation);
            case "redux" -> WarpDecoder.reduce(operation);
            case "elect" -> WarpDecoder.elect(operation);
            case "ldmatrix" -> WarpDecoder.loadMatrix(operation);
            case "stmatrix" -> WarpDecoder.storeMatrix(operation);
            case "mma" -> WarpDecoder.multiply(operation);
            case "ret", "exit" -> Control.exit();
            case "trap", "brkpt" -> Control.trap();
            default ->
                throw operation.refuse("the instruction is not supported; supported are arithmetic, logic, comparisons,"
                        + " cvt, mov, cvta, ld, st, atom, red, cp.async, cp.async.bulk, mbarrier, bar, barrier.sync, shfl.sync, vote.sync,"
                        + " match.any, activemask, redux, elect, ldmatrix, stmatrix, mma.sync, wgmma, setmaxnreg, bra, brx.idx, call, ret, exit and"
                        + " trap");
        };
    }

    private static boolean floating(Operation operation) {
        var type = operation.type();
        return type.startsWith("f") || type.startsWith("bf");
    }
}
