
// Copies of any number of bytes.

template <class T> __aicore__ inline T take(const GlobalTensor<T> &from, int64_t place, const LocalTensor<uint8_t> &stage) {
    order<HardEvent::S_MTE2>();
    DataCopyPad(stage, bytesOf(from, place), DataCopyExtParams(1, sizeof(T), 0, 0, 0), DataCopyPadExtParams<uint8_t>());
    order<HardEvent::MTE2_S>();
    return stage.template ReinterpretCast<T>().GetValue(0);
}

template <class T>
__aicore__ inline void give(const GlobalTensor<T> &to, int64_t place, T value, const LocalTensor<uint8_t> &stage) {
    stage.template ReinterpretCast<T>().SetValue(0, value);
    order<HardEvent::S_MTE3>();
    DataCopyPad(bytesOf(to, place), stage, DataCopyExtParams(1, sizeof(T), 0, 0, 0));
    order<HardEvent::MTE3_S>();
}

template <class T>
__aicore__ inline void takePiece(const LocalTensor<T> &to, const GlobalTensor<T> &from, int64_t place, int64_t first, int64_t limit,
                                 T other) {
    const int64_t block = 32 / int64_t(sizeof(T));
    const int64_t lead = first % block;
    const int64_t tail = (block - limit % block) % block;
    const DataCopyExtParams rows(1, uint32_t((limit - first) * int64_t(sizeof(T))), 0, 0, 0);
    if constexpr (sizeof(T) == 8) {
        GlobalTensor<uint32_t> source;
        source.SetGlobalBuffer((__gm__ uint32_t *)from.GetPhyAddr() + 2 * (place + first));
        DataCopyPad(to[uint32_t(first - lead)].template ReinterpretCast<uint32_t>(), source, rows,
                    DataCopyPadExtParams<uint32_t>(true, uint8_t(2 * lead), uint8_t(2 * tail), uint32_t(other)));
        if (uint32_t(other) != uint32_t(uint64_t(other) >> 32)) {
            order<HardEvent::MTE2_S>();
            for (int64_t i = first - lead; i < first; i++) to.SetValue(uint32_t(i), other);
            for (int64_t i = limit; i < limit + tail; i++) to.SetValue(uint32_t(i), other);
        }
    } else {
        DataCopyPad(to[uint32_t(first - lead)], from[uint64_t(place + first)], rows,
                    DataCopyPadExtParams<T>(true, uint8_t(lead), uint8_t(tail), other));
    }
}

template <class T>
__aicore__ inline void takeRows(const LocalTensor<T> &to, const GlobalTensor<T> &from, int64_t place, int64_t step, int64_t width,
                                int64_t count, int32_t spread) {
    const int64_t bytes = width * int64_t(sizeof(T));
    const int64_t gap = int64_t(spread) * int64_t(sizeof(T)) / 32 - (bytes + 31) / 32;
    const DataCopyExtParams rows(uint16_t(count), uint32_t(bytes), uint32_t((step - width) * int64_t(sizeof(T))), uint32_t(gap), 0);
    if constexpr (sizeof(T) == 8) {
        GlobalTensor<uint32_t> source;
        source.SetGlobalBuffer((__gm__ uint32_t *)from.GetPhyAddr() + 2 * place);
        DataCopyPad(to.template ReinterpretCast<uint32_t>(), source, rows, DataCopyPadExtParams<uint32_t>());
    } else if constexpr (sizeof(T) == 1) {
        // Bytes are converted block by block afterwards, so that each byte of a block has to be something.
        DataCopyPad(to, from[uint64_t(place)], rows, DataCopyPadExtParams<T>(true, 0, uint8_t((32 - bytes % 32) % 32), T(0)));
    } else {
        DataCopyPad(to, from[uint64_t(place)], rows, DataCopyPadExtParams<T>());
    }
}

template <class T>
__aicore__ inline void givePiece(const GlobalTensor<T> &to, int64_t place, const LocalTensor<T> &from, int64_t first, int64_t limit,
                                 const LocalTensor<uint8_t> &) {
    const DataCopyExtParams rows(1, uint32_t((limit - first) * int64_t(sizeof(T))), 0, 0, 0);
    if constexpr (sizeof(T) == 8) {
        GlobalTensor<uint32_t> target;
        target.SetGlobalBuffer((__gm__ uint32_t *)to.GetPhyAddr() + 2 * (place + first));
        DataCopyPad(target, from[uint32_t(first)].template ReinterpretCast<uint32_t>(), rows);
    } else {
        DataCopyPad(to[uint64_t(place + first)], from[uint32_t(first)], rows);
    }
}
