// Kernels that each break one rule of the cube unit. `x` and `y` have 4,096 halves and floats.
#include "kernel_operator.h"
using namespace AscendC;

#define KERNEL(name) extern "C" __global__ __aicore__ void name(GM_ADDR x, GM_ADDR y)

namespace {
enum Omit { Nothing, FirstFlag, SecondFlag, ThirdFlag };

// y = x * transposed x, for 16 x 16 halves.
template <Omit omit> void product(GM_ADDR x, GM_ADDR y, MmadParams mmad, uint16_t columns = 16, uint32_t shift = 0) {
    TPipe pipe;
    TBuf<TPosition::A1> a1;
    TBuf<TPosition::A2> a2;
    TBuf<TPosition::B2> b2;
    TBuf<TPosition::CO1> c;
    pipe.InitBuffer(a1, 1024);
    pipe.InitBuffer(a2, 1024);
    pipe.InitBuffer(b2, 1024);
    pipe.InitBuffer(c, 4096);
    GlobalTensor<half> from;
    GlobalTensor<float> to;
    from.SetGlobalBuffer(reinterpret_cast<__gm__ half *>(x), 4096);
    to.SetGlobalBuffer(reinterpret_cast<__gm__ float *>(y), 4096);
    DataCopy(a1.Get<half>(), from, Nd2NzParams(1, 16, 16, 0, 16, 16, 1, 0));
    if (omit != FirstFlag) SetFlag<HardEvent::MTE2_MTE1>(0);
    if (omit != FirstFlag) WaitFlag<HardEvent::MTE2_MTE1>(0);
    LoadData2DParams load;
    load.repeatTimes = 1;
    load.srcStride = 1;
    LoadData(a2.Get<half>()[shift], a1.Get<half>(), load);
    LoadData(b2.Get<half>(), a1.Get<half>(), load);
    if (omit != SecondFlag) SetFlag<HardEvent::MTE1_M>(0);
    if (omit != SecondFlag) WaitFlag<HardEvent::MTE1_M>(0);
    Mmad(c.Get<float>(), a2.Get<half>(), b2.Get<half>(), mmad);
    if (omit != ThirdFlag) SetFlag<HardEvent::M_FIX>(0);
    if (omit != ThirdFlag) WaitFlag<HardEvent::M_FIX>(0);
    FixpipeParamsV220 fix;
    fix.nSize = columns, fix.mSize = 16, fix.srcStride = 16, fix.dstStride = 16;
    Fixpipe(to, c.Get<float>(), fix);
}

MmadParams sizes(uint16_t m, uint16_t n, uint16_t k) {
    MmadParams params;
    params.m = m, params.n = n, params.k = k;
    return params;
}
} // namespace

KERNEL(cube_fine) { product<Nothing>(x, y, sizes(16, 16, 16)); }
KERNEL(load_before_copy) { product<FirstFlag>(x, y, sizes(16, 16, 16)); }
KERNEL(product_before_load) { product<SecondFlag>(x, y, sizes(16, 16, 16)); }
KERNEL(fixpipe_before_product) { product<ThirdFlag>(x, y, sizes(16, 16, 16)); }
KERNEL(one_row) { product<Nothing>(x, y, sizes(1, 16, 16)); }
KERNEL(too_many_terms) { product<Nothing>(x, y, sizes(16, 16, 4096)); }
KERNEL(garbage_terms) { product<Nothing>(x, y, sizes(16, 16, 17)); }
KERNEL(odd_columns) { product<Nothing>(x, y, sizes(16, 16, 16), 8); }
KERNEL(misaligned_fractal) { product<Nothing>(x, y, sizes(16, 16, 16), 16, 16); }
KERNEL(sum_never_started) {
    MmadParams params = sizes(16, 16, 16);
    params.cmatrixInitVal = false;
    product<Nothing>(x, y, params);
}

namespace {
// The memories of a cube core, for kernels that use them wrongly.
struct Cube {
    TPipe pipe;
    TBuf<TPosition::A1> a1;
    TBuf<TPosition::A2> a2;
    TBuf<TPosition::B2> b2;
    TBuf<TPosition::CO1> c;
    Cube() {
        pipe.InitBuffer(a1, 1024);
        pipe.InitBuffer(a2, 1024);
        pipe.InitBuffer(b2, 1024);
        pipe.InitBuffer(c, 4096);
        InitConstValue(a1.Get<half>(), InitConstValueParams<half>(1, 32, 0, half(1)));
        PipeBarrier<PIPE_ALL>();
    }
};
LoadData2DParams once() {
    LoadData2DParams load;
    load.repeatTimes = 1, load.srcStride = 1;
    return load;
}
template <class T> GlobalTensor<T> global(GM_ADDR at) {
    GlobalTensor<T> tensor;
    tensor.SetGlobalBuffer(reinterpret_cast<__gm__ T *>(at), 4096);
    return tensor;
}
FixpipeParamsV220 square() {
    FixpipeParamsV220 fix;
    fix.nSize = 16, fix.mSize = 16, fix.srcStride = 16, fix.dstStride = 16;
    return fix;
}
} // namespace

KERNEL(fractals_outside_l1) {
    Cube cube;
    DataCopy(cube.a2.Get<half>(), global<half>(x), Nd2NzParams(1, 16, 16, 0, 16, 16, 1, 0));
}
KERNEL(too_many_rows_of_fractals) {
    Cube cube;
    DataCopy(cube.a1.Get<half>(), global<half>(x), Nd2NzParams(1, 16385, 16, 0, 0, 16, 0, 0));
}
KERNEL(fractals_without_a_stride) {
    Cube cube;
    DataCopy(cube.a1.Get<half>(), global<half>(x), Nd2NzParams(1, 16, 16, 0, 16, 0, 1, 0));
}
KERNEL(filled_where_it_cannot_be) {
    Cube cube;
    InitConstValue(cube.c.Get<float>(), InitConstValueParams<float>(1, 1, 0, 0));
}
KERNEL(loaded_to_l1) {
    Cube cube;
    LoadData(cube.a1.Get<half>()[256], cube.a1.Get<half>(), once());
}
KERNEL(loaded_from_l0) {
    Cube cube;
    LoadData(cube.a2.Get<half>(), cube.b2.Get<half>(), once());
}
KERNEL(loaded_not_once) {
    Cube cube;
    LoadData(cube.a2.Get<half>(), cube.a1.Get<half>(), LoadData2DParams());
}
KERNEL(floats_transposed) {
    Cube cube;
    auto load = once();
    load.ifTranspose = true;
    LoadData(cube.a2.Get<float>(), cube.a1.Get<float>(), load);
}
KERNEL(turned_to_l1) {
    Cube cube;
    LoadDataWithTranspose(cube.a1.Get<half>()[256], cube.a1.Get<half>(), LoadData2dTransposeParams(0, 1, 1, 0, 0));
}
KERNEL(turned_from_l0) {
    Cube cube;
    LoadDataWithTranspose(cube.b2.Get<half>(), cube.a2.Get<half>(), LoadData2dTransposeParams(0, 1, 1, 0, 0));
}
KERNEL(turned_not_once) {
    Cube cube;
    LoadDataWithTranspose(cube.b2.Get<half>(), cube.a1.Get<half>(), LoadData2dTransposeParams());
}
KERNEL(turned_past_the_end) {
    Cube cube;
    LoadDataWithTranspose(cube.b2.Get<float>(), cube.a1.Get<float>(), LoadData2dTransposeParams(1, 1, 1, 0, 0));
}
KERNEL(turned_onto_each_other) {
    Cube cube;
    LoadDataWithTranspose(cube.b2.Get<float>(), cube.a1.Get<float>(), LoadData2dTransposeParams(0, 2, 0, 0, 0));
}
KERNEL(turned_before_it_is_there) {
    Cube cube;
    DataCopy(cube.a1.Get<float>(), global<float>(y), Nd2NzParams(1, 16, 16, 0, 16, 16, 1, 0));
    LoadDataWithTranspose(cube.b2.Get<float>(), cube.a1.Get<float>(), LoadData2dTransposeParams(0, 1, 1, 0, 0));
}
KERNEL(left_operand_elsewhere) {
    Cube cube;
    Mmad(cube.c.Get<float>(), cube.b2.Get<half>(), cube.b2.Get<half>(), sizes(16, 16, 16));
}
KERNEL(right_operand_elsewhere) {
    Cube cube;
    Mmad(cube.c.Get<float>(), cube.a2.Get<half>(), cube.a2.Get<half>(), sizes(16, 16, 16));
}
KERNEL(sum_elsewhere) {
    Cube cube;
    Mmad(cube.a1.Get<float>(), cube.a2.Get<half>(), cube.b2.Get<half>(), sizes(16, 16, 16));
}
KERNEL(result_from_elsewhere) {
    Cube cube;
    Fixpipe(global<float>(y), cube.a1.Get<float>(), square());
}
KERNEL(result_in_fractals) {
    Cube cube;
    Fixpipe<float, float, CFG_NZ>(global<float>(y), cube.c.Get<float>(), square());
}
KERNEL(too_many_rows_of_a_result) {
    Cube cube;
    auto fix = square();
    fix.mSize = 8193;
    Fixpipe(global<float>(y), cube.c.Get<float>(), fix);
}
KERNEL(result_of_another_type) {
    Cube cube;
    Fixpipe(global<half>(y), cube.c.Get<float>(), square());
}
KERNEL(factors_missing) {
    Cube cube;
    auto fix = square();
    fix.quantPre = VDEQF16;
    Fixpipe(global<half>(y), cube.c.Get<int32_t>(), fix);
}
KERNEL(result_past_the_allocation) {
    product<Nothing>(x, y + 4096 * 4 - 512, sizes(16, 16, 16));
}
KERNEL(result_in_atomic_mode) {
    SetAtomicAdd<float>();
    product<Nothing>(x, y, sizes(16, 16, 16));
    SetAtomicNone();
}
