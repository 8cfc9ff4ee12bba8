
// The chip copies whole blocks of 32 bytes only. What is less than one comes element by element; it goes by way of its
// block, which is read, changed and written: the blocks of a result that a core gives elements of are its own.

template <class T> __aicore__ inline uint32_t inBlock(const GlobalTensor<T> &tensor, int64_t place) {
    return uint32_t((uint64_t(tensor.GetPhyAddr()) + uint64_t(place) * sizeof(T)) % 32 / sizeof(T));
}

// The block in which an element lies.
template <class T>
__aicore__ inline void takeBlock(const GlobalTensor<T> &from, int64_t first, const LocalTensor<uint8_t> &stage) {
    order<HardEvent::S_MTE2>();
    order<HardEvent::MTE3_MTE2>();
    DataCopy(stage, bytesOf(from, first), 32);
    order<HardEvent::MTE2_S>();
}

template <class T>
__aicore__ inline void giveBlock(const GlobalTensor<T> &to, int64_t first, const LocalTensor<uint8_t> &stage) {
    order<HardEvent::S_MTE3>();
    DataCopy(bytesOf(to, first), stage, 32);
    order<HardEvent::MTE3_S>();
}

template <class T> __aicore__ inline T take(const GlobalTensor<T> &from, int64_t place, const LocalTensor<uint8_t> &stage) {
    const uint32_t inside = inBlock(from, place);
    takeBlock(from, place - inside, stage);
    return stage.template ReinterpretCast<T>().GetValue(inside);
}

template <class T>
__aicore__ inline void give(const GlobalTensor<T> &to, int64_t place, T value, const LocalTensor<uint8_t> &stage) {
    const uint32_t inside = inBlock(to, place);
    takeBlock(to, place - inside, stage);
    stage.template ReinterpretCast<T>().SetValue(inside, value);
    giveBlock(to, place - inside, stage);
}

template <class T>
__aicore__ inline void takePiece(const LocalTensor<T> &to, const GlobalTensor<T> &from, int64_t place, int64_t first, int64_t limit,
                                 T) {
    constexpr int64_t block = 32 / int64_t(sizeof(T));
    const int64_t begin = least(limit, (first + block - 1) / block * block);
    const int64_t end = begin + (limit - begin) / block * block;
    if (begin < end) {
        DataCopy(to[uint32_t(begin)].template ReinterpretCast<uint8_t>(), bytesOf(from, place + begin),
                 uint32_t((end - begin) * int64_t(sizeof(T))));
    }
    if (first == begin && end == limit) return;
    order<HardEvent::MTE2_S>();
    for (int64_t i = first; i < begin; i++) to.SetValue(uint32_t(i), from.GetValue(uint64_t(place + i)));
    for (int64_t i = end; i < limit; i++) to.SetValue(uint32_t(i), from.GetValue(uint64_t(place + i)));
    order<HardEvent::S_MTE2>();
}

template <class T>
__aicore__ inline void takeRows(const LocalTensor<T> &to, const GlobalTensor<T> &from, int64_t place, int64_t step, int64_t width,
                                int64_t count, int32_t spread) {
    constexpr int64_t block = 32 / int64_t(sizeof(T));
    const int64_t end = width / block * block;
    for (int64_t row = 0; row < count && end > 0; row++) {
        DataCopy(to[uint32_t(row * spread)].template ReinterpretCast<uint8_t>(), bytesOf(from, place + row * step),
                 uint32_t(end * int64_t(sizeof(T))));
    }
    if (end == width) return;
    order<HardEvent::MTE2_S>();
    for (int64_t row = 0; row < count; row++) {
        for (int64_t i = end; i < width; i++) {
            to.SetValue(uint32_t(row * spread + i), from.GetValue(uint64_t(place + row * step + i)));
        }
    }
    order<HardEvent::S_MTE2>();
}

template <class T>
__aicore__ inline void givePiece(const GlobalTensor<T> &to, int64_t place, const LocalTensor<T> &from, int64_t first, int64_t limit,
                                 const LocalTensor<uint8_t> &stage) {
    constexpr int64_t block = 32 / int64_t(sizeof(T));
    const int64_t end = first + (limit - first) / block * block;
    if (first < end) {
        DataCopy(bytesOf(to, place + first), from[uint32_t(first)].template ReinterpretCast<uint8_t>(),
                 uint32_t((end - first) * int64_t(sizeof(T))));
    }
    if (end == limit) return;
    order<HardEvent::V_S>();
    order<HardEvent::MTE3_S>();
    const auto near = stage.template ReinterpretCast<T>();
    for (int64_t i = end; i < limit;) {
        const int64_t inside = inBlock(to, place + i), own = place + i - inside;
        takeBlock(to, own, stage);
        for (int64_t at = inside; at < block && i < limit; at++, i++) near.SetValue(uint32_t(at), from.GetValue(uint32_t(i)));
        giveBlock(to, own, stage);
    }
    order<HardEvent::S_MTE3>();
}
