// Kernels for a chip that copies whole blocks of 32 bytes only, which each break one rule. `x` and `y` have 4,096 floats
// each; two blocks run.
#include "kernel_operator.h"
using namespace AscendC;

#define KERNEL(name) extern "C" __global__ __aicore__ void name(GM_ADDR, GM_ADDR y)

namespace {
// Sets some elements of a block, and copies the whole of it to memory that was never written.
void around(GM_ADDR y, bool fetched, int count) {
    TPipe pipe;
    TBuf<TPosition::VECCALC> buffer;
    pipe.InitBuffer(buffer, 32);
    auto block = buffer.Get<float>();
    GlobalTensor<float> to;
    to.SetGlobalBuffer(reinterpret_cast<__gm__ float *>(y), 4096);
    auto place = to[GetBlockIdx() * 8];
    if (fetched) DataCopy(block, place, 8);
    SetFlag<HardEvent::MTE2_S>(0);
    WaitFlag<HardEvent::MTE2_S>(0);
    for (int i = 0; i < count; i++) block.SetValue(i, 1.0f);
    SetFlag<HardEvent::S_MTE3>(0);
    WaitFlag<HardEvent::S_MTE3>(0);
    DataCopy(place, block, 8);
}
} // namespace

KERNEL(blocks_fine) { around(y, true, 3); }
KERNEL(block_of_nothing) { around(y, false, 0); }
KERNEL(block_only_fetched) { around(y, true, 0); }
