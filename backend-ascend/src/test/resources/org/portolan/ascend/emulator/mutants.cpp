// Kernels that each break one rule. `x` and `y` have 4,096 floats each; two blocks run.
#include "kernel_operator.h"
using namespace AscendC;

#define KERNEL(name) extern "C" __global__ __aicore__ void name(GM_ADDR x, GM_ADDR y)
#define USE [[maybe_unused]]

namespace {
using In = TQue<TPosition::VECIN, 1>;
using Out = TQue<TPosition::VECOUT, 1>;
using Buf = TBuf<TPosition::VECCALC>;

template <class T> GlobalTensor<T> global(GM_ADDR at, uint64_t count = 4096 * 4 / sizeof(T)) {
    GlobalTensor<T> tensor;
    tensor.SetGlobalBuffer(reinterpret_cast<__gm__ T *>(at), count);
    return tensor;
}

// Copies 64 floats of the block in, calls work(input, output), and copies 64 floats out.
template <class Work> void around(GM_ADDR x, GM_ADDR y, Work work) {
    TPipe pipe;
    In in;
    Out out;
    pipe.InitBuffer(in, 1, 256);
    pipe.InitBuffer(out, 1, 256);
    auto a = in.AllocTensor<float>();
    DataCopy(a, global<float>(x)[GetBlockIdx() * 64], 64);
    in.EnQue(a);
    a = in.DeQue<float>();
    auto b = out.AllocTensor<float>();
    work(pipe, a, b);
    in.FreeTensor(a);
    out.EnQue(b);
    b = out.DeQue<float>();
    DataCopy(global<float>(y)[GetBlockIdx() * 64], b, 64);
    out.FreeTensor(b);
}
} // namespace

KERNEL(fine) {
    around(x, y, [](TPipe &, LocalTensor<float> a, LocalTensor<float> b) {
        Muls(b, a, 2.0f, 64);
        PipeBarrier<PIPE_V>();
        Adds(b, b, 1.0f, 64);
    });
}

// Order inside a core

KERNEL(raw_without_barrier) {
    around(x, y, [](TPipe &, LocalTensor<float> a, LocalTensor<float> b) {
        Muls(b, a, 2.0f, 64);
        Adds(b, b, 1.0f, 64);
    });
}
KERNEL(war_without_barrier) {
    around(x, y, [](TPipe &, LocalTensor<float> a, LocalTensor<float> b) {
        Muls(b, a, 2.0f, 64);
        Duplicate(a, 0.0f, 64);
    });
}
KERNEL(waw_without_barrier) {
    around(x, y, [](TPipe &, LocalTensor<float> a, LocalTensor<float> b) {
        Duplicate(b, 0.0f, 64);
        Muls(b, a, 2.0f, 32);
    });
}
KERNEL(input_without_queue) {
    TPipe pipe;
    Buf buffer;
    pipe.InitBuffer(buffer, 256);
    auto a = buffer.Get<float>();
    DataCopy(a, global<float>(x), 64);
    Adds(a, a, 1.0f, 64);
}
KERNEL(output_without_queue) {
    TPipe pipe;
    Buf buffer;
    pipe.InitBuffer(buffer, 256);
    auto a = buffer.Get<float>();
    Duplicate(a, 1.0f, 64);
    DataCopy(global<float>(y)[GetBlockIdx() * 64], a, 64);
}
KERNEL(get_value_without_flag) {
    around(x, y, [](TPipe &, LocalTensor<float> a, LocalTensor<float> b) {
        Muls(b, a, 2.0f, 64);
        b.GetValue(3);
    });
}
KERNEL(set_value_without_flag) {
    around(x, y, [](TPipe &, LocalTensor<float> a, LocalTensor<float> b) {
        for (int i = 0; i < 64; i++) b.SetValue(i, 1.0f);
        Add(b, b, a, 64);
    });
}
KERNEL(global_written_then_read) {
    TPipe pipe;
    Buf buffer;
    pipe.InitBuffer(buffer, 512);
    auto a = buffer.Get<float>();
    auto to = global<float>(y)[GetBlockIdx() * 64];
    Duplicate(a, 1.0f, 64);
    SetFlag<HardEvent::V_MTE3>(0);
    WaitFlag<HardEvent::V_MTE3>(0);
    DataCopy(to, a, 64);
    DataCopy(a[64], to, 64);
}
KERNEL(global_copied_out_twice) {
    TPipe pipe;
    Buf buffer;
    pipe.InitBuffer(buffer, 256);
    auto a = buffer.Get<float>();
    auto to = global<float>(y)[GetBlockIdx() * 64];
    Duplicate(a, 1.0f, 64);
    SetFlag<HardEvent::V_MTE3>(0);
    WaitFlag<HardEvent::V_MTE3>(0);
    DataCopy(to, a, 64);
    DataCopy(to[8], a, 8);
}

// Queues

KERNEL(tensor_never_freed) {
    TPipe pipe;
    In in;
    pipe.InitBuffer(in, 2, 256);
    USE auto a = in.AllocTensor<float>();
}
KERNEL(tensor_never_dequeued) {
    TPipe pipe;
    In in;
    pipe.InitBuffer(in, 2, 256);
    auto a = in.AllocTensor<float>();
    in.EnQue(a);
}
KERNEL(all_buffers_held) {
    TPipe pipe;
    In in;
    pipe.InitBuffer(in, 2, 256);
    for (int i = 0; i < 3; i++) USE auto a = in.AllocTensor<float>();
}
KERNEL(queue_empty) {
    TPipe pipe;
    In in;
    pipe.InitBuffer(in, 1, 256);
    USE auto a = in.DeQue<float>();
}
KERNEL(queue_too_deep) {
    TPipe pipe;
    In in;
    pipe.InitBuffer(in, 2, 256);
    auto a = in.AllocTensor<float>(), b = in.AllocTensor<float>();
    in.EnQue(a);
    in.EnQue(b);
}
KERNEL(freed_twice) {
    TPipe pipe;
    In in;
    pipe.InitBuffer(in, 1, 256);
    auto a = in.AllocTensor<float>();
    in.FreeTensor(a);
    in.FreeTensor(a);
}
KERNEL(used_after_free) {
    TPipe pipe;
    In in;
    pipe.InitBuffer(in, 1, 256);
    auto a = in.AllocTensor<float>();
    in.FreeTensor(a);
    DataCopy(a, global<float>(x), 64);
}
KERNEL(used_after_other_allocation) {
    TPipe pipe;
    In in;
    pipe.InitBuffer(in, 1, 256);
    auto a = in.AllocTensor<float>();
    in.FreeTensor(a);
    auto b = in.AllocTensor<float>();
    DataCopy(a, global<float>(x), 64);
    in.FreeTensor(b);
}
KERNEL(used_while_queued) {
    TPipe pipe;
    In in;
    pipe.InitBuffer(in, 1, 256);
    auto a = in.AllocTensor<float>();
    in.EnQue(a);
    DataCopy(a, global<float>(x), 64);
}
KERNEL(freed_to_another_queue) {
    TPipe pipe;
    In in;
    Out out;
    pipe.InitBuffer(in, 1, 256);
    pipe.InitBuffer(out, 1, 256);
    out.FreeTensor(in.AllocTensor<float>());
}
KERNEL(nine_buffers) {
    TPipe pipe;
    In first, second;
    pipe.InitBuffer(first, 6, 256);
    pipe.InitBuffer(second, 3, 256);
}
KERNEL(buffers_twice) {
    TPipe pipe;
    In in;
    pipe.InitBuffer(in, 1, 256);
    pipe.InitBuffer(in, 1, 256);
}
KERNEL(no_buffers) {
    TPipe pipe;
    In in;
    USE auto a = in.AllocTensor<float>();
}
KERNEL(two_pipes) {
    TPipe first;
    TPipe second;
}

// Memory

KERNEL(unified_buffer_exhausted) {
    TPipe pipe;
    Buf buffer, other;
    pipe.InitBuffer(buffer, 188160);
    pipe.InitBuffer(other, 32);
}
KERNEL(l1_exhausted) {
    TPipe pipe;
    TBuf<TPosition::A1> buffer;
    pipe.InitBuffer(buffer, 524288);
}
KERNEL(l0a_exhausted) {
    TPipe pipe;
    TBuf<TPosition::A2> buffer;
    pipe.InitBuffer(buffer, 65537);
}
KERNEL(l0c_exhausted) {
    TPipe pipe;
    TBuf<TPosition::CO1> buffer;
    pipe.InitBuffer(buffer, 131073);
}
KERNEL(misaligned) {
    around(x, y, [](TPipe &, LocalTensor<float> a, LocalTensor<float> b) { Adds(b, a[1], 1.0f, 32); });
}
KERNEL(never_written) {
    around(x, y, [](TPipe &pipe, LocalTensor<float>, LocalTensor<float> b) {
        Buf buffer;
        pipe.InitBuffer(buffer, 256);
        Adds(b, buffer.Get<float>(), 1.0f, 64);
    });
}
KERNEL(padding_used) {
    TPipe pipe;
    In in;
    pipe.InitBuffer(in, 1, 256);
    auto a = in.AllocTensor<float>();
    DataCopyPad(a, global<float>(x), DataCopyExtParams(1, 20, 0, 0, 0), DataCopyPadExtParams<float>(false, 0, 0, 0));
    in.EnQue(a);
    a = in.DeQue<float>();
    Adds(a, a, 1.0f, 8);
    in.FreeTensor(a);
}
KERNEL(past_the_tensor) {
    around(x, y, [](TPipe &, LocalTensor<float> a, LocalTensor<float> b) { Adds(b, a, 1.0f, 65); });
}
KERNEL(partial_overlap) {
    TPipe pipe;
    Buf buffer;
    pipe.InitBuffer(buffer, 1024);
    auto a = buffer.Get<float>();
    Duplicate(a, 1.0f, 128);
    PipeBarrier<PIPE_V>();
    Adds(a[8], a, 1.0f, 64);
}
KERNEL(past_the_global_tensor) {
    TPipe pipe;
    In in;
    pipe.InitBuffer(in, 1, 256);
    auto a = in.AllocTensor<float>();
    DataCopy(a, global<float>(x, 100)[64], 64);
    in.FreeTensor(a);
}
KERNEL(past_the_allocation) {
    TPipe pipe;
    In in;
    pipe.InitBuffer(in, 1, 256);
    auto a = in.AllocTensor<float>();
    DataCopy(a, global<float>(x, 1 << 20)[4096 - 32], 64);
    in.FreeTensor(a);
}
KERNEL(no_allocation) {
    TPipe pipe;
    In in;
    pipe.InitBuffer(in, 1, 256);
    auto a = in.AllocTensor<float>();
    DataCopy(a, global<float>(x + (1ull << 46)), 64);
    in.FreeTensor(a);
}
KERNEL(global_never_written) {
    TPipe pipe;
    In in;
    pipe.InitBuffer(in, 1, 256);
    auto a = in.AllocTensor<float>();
    DataCopy(a, global<float>(y), 64);
    in.EnQue(a);
    a = in.DeQue<float>();
    Adds(a, a, 1.0f, 64);
    in.FreeTensor(a);
}
KERNEL(written_past_the_allocation_by_pointer) {
    if (GetBlockIdx() == 0) reinterpret_cast<__gm__ float *>(y)[4096 + 8] = 1.0f;
}

// Cores

KERNEL(blocks_write_the_same) {
    TPipe pipe;
    Out out;
    pipe.InitBuffer(out, 1, 256);
    auto b = out.AllocTensor<float>();
    Duplicate(b, 1.0f, 64);
    out.EnQue(b);
    b = out.DeQue<float>();
    DataCopyPad(global<float>(y)[GetBlockIdx() * 12], b, DataCopyExtParams(1, 48, 0, 0, 0));
    out.FreeTensor(b);
}
KERNEL(block_reads_what_another_writes) {
    around(GetBlockIdx() == 0 ? x : y - 256, y, [](TPipe &, LocalTensor<float> a, LocalTensor<float> b) { Adds(b, a, 1.0f, 64); });
}
KERNEL(block_writes_what_another_reads) {
    around(GetBlockIdx() == 0 ? y + 256 : x, y, [](TPipe &, LocalTensor<float> a, LocalTensor<float> b) {
        if (GetBlockIdx() == 0) Duplicate(b, 1.0f, 64);
        else Adds(b, a, 1.0f, 64);
    });
}
KERNEL(depends_on_the_order) {
    // Past the API, by a pointer: only running the blocks in another order tells.
    bool seen = GetBlockIdx() == 1 && *reinterpret_cast<__gm__ float *>(y) == 7.0f;
    around(x, y, [&](TPipe &, LocalTensor<float>, LocalTensor<float> b) { Duplicate(b, seen ? 1.0f : 7.0f, 64); });
}
KERNEL(cache_not_cleaned) {
    global<float>(y).SetValue(GetBlockIdx() * 64, 1.0f);
}
KERNEL(cache_line_shared) {
    auto to = global<float>(y);
    to.SetValue(GetBlockIdx() * 8, 1.0f);
    DataCacheCleanAndInvalid(to);
}
KERNEL(atomic_left_on) {
    SetAtomicAdd<float>();
}

// Limits of instructions

KERNEL(copy_of_no_whole_blocks) {
    TPipe pipe;
    In in;
    pipe.InitBuffer(in, 1, 256);
    auto a = in.AllocTensor<float>();
    DataCopy(a, global<float>(x), 63);
    in.FreeTensor(a);
}
KERNEL(too_many_rows) {
    TPipe pipe;
    Buf buffer;
    pipe.InitBuffer(buffer, 4096 * 32);
    DataCopyPad(buffer.Get<float>(), global<float>(x), DataCopyExtParams(4096, 4, 0, 0, 0), DataCopyPadExtParams<float>(false, 0, 0, 0));
}
KERNEL(row_too_long) {
    TPipe pipe;
    Buf buffer;
    pipe.InitBuffer(buffer, 256);
    DataCopyPad(buffer.Get<float>(), global<float>(x), DataCopyExtParams(1, 2097152, 0, 0, 0), DataCopyPadExtParams<float>(false, 0, 0, 0));
}
KERNEL(row_of_half_elements) {
    TPipe pipe;
    Buf buffer;
    pipe.InitBuffer(buffer, 256);
    DataCopyPad(buffer.Get<float>(), global<float>(x), DataCopyExtParams(1, 6, 0, 0, 0), DataCopyPadExtParams<float>(false, 0, 0, 0));
}
KERNEL(too_much_padding) {
    TPipe pipe;
    Buf buffer;
    pipe.InitBuffer(buffer, 256);
    DataCopyPad(buffer.Get<float>(), global<float>(x), DataCopyExtParams(1, 32, 0, 0, 0), DataCopyPadExtParams<float>(true, 9, 0, 0));
}
KERNEL(mask_too_wide) {
    around(x, y, [](TPipe &, LocalTensor<float> a, LocalTensor<float> b) { Add(b, a, a, uint64_t(65), 1, BinaryRepeatParams()); });
}
KERNEL(too_many_repeats) {
    around(x, y, [](TPipe &, LocalTensor<float> a, LocalTensor<float> b) { WholeReduceSum(b, a, 64, 256, 1, 1, 8); });
}
KERNEL(block_stride_zero) {
    around(x, y, [](TPipe &, LocalTensor<float> a, LocalTensor<float> b) { Add(b, a, a, uint64_t(64), 1, BinaryRepeatParams(0, 1, 1, 8, 8, 8)); });
}
KERNEL(repeats_past_the_tensor) {
    around(x, y, [](TPipe &, LocalTensor<float> a, LocalTensor<float> b) { Add(b, a, a, uint64_t(64), 2, BinaryRepeatParams()); });
}
KERNEL(comparison_of_no_whole_repeats) {
    around(x, y, [](TPipe &, LocalTensor<float> a, LocalTensor<float> b) { Compares(b.ReinterpretCast<uint8_t>(), a, 1.0f, CMPMODE::LT, 32); });
}
KERNEL(integers_compared_by_size) {
    around(x, y, [](TPipe &, LocalTensor<float> a, LocalTensor<float> b) {
        Compares(b.ReinterpretCast<uint8_t>(), a.ReinterpretCast<int32_t>(), 1, CMPMODE::LT, 64);
    });
}
KERNEL(select_in_the_wrong_mode) {
    around(x, y, [](TPipe &, LocalTensor<float> a, LocalTensor<float> b) {
        Select(b, a.ReinterpretCast<uint8_t>(), a, 1.0f, SELMODE::VSEL_TENSOR_TENSOR_MODE, 64);
    });
}
KERNEL(rounding_mode) {
    around(x, y, [](TPipe &, LocalTensor<float> a, LocalTensor<float> b) { Cast(b.ReinterpretCast<int32_t>(), a, RoundMode::CAST_NONE, 64); });
}
KERNEL(work_tensor_too_small) {
    TPipe pipe;
    Buf buffer;
    pipe.InitBuffer(buffer, 8192 * 4 + 64);
    auto a = buffer.Get<float>();
    Duplicate(a, 1.0f, 8192);
    PipeBarrier<PIPE_V>();
    ReduceSum(a[8192], a, buffer.GetWithOffset<float>(8, 8192 * 4 + 32), 8192);
}
KERNEL(gathered_past_the_tensor) {
    around(x, y, [](TPipe &pipe, LocalTensor<float> a, LocalTensor<float> b) {
        Buf buffer;
        pipe.InitBuffer(buffer, 256);
        auto at = buffer.Get<int32_t>();
        Duplicate(at, 256, 64);
        PipeBarrier<PIPE_V>();
        Gather(b, a, at.ReinterpretCast<uint32_t>(), 0, 64);
    });
}
KERNEL(gathered_between_elements) {
    around(x, y, [](TPipe &pipe, LocalTensor<float> a, LocalTensor<float> b) {
        Buf buffer;
        pipe.InitBuffer(buffer, 256);
        auto at = buffer.Get<int32_t>();
        Duplicate(at, 2, 64);
        PipeBarrier<PIPE_V>();
        Gather(b, a, at.ReinterpretCast<uint32_t>(), 0, 64);
    });
}

// Flags

KERNEL(flag_not_set) {
    TPipe pipe;
    WaitFlag<HardEvent::V_MTE3>(0);
}
KERNEL(flag_set_twice) {
    TPipe pipe;
    SetFlag<HardEvent::V_MTE3>(0);
    SetFlag<HardEvent::V_MTE3>(0);
}
KERNEL(flag_never_waited_for) {
    TPipe pipe;
    SetFlag<HardEvent::V_MTE3>(0);
}
KERNEL(flag_number) {
    TPipe pipe;
    SetFlag<HardEvent::V_MTE3>(8);
}
KERNEL(flag_of_a_queue) {
    TPipe pipe;
    In in;
    pipe.InitBuffer(in, 1, 256);
    auto a = in.AllocTensor<float>();
    in.EnQue(a);
    SetFlag<HardEvent::MTE2_V>(0);
}

// More of the same kinds

KERNEL(tensor_without_memory) {
    TPipe pipe;
    LocalTensor<float> a;
    Adds(a, a, 1.0f, 64);
}
KERNEL(part_past_the_buffer) {
    TPipe pipe;
    Buf buffer;
    pipe.InitBuffer(buffer, 256);
    Duplicate(buffer.GetWithOffset<float>(64, 2000000), 1.0f, 64);
}
KERNEL(position_without_memory) {
    TPipe pipe;
    TBuf<TPosition::C2> buffer;
    pipe.InitBuffer(buffer, 256);
}
KERNEL(no_pipe) {
    TPipe pipe;
    pipe.Destroy();
    Buf buffer;
    pipe.InitBuffer(buffer, 256);
}
KERNEL(buffer_of_nothing) {
    TPipe pipe;
    Buf buffer;
    pipe.InitBuffer(buffer, 0);
}
KERNEL(queue_of_nothing) {
    TPipe pipe;
    In in;
    pipe.InitBuffer(in, 0, 256);
}
KERNEL(events_exhausted) {
    TPipe pipe;
    for (int i = 0; i < 9; i++) pipe.AllocEventID<HardEvent::V_MTE3>();
}
KERNEL(event_not_allocated) {
    TPipe pipe;
    pipe.ReleaseEventID<HardEvent::V_MTE3>(3);
}
KERNEL(part_enqueued) {
    TPipe pipe;
    In in;
    pipe.InitBuffer(in, 1, 256);
    auto a = in.AllocTensor<float>();
    in.EnQue(a[8]);
}
KERNEL(older_tensor_freed) {
    TPipe pipe;
    In in;
    pipe.InitBuffer(in, 1, 256);
    auto a = in.AllocTensor<float>();
    in.FreeTensor(a);
    USE auto b = in.AllocTensor<float>();
    in.FreeTensor(a);
}
KERNEL(global_without_address) {
    TPipe pipe;
    Buf buffer;
    pipe.InitBuffer(buffer, 256);
    GlobalTensor<float> nowhere;
    DataCopy(buffer.Get<float>(), nowhere, 64);
}
KERNEL(global_overwritten_while_read) {
    TPipe pipe;
    Buf buffer, other;
    pipe.InitBuffer(buffer, 256);
    pipe.InitBuffer(other, 256);
    auto at = global<float>(x)[GetBlockIdx() * 64];
    Duplicate(other.Get<float>(), 1.0f, 64);
    SetFlag<HardEvent::V_MTE3>(0);
    WaitFlag<HardEvent::V_MTE3>(0);
    DataCopy(buffer.Get<float>(), at, 64);
    DataCopy(at, other.Get<float>(), 64);
}
KERNEL(global_between_elements) {
    TPipe pipe;
    Buf buffer;
    pipe.InitBuffer(buffer, 256);
    DataCopy(buffer.Get<float>(), global<float>(x + 2), 64);
}
KERNEL(global_to_another_memory) {
    TPipe pipe;
    TBuf<TPosition::CO1> buffer;
    pipe.InitBuffer(buffer, 1024);
    DataCopy(buffer.Get<float>(), global<float>(x), 64);
}
KERNEL(l1_to_global) {
    TPipe pipe;
    TBuf<TPosition::A1> buffer;
    pipe.InitBuffer(buffer, 1024);
    DataCopy(global<float>(y), buffer.Get<float>(), 64);
}
KERNEL(unified_buffer_to_l1) {
    TPipe pipe;
    TBuf<TPosition::A1> l1;
    Buf buffer;
    pipe.InitBuffer(l1, 1024);
    pipe.InitBuffer(buffer, 1024);
    DataCopy(l1.Get<float>(), buffer.Get<float>(), 64);
}
KERNEL(arithmetic_in_l1) {
    TPipe pipe;
    TBuf<TPosition::A1> l1;
    pipe.InitBuffer(l1, 1024);
    Duplicate(l1.Get<float>(), 1.0f, 64);
}
KERNEL(cast_over_itself) {
    around(x, y, [](TPipe &, LocalTensor<float> a, LocalTensor<float>) { Cast(a.ReinterpretCast<half>(), a, RoundMode::CAST_RINT, 64); });
}
KERNEL(negative_count) {
    around(x, y, [](TPipe &, LocalTensor<float> a, LocalTensor<float> b) { Adds(b, a, 1.0f, -1); });
}
KERNEL(atomic_of_other_elements) {
    TPipe pipe;
    Buf buffer;
    pipe.InitBuffer(buffer, 256);
    Duplicate(buffer.Get<float>(), 1.0f, 64);
    SetFlag<HardEvent::V_MTE3>(0);
    WaitFlag<HardEvent::V_MTE3>(0);
    SetAtomicAdd<half>();
    DataCopy(global<float>(x), buffer.Get<float>(), 64);
}
KERNEL(atomic_onto_nothing) {
    TPipe pipe;
    Buf buffer;
    pipe.InitBuffer(buffer, 256);
    Duplicate(buffer.Get<float>(), 1.0f, 64);
    SetFlag<HardEvent::V_MTE3>(0);
    WaitFlag<HardEvent::V_MTE3>(0);
    SetAtomicAdd<float>();
    DataCopy(global<float>(y), buffer.Get<float>(), 64);
}
KERNEL(trapped) {
    TPipe pipe;
    Trap();
}

// Queues and global elements, once more; what stands above keeps its lines

KERNEL(enqueued_twice) {
    TPipe pipe;
    In in;
    pipe.InitBuffer(in, 1, 256);
    auto a = in.AllocTensor<float>();
    in.EnQue(a);
    in.EnQue(a);
}
KERNEL(freed_while_queued) {
    TPipe pipe;
    In in;
    pipe.InitBuffer(in, 1, 256);
    auto a = in.AllocTensor<float>();
    in.EnQue(a);
    in.FreeTensor(a);
}
KERNEL(global_element_never_written) {
    USE volatile float value = global<float>(y).GetValue(8);
}
KERNEL(rows_step_past_the_allocation) {
    TPipe pipe;
    In in;
    pipe.InitBuffer(in, 1, 2048);
    auto a = in.AllocTensor<float>();
    // 64 elements, each 65 after the one before: the last lies beyond.
    DataCopyPad(a, global<float>(x)[4], DataCopyExtParams(64, 4, 64 * 4 + 4, 0, 0), DataCopyPadExtParams<float>());
    in.FreeTensor(a);
}
KERNEL(rows_past_the_buffer) {
    TPipe pipe;
    In in;
    pipe.InitBuffer(in, 1, 1024);
    auto a = in.AllocTensor<float>();
    DataCopyPad(a, global<float>(x), DataCopyExtParams(64, 4, 4, 0, 0), DataCopyPadExtParams<float>());
    in.FreeTensor(a);
}
KERNEL(rest_of_a_row_used) {
    TPipe pipe;
    In in;
    Buf places, to;
    pipe.InitBuffer(in, 1, 2048);
    pipe.InitBuffer(places, 256);
    pipe.InitBuffer(to, 256);
    auto a = in.AllocTensor<float>();
    DataCopyPad(a, global<float>(x), DataCopyExtParams(64, 4, 4, 0, 0), DataCopyPadExtParams<float>());
    in.EnQue(a);
    a = in.DeQue<float>();
    auto offsets = places.Get<uint32_t>();
    Duplicate(offsets, uint32_t(4), 64);
    PipeBarrier<PIPE_V>();
    Gather(to.Get<float>(), a, offsets, 0, 64);
    in.FreeTensor(a);
}
KERNEL(gathered_before_the_places_are_there) {
    TPipe pipe;
    Buf from, places, to;
    pipe.InitBuffer(from, 256);
    pipe.InitBuffer(places, 256);
    pipe.InitBuffer(to, 256);
    Duplicate(from.Get<float>(), 1.0f, 64);
    PipeBarrier<PIPE_V>();
    Duplicate(places.Get<uint32_t>(), uint32_t(4), 64);
    Gather(to.Get<float>(), from.Get<float>(), places.Get<uint32_t>(), 0, 64);
}
KERNEL(overwritten_while_the_scalar_unit_reads) {
    around(x, y, [](TPipe &, LocalTensor<float> a, LocalTensor<float> b) {
        Muls(b, a, 2.0f, 64);
        SetFlag<HardEvent::V_S>(0);
        WaitFlag<HardEvent::V_S>(0);
        USE volatile float value = b.GetValue(0);
        PipeBarrier<PIPE_V>();
        Duplicate(b, 1.0f, 64);
    });
}
