
// How the right matrix of a product lies: each of its rows is a column of the result, or a term of all sums.
constexpr bool byRows = false, byColumns = true;
// The order of the fractals of the left matrix in L0A.
constexpr bool rowAfterRow = false, columnAfterColumn = true;

// The cube: tiles of 128 x 128 sums. Queues of two, so that the next tiles come in while these are multiplied.
struct Cube {
    static constexpr int64_t tile = 128;
    static constexpr int64_t bytes = 32768; // of a tile of either matrix
    TQue<TPosition::A1, 1> a1;
    TQue<TPosition::B1, 1> b1;
    TQue<TPosition::A2, 1> a2;
    TQue<TPosition::B2, 1> b2;
    TQue<TPosition::CO1, 1> sums;
    int64_t turn = 0; // tiles that were dealt out before: the next one is for the core after
    __aicore__ inline void open(TPipe &pipe) {
        pipe.InitBuffer(a1, 2, bytes);
        pipe.InitBuffer(b1, 2, bytes);
        pipe.InitBuffer(a2, 2, bytes);
        pipe.InitBuffer(b2, 2, bytes);
        pipe.InitBuffer(sums, 1, tile * tile * 4);
    }
};

__aicore__ inline int64_t blocksOf(int64_t count, int64_t block) { return (count + block - 1) / block; }

// Zeros in a piece of L1, for what copies do not reach; they come after.
template <class T> __aicore__ inline void clear(const LocalTensor<T> &near, int64_t elements) {
    const auto blocks = uint16_t(elements * int64_t(sizeof(T)) / 32);
    InitConstValue(near.template ReinterpretCast<uint32_t>(), InitConstValueParams<uint32_t>(1, blocks, 0, 0));
    PipeBarrier<PIPE_MTE2>();
}

// Rows of a matrix in global memory to fractals in L1, columns of fractals `pitch` rows long. The last fractals of rows are
// filled up with zeros.
template <class T>
__aicore__ inline void pack(const LocalTensor<T> &near, const GlobalTensor<T> &from, int64_t place, int64_t rows, int64_t columns,
                            int64_t stride, int64_t pitch) {
    constexpr int64_t longest = 65535;
    if (rows == 0) return;
    if (stride <= longest) {
        DataCopy(near, from[uint64_t(place)],
                 Nd2NzParams(1, uint16_t(rows), uint16_t(columns), 0, uint16_t(stride), uint16_t(pitch), 1, 0));
        return;
    }
    for (int64_t row = 0; row < rows; row++) {
        DataCopy(near[uint32_t(row * (32 / int64_t(sizeof(T))))], from[uint64_t(place + row * stride)],
                 Nd2NzParams(1, 1, uint16_t(columns), 0, uint16_t(columns), uint16_t(pitch), 1, 0));
    }
}

// Fractals of L1 to L0B, or to L0A where the order is the same: one after the other.
template <class T> __aicore__ inline void loadAll(const LocalTensor<T> &to, const LocalTensor<T> &from, int64_t fractals) {
    constexpr int64_t fractal = 512 / int64_t(sizeof(T));
    LoadData2DParams load;
    load.srcStride = 1;
    for (int64_t at = 0; at < fractals; at += 255) {
        load.startIndex = uint16_t(at);
        load.repeatTimes = uint8_t(least(255, fractals - at));
        LoadData(to[uint32_t(at * fractal)], from, load);
    }
}

// The left matrix of a step, `rows` x `length`, in L1.
template <class T>
__aicore__ inline void packLeft(const LocalTensor<T> &near, const GlobalTensor<T> &a, int64_t place, int64_t rows, int64_t length,
                                int64_t stride) {
    constexpr int64_t block = 32 / int64_t(sizeof(T));
    const int64_t rowsUp = blocksOf(rows, 16) * 16;
    // One row alone would mean another kind of product: it gets fifteen of zeros beside it.
    if (rows == 1 || length == 0) clear(near, rowsUp * blocksOf(most(length, 1), block) * block);
    if (length > 0) pack(near, a, place, rows, length, stride, rowsUp);
}

template <bool order, class T>
__aicore__ inline void loadLeft(const LocalTensor<T> &to, const LocalTensor<T> &from, int64_t rows, int64_t length) {
    constexpr int64_t block = 32 / int64_t(sizeof(T));
    const int64_t across = blocksOf(length, block), down = blocksOf(rows, 16);
    if constexpr (order == columnAfterColumn) {
        loadAll(to, from, across * down);
    } else {
        LoadData2DParams load;
        load.repeatTimes = uint8_t(across);
        load.srcStride = uint16_t(down);
        for (int64_t i = 0; i < down; i++) LoadData(to[uint32_t(i * 16 * block * across)], from[uint32_t(i * 16 * block)], load);
    }
}

// The right matrix of a step in L1, with zeros where it fills the last fractals up: they are multiplied along the sums, and
// stored beside the last columns. By rows it is `columns` x `length`, by columns `length` x `columns`. There, fractals of
// 32-bit elements lie row after row, so that two neighbours are a square that can be turned.
template <bool held, class T>
__aicore__ inline void packRight(const LocalTensor<T> &near, const GlobalTensor<T> &b, int64_t place, int64_t columns,
                                 int64_t length, int64_t stride) {
    constexpr int64_t block = 32 / int64_t(sizeof(T));
    if constexpr (held == byRows) {
        const int64_t up = blocksOf(columns, 16) * 16;
        if (length == 0 || columns < up) clear(near, up * blocksOf(most(length, 1), block) * block);
        if (length > 0) pack(near, b, place, columns, length, stride, up);
    } else if constexpr (sizeof(T) == 4) {
        const int64_t up = blocksOf(columns, 16) * 16;
        for (int64_t first = 0; first < most(length, 1); first += 16) {
            const auto part = near[uint32_t(first * up)];
            const int64_t rows = least(16, length - first);
            if (rows < 16 || columns < up) clear(part, 16 * up);
            pack(part, b, place + first * stride, rows, columns, stride, 16);
        }
    } else {
        constexpr int64_t side = sizeof(T) == 1 ? 32 : 16;
        const int64_t up = blocksOf(columns, side) * side, lengthUp = blocksOf(most(length, 1), side) * side;
        if (length < lengthUp) clear(near, up * lengthUp);
        pack(near, b, place, length, columns, stride, lengthUp);
    }
}

template <bool held, class T>
__aicore__ inline void loadRight(const LocalTensor<T> &to, const LocalTensor<T> &from, int64_t columns, int64_t length) {
    constexpr int64_t block = 32 / int64_t(sizeof(T));
    if constexpr (held == byRows) {
        loadAll(to, from, blocksOf(length, block) * blocksOf(columns, 16));
    } else if constexpr (sizeof(T) == 2) {
        const int64_t across = blocksOf(columns, 16), down = blocksOf(length, 16);
        LoadData2DParams load;
        load.repeatTimes = uint8_t(across);
        load.srcStride = uint16_t(down);
        load.ifTranspose = true;
        for (int64_t i = 0; i < down; i++) LoadData(to[uint32_t(i * across * 256)], from[uint32_t(i * 256)], load);
    } else {
        constexpr int64_t side = sizeof(T) == 1 ? 32 : 16, square = side * side;
        const int64_t across = blocksOf(columns, side), down = blocksOf(length, side);
        LoadData2dTransposeParams load;
        load.repeatTimes = uint8_t(across);
        load.srcStride = uint16_t(sizeof(T) == 1 ? down : 1);
        load.dstGap = uint16_t(sizeof(T) == 1 ? 1 : 0);
        load.dstFracGap = uint16_t(sizeof(T) == 1 ? 0 : across - 1);
        for (int64_t i = 0; i < down; i++) {
            const int64_t first = sizeof(T) == 1 ? i * square : i * across * square;
            LoadDataWithTranspose(to[uint32_t(i * across * square)], from[uint32_t(first)], load);
        }
    }
}

// c[i, j] = sum over l of a[i, l] * b[j, l], or b[l, j] by columns. A row of any of them lies `stride` elements from the
// next. Sixteen columns of c are written at a time: its rows have room for them. The tiles are divided among the cores.
template <class T, class Sum, bool held, bool order, class HeldC, class HeldT>
__aicore__ inline void multiply(Cube &cube, const GlobalTensor<HeldC> &cHeld, int64_t cPlace, int64_t cStride,
                                const GlobalTensor<HeldT> &aHeld, int64_t aPlace, int64_t aStride,
                                const GlobalTensor<HeldT> &bHeld, int64_t bPlace, int64_t bStride, int64_t m, int64_t n,
                                int64_t k) {
    constexpr int64_t block = 32 / int64_t(sizeof(T)); // elements
    constexpr int64_t depth = Cube::bytes / Cube::tile / int64_t(sizeof(T));
    GlobalTensor<T> a, b;
    GlobalTensor<Sum> c;
    a.SetGlobalBuffer((__gm__ T *)aHeld.GetPhyAddr() + aPlace);
    b.SetGlobalBuffer((__gm__ T *)bHeld.GetPhyAddr() + bPlace);
    c.SetGlobalBuffer((__gm__ Sum *)cHeld.GetPhyAddr() + cPlace);
    const int64_t across = blocksOf(n, Cube::tile);
    const int64_t tiles = blocksOf(m, Cube::tile) * across;
    const int64_t cores = GetBlockNum();
    for (int64_t number = (GetBlockIdx() + cores - cube.turn % cores) % cores; number < tiles; number += cores) {
        const int64_t top = number / across * Cube::tile;
        const int64_t side = number % across * Cube::tile;
        const int64_t rows = least(Cube::tile, m - top);
        const int64_t columns = least(Cube::tile, n - side);
        auto sum = cube.sums.AllocTensor<Sum>();
        for (int64_t first = 0; first < most(k, 1); first += depth) {
            const int64_t length = least(depth, k - first);
            auto left = cube.a1.AllocTensor<T>();
            packLeft(left, a, top * aStride + first, rows, length, aStride);
            cube.a1.EnQue(left);
            auto right = cube.b1.AllocTensor<T>();
            packRight<held>(right, b, held == byRows ? side * bStride + first : first * bStride + side, columns, length, bStride);
            cube.b1.EnQue(right);

            // Without terms the sums are those of zeros.
            const int64_t terms = most(length, 1);
            left = cube.a1.DeQue<T>();
            auto nearLeft = cube.a2.AllocTensor<T>();
            loadLeft<order>(nearLeft, left, rows, terms);
            cube.a1.FreeTensor(left);
            cube.a2.EnQue(nearLeft);

            right = cube.b1.DeQue<T>();
            auto nearRight = cube.b2.AllocTensor<T>();
            loadRight<held>(nearRight, right, columns, terms);
            cube.b1.FreeTensor(right);
            cube.b2.EnQue(nearRight);

            nearLeft = cube.a2.DeQue<T>();
            nearRight = cube.b2.DeQue<T>();
            MmadParams product;
            product.m = uint16_t(rows == 1 ? 16 : rows);
            product.n = uint16_t(held == byColumns && sizeof(T) == 1 ? blocksOf(columns, 32) * 32 : columns);
            product.k = uint16_t(terms);
            product.cmatrixInitVal = first == 0;
            if (first > 0) PipeBarrier<PIPE_M>();
            Mmad(sum, nearLeft, nearRight, product);
            cube.a2.FreeTensor(nearLeft);
            cube.b2.FreeTensor(nearRight);
        }
        cube.sums.EnQue(sum);
        sum = cube.sums.DeQue<Sum>();
        FixpipeParamsV220 out;
        out.nSize = uint16_t(blocksOf(columns, 16) * 16);
        out.mSize = uint16_t(rows);
        out.srcStride = uint16_t(blocksOf(rows, 16) * 16);
        out.dstStride = uint32_t(cStride);
        Fixpipe(c[uint64_t(top * cStride + side)], sum, out);
        cube.sums.FreeTensor(sum);
    }
    cube.turn += tiles;
}
