// One kernel for each class of operators of the vector unit, as a generator would write them.
#include "kernel_operator.h"
using namespace AscendC;

namespace {
using In = TQue<TPosition::VECIN, 1>;
using Out = TQue<TPosition::VECOUT, 1>;
using Buf = TBuf<TPosition::VECCALC>;

template <class T> GlobalTensor<T> global(GM_ADDR at, uint64_t count) {
    GlobalTensor<T> tensor;
    tensor.SetGlobalBuffer(reinterpret_cast<__gm__ T *>(at), count);
    return tensor;
}
template <class T> void copyIn(const LocalTensor<T> &to, const GlobalTensor<T> &from, uint32_t count) {
    DataCopyPad(to, from, DataCopyExtParams(1, count * sizeof(T), 0, 0, 0), DataCopyPadExtParams<T>(false, 0, 0, T{}));
}
template <class T> void copyOut(const GlobalTensor<T> &to, const LocalTensor<T> &from, uint32_t count) {
    DataCopyPad(to, from, DataCopyExtParams(1, count * sizeof(T), 0, 0, 0));
}
inline void vector() { PipeBarrier<PIPE_V>(); }

// The vector unit's result, for the scalar unit.
template <class T> T scalarOf(TPipe &pipe, const LocalTensor<T> &tensor, uint32_t index) {
    int32_t id = pipe.FetchEventID(HardEvent::V_S);
    SetFlag<HardEvent::V_S>(id);
    WaitFlag<HardEvent::V_S>(id);
    const T value = tensor.GetValue(index);
    // What comes next may be written where this was read.
    id = pipe.FetchEventID(HardEvent::S_V);
    SetFlag<HardEvent::S_V>(id);
    WaitFlag<HardEvent::S_V>(id);
    return value;
}
} // namespace

struct Shape {
    int64_t rows, columns;
};

// y = sqrt(|x|) / (1 + exp(-x)), 32-byte pieces for each block
extern "C" __global__ __aicore__ void elementwise(GM_ADDR x, GM_ADDR y, GM_ADDR shape) {
    int64_t count = reinterpret_cast<__gm__ Shape *>(shape)->columns;
    int64_t share = (count + GetBlockNum() * 8 - 1) / (GetBlockNum() * 8) * 8, from = GetBlockIdx() * share;
    int64_t to = from + share < count ? from + share : count;
    TPipe pipe;
    In in;
    Out out;
    Buf extra;
    pipe.InitBuffer(in, 2, 4096);
    pipe.InitBuffer(out, 2, 4096);
    pipe.InitBuffer(extra, 4096);
    auto gx = global<float>(x, count), gy = global<float>(y, count);
    for (int64_t at = from; at < to; at += 1024) {
        uint32_t n = to - at < 1024 ? to - at : 1024;
        auto a = in.AllocTensor<float>();
        copyIn(a, gx[at], n);
        in.EnQue(a);
        a = in.DeQue<float>();
        auto b = out.AllocTensor<float>();
        auto e = extra.Get<float>();
        Muls(e, a, -1.0f, n);
        Abs(b, a, n);
        vector();
        in.FreeTensor(a);
        Exp(e, e, n);
        Sqrt(b, b, n);
        vector();
        Adds(e, e, 1.0f, n);
        vector();
        Div(b, b, e, n);
        vector();
        out.EnQue(b);
        b = out.DeQue<float>();
        copyOut(gy[at], b, n);
        out.FreeTensor(b);
    }
}

// y[r, c] = x[r, c] * row[c] + column[r]: 16 rows of 64
extern "C" __global__ __aicore__ void broadcast(GM_ADDR x, GM_ADDR row, GM_ADDR column, GM_ADDR y) {
    TPipe pipe;
    In in, rows, columns;
    Out out;
    Buf blocks;
    pipe.InitBuffer(in, 1, 4096);
    pipe.InitBuffer(rows, 1, 256);
    pipe.InitBuffer(columns, 1, 64);
    pipe.InitBuffer(out, 1, 4096);
    pipe.InitBuffer(blocks, 512);
    auto a = in.AllocTensor<float>(), r = rows.AllocTensor<float>(), c = columns.AllocTensor<float>();
    DataCopy(a, global<float>(x, 1024), 1024);
    DataCopy(r, global<float>(row, 64), 64);
    DataCopy(c, global<float>(column, 16), 16);
    in.EnQue(a), rows.EnQue(r), columns.EnQue(c);
    a = in.DeQue<float>(), r = rows.DeQue<float>(), c = columns.DeQue<float>();
    auto b = out.AllocTensor<float>();
    auto wide = blocks.Get<float>();
    Mul(b, a, r, uint64_t(64), 16, BinaryRepeatParams(1, 1, 1, 8, 8, 0));
    Brcb(wide, c, 2, BrcbRepeatParams(1, 8));
    vector();
    Add(b, b, wide, uint64_t(64), 16, BinaryRepeatParams(1, 1, 0, 8, 8, 1));
    in.FreeTensor(a), rows.FreeTensor(r), columns.FreeTensor(c);
    out.EnQue(b);
    b = out.DeQue<float>();
    DataCopy(global<float>(y, 1024), b, 1024);
    out.FreeTensor(b);
}

// y = sum, largest, its place, smallest, its place, and the sum and the largest by repeats of 64
extern "C" __global__ __aicore__ void reductions(GM_ADDR x, GM_ADDR y, GM_ADDR shape) {
    int64_t count = reinterpret_cast<__gm__ Shape *>(shape)->columns;
    TPipe pipe;
    In in;
    Out out;
    Buf space;
    pipe.InitBuffer(in, 1, count * 4);
    pipe.InitBuffer(out, 1, 512);
    pipe.InitBuffer(space, 2048);
    auto a = in.AllocTensor<float>();
    copyIn(a, global<float>(x, count), count);
    in.EnQue(a);
    a = in.DeQue<float>();
    auto b = out.AllocTensor<float>();
    auto work = space.Get<float>(256);
    Duplicate(b, 0.0f, 128);
    vector();
    ReduceSum(b, a, work, count);
    vector();
    ReduceMax(b[8], a, work, count, true);
    vector();
    ReduceMin(b[16], a, work, count, true);
    vector();
    auto parts = space.GetWithOffset<float>(128, 1024);
    int32_t repeats = count / 64;
    WholeReduceSum(parts, a, 64, repeats, 1, 1, 8);
    WholeReduceMax(parts[64], a, 64, repeats, 1, 1, 8, ReduceOrder::ORDER_ONLY_VALUE);
    vector();
    ReduceSum(b[24], parts, work, repeats);
    vector();
    ReduceMax(b[32], parts[64], work, repeats);
    BlockReduceSum(b[64], a, 1, 64, 1, 1, 8);
    in.FreeTensor(a);
    out.EnQue(b);
    b = out.DeQue<float>();
    DataCopy(global<float>(y, 128), b, 128);
    out.FreeTensor(b);
}

// Softmax over the last axis; a block takes every n-th row
extern "C" __global__ __aicore__ void softmax(GM_ADDR x, GM_ADDR y, GM_ADDR shape) {
    auto sizes = *reinterpret_cast<__gm__ Shape *>(shape);
    uint32_t n = sizes.columns;
    TPipe pipe;
    In in;
    Out out;
    Buf space;
    pipe.InitBuffer(in, 2, n * 4);
    pipe.InitBuffer(out, 2, n * 4);
    pipe.InitBuffer(space, 2048);
    auto gx = global<float>(x, sizes.rows * n), gy = global<float>(y, sizes.rows * n);
    auto work = space.Get<float>(256), one = space.GetWithOffset<float>(8, 1024);
    for (int64_t r = GetBlockIdx(); r < sizes.rows; r += GetBlockNum()) {
        auto a = in.AllocTensor<float>();
        copyIn(a, gx[r * n], n);
        in.EnQue(a);
        a = in.DeQue<float>();
        auto b = out.AllocTensor<float>();
        ReduceMax(one, a, work, n);
        float largest = scalarOf(pipe, one, 0);
        Adds(b, a, -largest, n);
        vector();
        in.FreeTensor(a);
        Exp(b, b, n);
        vector();
        ReduceSum(one, b, work, n);
        float sum = scalarOf(pipe, one, 0);
        Muls(b, b, 1.0f / sum, n);
        vector();
        out.EnQue(b);
        b = out.DeQue<float>();
        copyOut(gy[r * n], b, n);
        out.FreeTensor(b);
    }
}

// (x - mean) / sqrt(variance + 1e-5) * weight + bias, over the last axis
extern "C" __global__ __aicore__ void layernorm(GM_ADDR x, GM_ADDR weight, GM_ADDR bias, GM_ADDR y, GM_ADDR shape) {
    auto sizes = *reinterpret_cast<__gm__ Shape *>(shape);
    uint32_t n = sizes.columns;
    TPipe pipe;
    In in, parameters;
    Out out;
    Buf space;
    pipe.InitBuffer(in, 1, n * 4);
    pipe.InitBuffer(parameters, 2, n * 4);
    pipe.InitBuffer(out, 1, n * 4);
    pipe.InitBuffer(space, 2048 + n * 4);
    auto work = space.Get<float>(256), one = space.GetWithOffset<float>(8, 1024), square = space.GetWithOffset<float>(n, 2048);
    auto w = parameters.AllocTensor<float>();
    copyIn(w, global<float>(weight, n), n);
    parameters.EnQue(w);
    w = parameters.DeQue<float>();
    auto c = parameters.AllocTensor<float>();
    copyIn(c, global<float>(bias, n), n);
    parameters.EnQue(c);
    c = parameters.DeQue<float>();
    for (int64_t r = GetBlockIdx(); r < sizes.rows; r += GetBlockNum()) {
        auto a = in.AllocTensor<float>();
        copyIn(a, global<float>(x, sizes.rows * n)[r * n], n);
        in.EnQue(a);
        a = in.DeQue<float>();
        auto b = out.AllocTensor<float>();
        ReduceSum(one, a, work, n);
        float mean = scalarOf(pipe, one, 0) / n;
        Adds(b, a, -mean, n);
        vector();
        in.FreeTensor(a);
        Mul(square, b, b, n);
        vector();
        ReduceSum(one, square, work, n);
        vector();
        Muls(one, one, 1.0f / n, 1);
        vector();
        Adds(one, one, 1e-5f, 1);
        vector();
        Sqrt(one, one, 1);
        Muls(b, b, 1.0f / scalarOf(pipe, one, 0), n);
        vector();
        Mul(b, b, w, n);
        vector();
        Add(b, b, c, n);
        vector();
        out.EnQue(b);
        b = out.DeQue<float>();
        copyOut(global<float>(y, sizes.rows * n)[r * n], b, n);
        out.FreeTensor(b);
    }
    parameters.FreeTensor(w);
    parameters.FreeTensor(c);
}

// y[c, r] = x[r, c]: offsets for Gather by the scalar unit, once
extern "C" __global__ __aicore__ void transpose(GM_ADDR x, GM_ADDR y, GM_ADDR shape) {
    auto sizes = *reinterpret_cast<__gm__ Shape *>(shape);
    uint32_t count = sizes.rows * sizes.columns;
    TPipe pipe;
    In in;
    Out out;
    Buf space;
    pipe.InitBuffer(in, 1, count * 4);
    pipe.InitBuffer(out, 1, count * 4);
    pipe.InitBuffer(space, count * 4);
    auto a = in.AllocTensor<float>();
    copyIn(a, global<float>(x, count), count);
    in.EnQue(a);
    auto offsets = space.Get<uint32_t>();
    for (uint32_t i = 0; i < count; i++) offsets.SetValue(i, (i % sizes.rows * sizes.columns + i / sizes.rows) * 4);
    SetFlag<HardEvent::S_V>(0);
    WaitFlag<HardEvent::S_V>(0);
    a = in.DeQue<float>();
    auto b = out.AllocTensor<float>();
    Gather(b, a, offsets, 0, count);
    in.FreeTensor(a);
    out.EnQue(b);
    b = out.DeQue<float>();
    copyOut(global<float>(y, count), b, count);
    out.FreeTensor(b);
}

// y[i, :] = x[ids[i], :]; rows of whole blocks, each block of the grid takes every n-th
extern "C" __global__ __aicore__ void embedding(GM_ADDR x, GM_ADDR ids, GM_ADDR y, GM_ADDR shape) {
    auto sizes = *reinterpret_cast<__gm__ Shape *>(shape);
    uint32_t n = sizes.columns;
    TPipe pipe;
    TQueBind<TPosition::VECIN, TPosition::VECOUT, 1> through;
    pipe.InitBuffer(through, 2, n * 4);
    auto numbers = global<int64_t>(ids, sizes.rows);
    for (int64_t r = GetBlockIdx(); r < sizes.rows; r += GetBlockNum()) {
        auto a = through.AllocTensor<float>();
        copyIn(a, global<float>(x, 100 * n)[numbers.GetValue(r) * n], n);
        through.EnQue(a);
        a = through.DeQue<float>();
        copyOut(global<float>(y, sizes.rows * n)[r * n], a, n);
        through.FreeTensor(a);
    }
}

// y = x (3 rows of 5) in the middle of 5 rows of 8, the rest -1; then without the first and last column: 5 rows of 6
extern "C" __global__ __aicore__ void padAndSlice(GM_ADDR x, GM_ADDR y, GM_ADDR z) {
    TPipe pipe;
    TQueBind<TPosition::VECIN, TPosition::VECOUT, 1> through;
    Out out;
    pipe.InitBuffer(through, 1, 1024);
    pipe.InitBuffer(out, 1, 64);
    auto gy = global<float>(y, 40);
    auto border = out.AllocTensor<float>();
    Duplicate(border, -1.0f, 8);
    out.EnQue(border);
    border = out.DeQue<float>();
    DataCopy(gy, border, 8);
    DataCopy(gy[32], border, 8);
    out.FreeTensor(border);
    auto a = through.AllocTensor<float>();
    DataCopyPad(a, global<float>(x, 15), DataCopyExtParams(3, 20, 0, 0, 0), DataCopyPadExtParams<float>(true, 1, 2, -1.0f));
    through.EnQue(a);
    a = through.DeQue<float>();
    DataCopyPad(gy[8], a, DataCopyExtParams(3, 32, 0, 0, 0));
    through.FreeTensor(a);
    int32_t written = pipe.FetchEventID(HardEvent::MTE3_MTE2); // the queue has one of these events, too
    SetFlag<HardEvent::MTE3_MTE2>(written);
    WaitFlag<HardEvent::MTE3_MTE2>(written);
    a = through.AllocTensor<float>();
    DataCopyPad(a, gy[1], DataCopyExtParams(5, 24, 8, 0, 0), DataCopyPadExtParams<float>(false, 0, 0, 0));
    through.EnQue(a);
    a = through.DeQue<float>();
    DataCopyPad(global<float>(z, 30), a, DataCopyExtParams(5, 24, 0, 0, 0));
    through.FreeTensor(a);
}

// y = x < w ? x : 2 w, in halves that were floats; 256 elements
extern "C" __global__ __aicore__ void choose(GM_ADDR x, GM_ADDR w, GM_ADDR y) {
    TPipe pipe;
    In in;
    Out out;
    Buf space;
    pipe.InitBuffer(in, 1, 2048);
    pipe.InitBuffer(out, 1, 1024);
    pipe.InitBuffer(space, 2048);
    auto a = in.AllocTensor<float>();
    DataCopy(a, global<float>(x, 256), 256);
    DataCopy(a[256], global<float>(w, 256), 256);
    in.EnQue(a);
    a = in.DeQue<float>();
    auto h = space.Get<half>(512);
    auto mask = space.GetWithOffset<uint8_t>(32, 1024);
    Cast(h, a, RoundMode::CAST_RINT, 512);
    vector();
    Compare(mask, h, h[256], CMPMODE::LT, 256);
    vector();
    Muls(h[256], h[256], half(2), 256);
    vector();
    auto chosen = space.GetWithOffset<half>(256, 1280);
    Select(chosen, mask, h, h[256], SELMODE::VSEL_TENSOR_TENSOR_MODE, 256);
    vector();
    in.FreeTensor(a);
    auto b = out.AllocTensor<float>();
    Cast(b, chosen, RoundMode::CAST_NONE, 256);
    out.EnQue(b);
    b = out.DeQue<float>();
    DataCopy(global<float>(y, 256), b, 256);
    out.FreeTensor(b);
}

// Probabilities of attention: softmax of scores / 8, as halves
extern "C" __global__ __aicore__ void attentionWeights(GM_ADDR scores, GM_ADDR y, GM_ADDR shape) {
    auto sizes = *reinterpret_cast<__gm__ Shape *>(shape);
    uint32_t n = sizes.columns;
    TPipe pipe;
    In in;
    Out out;
    Buf space;
    pipe.InitBuffer(in, 1, n * 4);
    pipe.InitBuffer(out, 1, n * 2);
    pipe.InitBuffer(space, 2048 + n * 4);
    auto work = space.Get<float>(256), one = space.GetWithOffset<float>(8, 1024), e = space.GetWithOffset<float>(n, 2048);
    for (int64_t r = GetBlockIdx(); r < sizes.rows; r += GetBlockNum()) {
        auto a = in.AllocTensor<float>();
        copyIn(a, global<float>(scores, sizes.rows * n)[r * n], n);
        in.EnQue(a);
        a = in.DeQue<float>();
        Muls(e, a, 0.125f, n);
        vector();
        in.FreeTensor(a);
        ReduceMax(one, e, work, n);
        Adds(e, e, -scalarOf(pipe, one, 0), n);
        vector();
        Exp(e, e, n);
        vector();
        ReduceSum(one, e, work, n);
        Muls(e, e, 1.0f / scalarOf(pipe, one, 0), n);
        vector();
        auto b = out.AllocTensor<half>();
        Cast(b, e, RoundMode::CAST_RINT, n);
        vector();
        out.EnQue(b);
        b = out.DeQue<half>();
        copyOut(global<half>(y, sizes.rows * n)[r * n], b, n);
        out.FreeTensor(b);
    }
}

// Adds every block's number to y[0..7]
extern "C" __global__ __aicore__ void count(GM_ADDR y) {
    TPipe pipe;
    Out out;
    pipe.InitBuffer(out, 1, 32);
    auto a = out.AllocTensor<float>();
    Duplicate(a, float(GetBlockIdx()), 8);
    out.EnQue(a);
    a = out.DeQue<float>();
    SetAtomicAdd<float>();
    DataCopy(global<float>(y, 8), a, 8);
    SetAtomicNone();
    out.FreeTensor(a);
}
