package org.portolan.ascend.emulator;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Each rule of the emulator has a kernel that breaks it, and the emulator must say so precisely.
class MutantsTest {
    private static final int FLOATS = 4096;
    private static final int VECTOR_FAULT = 507035;
    private static final int CUBE_FAULT = 507015;
    private static Acl acl;

    @BeforeAll
    static void open() {
        acl = Emulated.acl();
    }

    @Test
    void everyBrokenRuleIsFound() throws Exception {
        run("mutants.cpp", "fine", rules(), VECTOR_FAULT, 2, 2201);
    }

    /// What each kernel of mutants.cpp breaks.
    private static Map<String, String> rules() {
        var expected = new LinkedHashMap<String, String>();
        expected.put("raw_without_barrier", "source (byte 256 of the unified buffer) was written by pipe V (Muls in line 52), and nothing makes pipe V wait: PipeBarrier<PIPE_V>");
        expected.put("war_without_barrier", "may still be read by pipe V (Muls");
        expected.put("waw_without_barrier", "the destination (byte 256 of the unified buffer) was written by pipe V (Duplicate");
        expected.put("input_without_queue", "was written by pipe MTE2 (DataCopy in line 73), and nothing makes pipe V wait: SetFlag and WaitFlag or a queue: MTE2_V");
        expected.put("output_without_queue", "was written by pipe V (Duplicate in line 81), and nothing makes pipe MTE3 wait: SetFlag and WaitFlag or a queue: V_MTE3");
        expected.put("get_value_without_flag", "GetValue: the element (byte 256 of the unified buffer) was written by pipe V (Muls");
        expected.put("set_value_without_flag", "was written by pipe S (SetValue");
        expected.put("global_written_then_read", "was written by pipe MTE3 (DataCopy in line 105), and nothing makes pipe MTE2 wait: SetFlag and WaitFlag MTE3_MTE2");
        expected.put("global_copied_out_twice", "was written by pipe MTE3 (DataCopy");
        expected.put("tensor_never_freed", "a tensor of VECIN last used by its queue in line 127 was never freed");
        expected.put("tensor_never_dequeued", "was never dequeued");
        expected.put("all_buffers_held", "all 2 buffers of the queue at VECIN are held");
        expected.put("queue_empty", "the queue is empty");
        expected.put("queue_too_deep", "2 tensors wait in a queue of depth 1");
        expected.put("freed_twice", "the tensor was freed already, in line");
        expected.put("used_after_free", "the destination is used after FreeTensor");
        expected.put("used_after_other_allocation", "the destination is used after FreeTensor");
        expected.put("used_while_queued", "is used between EnQue and DeQue");
        expected.put("freed_to_another_queue", "the tensor is not of this queue");
        expected.put("nine_buffers", "9 queue buffers at position VECIN, at most 8 are there");
        expected.put("buffers_twice", "the queue has buffers already");
        expected.put("no_buffers", "the queue has no buffers");
        expected.put("two_pipes", "another TPipe is open");
        expected.put("unified_buffer_exhausted", "the unified buffer is exhausted: 188160 bytes are taken, 32 more are asked for, 188160 are there");
        expected.put("l1_exhausted", "L1 is exhausted");
        expected.put("l0a_exhausted", "L0A is exhausted");
        expected.put("l0c_exhausted", "L0C is exhausted");
        expected.put("misaligned", "the source starts at byte 4 of the unified buffer, which is no multiple of 32");
        expected.put("never_written", "the source (byte 512 of the unified buffer) was never written");
        expected.put("padding_used", "the source (byte 20 of the unified buffer) was never written");
        expected.put("past_the_tensor", "the source reaches bytes 0 to 260 of a tensor of 256 bytes");
        expected.put("partial_overlap", "the destination and the source overlap in part");
        expected.put("past_the_global_tensor", "the source reaches bytes 0 to 256 of a global tensor of 144 bytes");
        expected.put("past_the_allocation", "the source reaches bytes 16256 to 16512 of allocation");
        expected.put("no_allocation", "which is in no allocation");
        expected.put("global_never_written", "the source (byte 0 of the unified buffer) was never written");
        expected.put("written_past_the_allocation_by_pointer", "it wrote next to allocation");
        expected.put("blocks_write_the_same", "block 0 writes the same 32 bytes of global memory");
        expected.put("block_reads_what_another_writes", "is written by block 0 of the same launch");
        expected.put("block_writes_what_another_reads", "is read by block 0 of the same launch");
        expected.put("depends_on_the_order", "its result depends on the order of its 2 blocks");
        expected.put("cache_not_cleaned", "call DataCacheCleanAndInvalid");
        expected.put("cache_line_shared", "block 0 writes the same 32 bytes of global memory");
        expected.put("atomic_left_on", "call SetAtomicNone");
        expected.put("copy_of_no_whole_blocks", "252 bytes are no multiple of 32");
        expected.put("too_many_rows", "blockCount 4096, but at most 4095 are possible");
        expected.put("row_too_long", "blockLen 2097152, but at most 2097151 bytes are possible");
        expected.put("row_of_half_elements", "blockLen 6 is no multiple of the element's 4 bytes");
        expected.put("too_much_padding", "padding of 36 and 0 bytes, but at most 32 are possible");
        expected.put("mask_too_wide", "the mask has more lanes than a repeat of 256 bytes");
        expected.put("too_many_repeats", "repeatTime 256, but 0 to 255 are possible");
        expected.put("block_stride_zero", "dstBlkStride 0 is not defined");
        expected.put("repeats_past_the_tensor", "the destination reaches bytes 0 to 512 of a tensor of 256 bytes");
        expected.put("comparison_of_no_whole_repeats", "32 elements of 4 bytes are no multiple of 256 bytes");
        expected.put("integers_compared_by_size", "int32_t can only be compared with EQ");
        expected.put("select_in_the_wrong_mode", "this mode takes no scalar");
        expected.put("rounding_mode", "this conversion does not take CAST_NONE");
        expected.put("work_tensor_too_small", "the work tensor reaches bytes 0 to 512 of a tensor of 32 bytes");
        expected.put("gathered_past_the_tensor", "a gathered element reaches bytes 256 to 260");
        expected.put("gathered_between_elements", "offset 0 is 2, no multiple of the element's 4 bytes");
        expected.put("flag_not_set", "event 0 of V_MTE3 is not set, so the hardware would wait for ever");
        expected.put("flag_set_twice", "event 0 of V_MTE3 is set already");
        expected.put("flag_never_waited_for", "flag V_MTE3 0 set in line");
        expected.put("flag_number", "event 8, but there are 0 to 7");
        expected.put("flag_of_a_queue", "event 0 of MTE2_V is in use by a queue");
        expected.put("tensor_without_memory", "the source has no memory: InitBuffer or AllocTensor comes first");
        expected.put("part_past_the_buffer", "the destination lies outside the local memories");
        expected.put("position_without_memory", "position C2 has no memory here");
        expected.put("no_pipe", "no TPipe is open");
        expected.put("buffer_of_nothing", "a buffer of 0 bytes");
        expected.put("queue_of_nothing", "a queue with 0 buffers");
        expected.put("events_exhausted", "all 8 events V_MTE3 are in use");
        expected.put("event_not_allocated", "event 3 of V_MTE3 was not allocated");
        expected.put("part_enqueued", "the tensor is a part of the one that was allocated");
        expected.put("older_tensor_freed", "the tensor is one that was freed");
        expected.put("global_without_address", "the source has no address: SetGlobalBuffer comes first");
        expected.put("global_overwritten_while_read", "may still be read by pipe MTE2 (DataCopy");
        expected.put("global_between_elements", "no multiple of its element's 4 bytes");
        expected.put("global_to_another_memory", "there is no such path from global memory to L0C");
        expected.put("l1_to_global", "there is no such path from L1 to global memory");
        expected.put("unified_buffer_to_l1", "there is no such path from the unified buffer to L1");
        expected.put("arithmetic_in_l1", "the destination is not in the unified buffer");
        expected.put("cast_over_itself", "the destination and the source overlap");
        expected.put("negative_count", "count -1");
        expected.put("atomic_of_other_elements", "atomic mode is set for elements of 2 bytes, the copy has 4");
        expected.put("atomic_onto_nothing", "atomic addition to global memory that was never written");
        expected.put("trapped", "the kernel called Trap");
        expected.put("enqueued_twice", "the tensor is in the queue already");
        expected.put("freed_while_queued", "the tensor is still in the queue");
        expected.put("global_element_never_written", "the element at byte 32 of the global tensor was never written");
        expected.put("rows_step_past_the_allocation", "the source reaches bytes");
        expected.put("rows_past_the_buffer", "the destination reaches bytes 1024 to 1056 of a tensor of 1024 bytes");
        expected.put("rest_of_a_row_used", "was never written");
        expected.put("gathered_before_the_places_are_there", "was written by pipe V (Duplicate");
        expected.put("overwritten_while_the_scalar_unit_reads", "may still be read by pipe S (GetValue");
        return expected;
    }

    /// The same rules on the other chips, each with its own sizes; without what it has not, and, where the hardware orders dependent
    /// vector instructions, without a fault for those.
    @ParameterizedTest
    @CsvSource({
        "2002, Ascend310P3, 262144, 1048576, 262144, DataCopyPad, false",
        "3510, Ascend950PR, 253952, 524288, 262144, LoadDataWithTranspose, true"
    })
    void everyBrokenRuleIsFoundOnTheOtherChips(
            int chip, String soc, int unified, int l1, int sums, String absent, boolean ordered) throws Exception {
        var text = without(absent, Emulated.source("mutants.cpp"))
                .replace("188160", Integer.toString(unified))
                .replace("524288", Integer.toString(l1 + 1))
                .replace("131073", Integer.toString(sums + 1));
        var expected = new LinkedHashMap<String, String>();
        rules().forEach((kernel, words) -> {
            if (text.contains("KERNEL(" + kernel + ")")) expected.put(kernel, words.replace("188160", Integer.toString(unified)));
        });
        var between = List.of("raw_without_barrier", "war_without_barrier", "waw_without_barrier", "gathered_before_the_places_are_there");
        assertTrue(expected.size() >= 80 && expected.keySet().containsAll(between), expected.keySet().toString());
        if (ordered) between.forEach(kernel -> expected.put(kernel, ""));
        become(soc);
        try {
            runText(text, "fine", expected, VECTOR_FAULT, 2, chip);
        } finally {
            become("Ascend910B1");
        }
    }

    /// The kernels that do not name what a chip has not; lines stay where they are.
    private static String without(String absent, String source) {
        var kept = new StringBuilder();
        for (var part : source.split("(?m)^(?=KERNEL\\()")) {
            boolean drop = part.startsWith("KERNEL(") && part.contains(absent);
            kept.append(drop ? "\n".repeat((int) part.chars().filter(letter -> letter == '\n').count()) : part);
        }
        return kept.toString();
    }

    private static void become(String soc) {
        acl.must("portolan_emulator_soc", acl.arena.allocateFrom(soc));
    }

    /// Where a chip copies whole blocks only, elements go to memory with the rest of their block, whatever that holds; but a block
    /// of nothing else was forgotten.
    @Test
    void everyBrokenRuleOfWholeBlocksIsFound() throws Exception {
        become("Ascend310P3");
        try {
            var words = "the source (byte 0 of the unified buffer) was never written";
            var expected = Map.of("block_of_nothing", words, "block_only_fetched", words);
            run("block_mutants.cpp", "blocks_fine", expected, VECTOR_FAULT, 2, 2002);
        } finally {
            become("Ascend910B1");
        }
    }

    @Test
    void everyBrokenRuleOfTheCubeIsFound() throws Exception {
        run("cube_mutants.cpp", "cube_fine", rulesOfTheCube(), CUBE_FAULT, 1, 2201);
    }

    @Test
    void everyBrokenRuleOfTheNewerCubeIsFound() throws Exception {
        var text = without("LoadDataWithTranspose", Emulated.source("cube_mutants.cpp"));
        var expected = new LinkedHashMap<>(rulesOfTheCube());
        expected.keySet().removeIf(kernel -> !text.contains("KERNEL(" + kernel + ")"));
        assertTrue(expected.size() >= 25, expected.keySet().toString());
        become("Ascend950PR");
        try {
            runText(text, "cube_fine", expected, CUBE_FAULT, 1, 3510);
        } finally {
            become("Ascend910B1");
        }
    }

    private static Map<String, String> rulesOfTheCube() {
        var expected = new LinkedHashMap<String, String>();
        expected.put("load_before_copy", "was written by pipe MTE2 (DataCopy(Nd2Nz) in line 25), and nothing makes pipe MTE1 wait");
        expected.put("product_before_load", "the left operand (byte 0 of L0A) was written by pipe MTE1 (LoadData in line 31)");
        expected.put("fixpipe_before_product", "the source (byte 0 of L0C) was written by pipe M (Mmad");
        expected.put("one_row", "m = 1 turns another mode on");
        expected.put("too_many_terms", "m, n, k = 16, 16, 4096, but at most 4095 are possible");
        expected.put("garbage_terms", "the left operand (byte 512 of L0A) was never written");
        expected.put("odd_columns", "nSize 8 is no multiple of 16");
        expected.put("misaligned_fractal", "the destination starts at byte 32 of L0A, which is no multiple of 512");
        expected.put("sum_never_started", "the destination's sum so far (byte 0 of L0C) was never written");
        expected.put("fractals_outside_l1", "the destination is not in L1");
        expected.put("too_many_rows_of_fractals", "nValue 16385, but at most 16384 are possible");
        expected.put("fractals_without_a_stride", "dstNzC0Stride 0, but 1 to 16384 are possible");
        expected.put("filled_where_it_cannot_be", "the destination is in L0C, not in L1, L0A or L0B");
        expected.put("loaded_to_l1", "the destination is in L1, not in L0A or L0B");
        expected.put("loaded_from_l0", "the source is not in L1");
        expected.put("loaded_not_once", "repeatTimes 0");
        expected.put("floats_transposed", "ifTranspose is for elements of 16 bits only");
        expected.put("turned_to_l1", "the destination is in L1, not in L0A or L0B");
        expected.put("turned_from_l0", "the source is not in L1");
        expected.put("turned_not_once", "repeatTimes 0");
        expected.put("turned_past_the_end", "LoadDataWithTranspose: the source reaches bytes");
        expected.put("turned_onto_each_other", "two fractals of the destination are one: number 1, of square 1");
        expected.put("turned_before_it_is_there", "and nothing makes pipe MTE1 wait");
        expected.put("left_operand_elsewhere", "the left operand is not in L0A");
        expected.put("right_operand_elsewhere", "the right operand is not in L0B");
        expected.put("sum_elsewhere", "the destination is not in L0C");
        expected.put("result_from_elsewhere", "the source is not in L0C");
        expected.put("result_in_fractals", "only CFG_ROW_MAJOR is in this subset");
        expected.put("too_many_rows_of_a_result", "mSize 8193, but 1 to 8192 are possible");
        expected.put("result_of_another_type", "quantPre does not lead from the accumulator's type to the destination's");
        expected.put("factors_missing", "a factor for each column is asked for");
        expected.put("result_past_the_allocation", "the destination reaches bytes");
        expected.put("result_in_atomic_mode", "atomic mode with Fixpipe is not in this subset");
        return expected;
    }

    private static void run(String source, String correct, Map<String, String> expected, int fault, int blocks, int chip)
            throws Exception {
        runText(Emulated.source(source), correct, expected, fault, blocks, chip);
    }

    /// @param expected what is said of each kernel; nothing of one that breaks no rule
    private static void runText(String text, String correct, Map<String, String> expected, int fault, int blocks, int chip) {
        long binary = acl.binary(AscendEmulator.compile(text, chip));
        long stream = acl.stream();
        var wrong = new ArrayList<String>();
        assertEquals("0 ", launch(binary, correct, stream, blocks));
        expected.forEach((kernel, words) -> {
            var got = launch(binary, kernel, stream, blocks);
            if (words.isEmpty()) {
                if (!got.equals("0 ")) wrong.add(kernel + " gave: " + got);
                return;
            }
            // The red zone and the order of blocks are looked at from outside the kernel's units.
            var code = kernel.equals("written_past_the_allocation_by_pointer") ? CUBE_FAULT : fault;
            if (!got.startsWith(code + " ") || !got.contains("kernel " + kernel) || !got.contains(words)) {
                wrong.add(kernel + " gave: " + got + "\n    wanted: " + words);
            }
        });
        // A kernel that nobody expects something of is a forgotten one.
        text.lines().filter(line -> line.startsWith("KERNEL(")).map(line -> line.substring(7, line.indexOf(')'))).forEach(kernel -> {
            if (!kernel.equals(correct) && !expected.containsKey(kernel)) wrong.add(kernel + " is not expected to fail");
        });
        acl.must("aclrtDestroyStream", Acl.pointer(stream));
        acl.must("aclrtBinaryUnLoad", Acl.pointer(binary));
        if (!wrong.isEmpty()) fail(wrong.size() + " of " + expected.size() + ":\n" + String.join("\n", wrong));
    }

    private static String launch(long binary, String kernel, long stream, int blocks) {
        var host = acl.arena.allocate(FLOATS * 4, 64);
        for (int i = 0; i < FLOATS; i++) host.setAtIndex(ValueLayout.JAVA_FLOAT, i, 0.25f);
        long x = acl.upload(host);
        long y = acl.allocate(FLOATS * 4);
        assertEquals(0, acl.launch(acl.function(binary, kernel), blocks, stream, new long[] {x, y}, MemorySegment.NULL));
        int code = acl.call("aclrtSynchronizeStream", Acl.pointer(stream));
        var said = code == 0 ? "" : acl.said();
        acl.free(x);
        int freed = acl.call("aclrtFree", Acl.pointer(y));
        assertTrue(freed == 0 || kernel.equals("written_past_the_allocation_by_pointer"), acl::said);
        return code + " " + said;
    }
}
