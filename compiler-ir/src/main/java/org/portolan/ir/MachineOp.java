package org.portolan.ir;

import java.util.List;

/// Chips described as data.
public sealed interface MachineOp extends Op {

    /// A chip. {@code codegen} names the code generator that speaks to it; {@code triple}, {@code processor} and
    /// {@code features} are passed to it untouched. Everything else is asked by the scheduler: sizes in bytes, counts in
    /// lanes or registers; {@code fma_per_cycle} is 0 where a multiplication and an addition always round twice.
    /// {@code narrow_products} allows instructions that round what they multiply: no machine file says so, only who compiles.
    /// {@code source_lines} asks the code generator to say which line of a kernel's text each instruction is from.
    record Chip(
            String name,
            String codegen,
            String triple,
            String processor,
            List<String> features,
            Vectors vectors,
            long vectorBytes,
            long vectorRegisters,
            long fmaPerCycle,
            long level1Bytes,
            long level2Bytes,
            long sharedBytes,
            long blockLimit,
            long warp,
            long alignment,
            List<String> types,
            boolean narrowProducts,
            boolean sourceLines,
            Body intrinsics)
            implements MachineOp {
        public Chip {
            features = List.copyOf(features);
            types = List.copyOf(types);
        }
    }

    /// Where vectors live.
    enum Vectors {
        /// In registers of fixed width: lanes are explicit.
        REGISTER,
        /// In memory: an operation takes buffers and a count.
        MEMORY,
        /// One lane is one thread: lane loops stay loops.
        THREAD
    }

    /// An instruction that the machine has beyond arithmetic: the body, a {@code nest.compute} over the parameters, says
    /// what it does, {@code spelling} what the code generator writes. An extent of a parameter that is nothing but a symbol
    /// is whatever is given; a nest that updates a parameter in place updates the buffer that is given for it.
    ///
    /// {@code spreads} says how fragments lie over the lanes of a warp: those of the parameters and then those of the
    /// results, or, where the parameters are buffers, those of the results alone; none where there are no fragments.
    ///
    /// {@code narrows} says that it rounds what it multiplies to fewer bits than the body says: it stands for the body only where
    /// that is allowed.
    record Intrinsic(
            String name, String spelling, List<String> features, List<IndexMap> spreads, boolean narrows, Body body)
            implements MachineOp {
        public Intrinsic {
            features = List.copyOf(features);
            spreads = List.copyOf(spreads);
        }

        public Intrinsic(String name, String spelling, List<String> features, Body body) {
            this(name, spelling, features, List.of(), false, body);
        }
    }

    /// The element types for which a machine whose vectors live in memory has an operation of arith: {@code add},
    /// {@code compare.less}; for {@code cast} and {@code bitcast} pairs such as {@code "f32 i32"}. All else is computed
    /// element by element.
    record Vector(String operation, List<String> types) implements MachineOp {
        public Vector {
            types = List.copyOf(types);
        }
    }

    /// The processors of a chip whose lanes are threads, by which schedules are weighed. Each of the {@code count} runs as many
    /// blocks at a time as {@code threads}, {@code registers} (of 32 bits) and {@code shared_bytes} suffice for. Per cycle it
    /// multiplies {@code fragment_fma} pairs of 16 bits, twice as many of 8 and half as many of 32, in instructions on
    /// fragments, and takes {@code near_bytes} from the memory that all processors have in common and that is nearest; the chip
    /// as a whole takes {@code memory_bytes} from its main memory. A kernel that waits for another begins
    /// {@code launch_cycles} after it.
    record Processors(
            long count,
            long threads,
            long registers,
            long sharedBytes,
            long fragmentFma,
            long nearBytes,
            long memoryBytes,
            long launchCycles)
            implements MachineOp {
        public Processors {
            if (Math.min(Math.min(count, threads), Math.min(registers, sharedBytes)) < 1
                    || Math.min(Math.min(fragmentFma, nearBytes), Math.min(memoryBytes, launchCycles)) < 0) {
                throw new IrException("processors: expected counts of at least one, and rates that are not negative");
            }
        }
    }

    /// Ends the body of an {@link Intrinsic}.
    record Yield(List<Value> values) implements MachineOp, Terminator {
        public Yield {
            values = List.copyOf(values);
        }
    }
}
