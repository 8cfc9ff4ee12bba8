
// The cube: tiles of 128 x 128 sums. Queues of two, so that the next tiles come in while these are multiplied.
struct Cube {
    static constexpr int64_t tile = 128;
    static constexpr int64_t bytes = 32768; // of a tile of either matrix
    TQue<TPosition::A1, 1> a1;
    TQue<TPosition::B1, 1> b1;
    TQue<TPosition::A2, 1> a2;
    TQue<TPosition::B2, 1> b2;
    TQue<TPosition::CO1, 1> sums;
    __aicore__ inline void open(TPipe &pipe) {
        pipe.InitBuffer(a1, 2, bytes);
        pipe.InitBuffer(b1, 2, bytes);
        pipe.InitBuffer(a2, 2, bytes);
        pipe.InitBuffer(b2, 2, bytes);
        pipe.InitBuffer(sums, 1, tile * tile * 4);
    }
};

// c[i, j] = sum over l of a[i, l] * b[j, l]. A row of any of them lies `stride` elements from the next. n is a multiple
// of 16 and k of what 32 bytes hold. The tiles are divided among the cores.
template <class T, class Sum, class HeldC, class HeldT>
__aicore__ inline void multiply(Cube &cube, const GlobalTensor<HeldC> &cHeld, int64_t cPlace, int64_t cStride,
                                const GlobalTensor<HeldT> &aHeld, int64_t aPlace, int64_t aStride,
                                const GlobalTensor<HeldT> &bHeld, int64_t bPlace, int64_t bStride, int64_t m, int64_t n,
                                int64_t k) {
    constexpr int64_t block = 32 / int64_t(sizeof(T)); // elements
    constexpr int64_t fractal = 16 * block;
    constexpr int64_t depth = Cube::bytes / Cube::tile / int64_t(sizeof(T));
    GlobalTensor<T> a, b;
    GlobalTensor<Sum> c;
    a.SetGlobalBuffer((__gm__ T *)aHeld.GetPhyAddr() + aPlace);
    b.SetGlobalBuffer((__gm__ T *)bHeld.GetPhyAddr() + bPlace);
    c.SetGlobalBuffer((__gm__ Sum *)cHeld.GetPhyAddr() + cPlace);
    const int64_t across = (n + Cube::tile - 1) / Cube::tile;
    const int64_t tiles = (m + Cube::tile - 1) / Cube::tile * across;
    for (int64_t number = GetBlockIdx(); number < tiles; number += GetBlockNum()) {
        const int64_t top = number / across * Cube::tile;
        const int64_t side = number % across * Cube::tile;
        const int64_t rows = least(Cube::tile, m - top);
        const int64_t columns = least(Cube::tile, n - side);
        const int64_t rowsUp = (rows + 15) / 16 * 16;
        auto sum = cube.sums.AllocTensor<Sum>();
        for (int64_t first = 0; first < k; first += depth) {
            const int64_t length = least(depth, k - first);
            auto left = cube.a1.AllocTensor<T>();
            if (rows == 1) {
                // One row alone would mean another kind of product: it gets fifteen of zeros beside it.
                const auto blocks = uint16_t(16 * length / block);
                InitConstValue(left.template ReinterpretCast<uint32_t>(), InitConstValueParams<uint32_t>(1, blocks, 0, 0));
                PipeBarrier<PIPE_MTE2>();
            }
            DataCopy(left, a[uint64_t(top * aStride + first)],
                     Nd2NzParams(1, uint16_t(rows), uint16_t(length), 0, uint16_t(aStride), uint16_t(rowsUp), 1, 0));
            cube.a1.EnQue(left);
            auto right = cube.b1.AllocTensor<T>();
            DataCopy(right, b[uint64_t(side * bStride + first)],
                     Nd2NzParams(1, uint16_t(columns), uint16_t(length), 0, uint16_t(bStride), uint16_t(columns), 1, 0));
            cube.b1.EnQue(right);

            left = cube.a1.DeQue<T>();
            auto nearLeft = cube.a2.AllocTensor<T>();
            LoadData2DParams load;
            load.repeatTimes = uint8_t(length / block);
            load.srcStride = uint16_t(rowsUp / 16);
            for (int64_t i = 0; i < rowsUp / 16; i++) {
                LoadData(nearLeft[uint32_t(i * 16 * length)], left[uint32_t(i * fractal)], load);
            }
            cube.a1.FreeTensor(left);
            cube.a2.EnQue(nearLeft);

            right = cube.b1.DeQue<T>();
            auto nearRight = cube.b2.AllocTensor<T>();
            LoadData2DParams all;
            all.srcStride = 1;
            const int64_t fractals = length / block * (columns / 16);
            for (int64_t at = 0; at < fractals; at += 255) {
                all.startIndex = uint16_t(at);
                all.repeatTimes = uint8_t(least(255, fractals - at));
                LoadData(nearRight[uint32_t(at * fractal)], right, all);
            }
            cube.b1.FreeTensor(right);
            cube.b2.EnQue(nearRight);

            nearLeft = cube.a2.DeQue<T>();
            nearRight = cube.b2.DeQue<T>();
            MmadParams product;
            product.m = uint16_t(rows == 1 ? 16 : rows);
            product.n = uint16_t(columns);
            product.k = uint16_t(length);
            product.cmatrixInitVal = first == 0;
            if (first > 0) PipeBarrier<PIPE_M>();
            Mmad(sum, nearLeft, nearRight, product);
            cube.a2.FreeTensor(nearLeft);
            cube.b2.FreeTensor(nearRight);
        }
        cube.sums.EnQue(sum);
        sum = cube.sums.DeQue<Sum>();
        FixpipeParamsV220 out;
        out.nSize = uint16_t(columns);
        out.mSize = uint16_t(rows);
        out.srcStride = uint16_t(rowsUp);
        out.dstStride = uint32_t(cStride);
        Fixpipe(c[uint64_t(top * cStride + side)], sum, out);
        cube.sums.FreeTensor(sum);
    }
}
