// Buffers, queues, barriers and flags.
#pragma once
#include "tensor.h"

namespace AscendC {

// The pipe that fills a queue of this position, and the one that empties it.
constexpr uint8_t producerOf(TPosition position) {
    switch (position) {
        case TPosition::VECIN:
        case TPosition::A1:
        case TPosition::B1:
        case TPosition::C1:
        case TPosition::TSCM: return portolan::PipeMte2;
        case TPosition::A2:
        case TPosition::B2:
        case TPosition::C2: return portolan::PipeMte1;
        case TPosition::CO1: return portolan::PipeM;
        default: return portolan::PipeV;
    }
}

constexpr uint8_t consumerOf(TPosition position) {
    switch (position) {
        case TPosition::VECOUT:
        case TPosition::CO2: return portolan::PipeMte3;
        case TPosition::A1:
        case TPosition::B1:
        case TPosition::C1:
        case TPosition::TSCM: return portolan::PipeMte1;
        case TPosition::A2:
        case TPosition::B2:
        case TPosition::C2: return portolan::PipeM;
        case TPosition::CO1: return portolan::PipeFix;
        default: return portolan::PipeV;
    }
}

// A queue whose producer writes `source` and whose consumer reads `target`.
template <TPosition source, TPosition target, int32_t depth, auto... options> class TQueBind {
    static_assert(depth >= 0 && depth <= 8, "TQue: the depth is 0 to 8");
    static_assert(source != TPosition::GM, "TQue: global memory has no queue");

public:
    TQueBind() : state{producerOf(source), consumerOf(target), uint8_t(source), uint8_t(depth), 0, 0, 0, 0, {}, 0} {}
    template <class T> LocalTensor<T> AllocTensor(PORTOLAN_LINE) { return LocalTensor<T>(portolan::allocate(state, {"AllocTensor", line.number})); }
    template <class T> bool EnQue(const LocalTensor<T> &tensor, PORTOLAN_LINE) {
        portolan::enqueue(state, tensor, {"EnQue", line.number});
        return true;
    }
    template <class T> LocalTensor<T> DeQue(PORTOLAN_LINE) { return LocalTensor<T>(portolan::dequeue(state, {"DeQue", line.number})); }
    template <class T> void FreeTensor(const LocalTensor<T> &tensor, PORTOLAN_LINE) { portolan::release(state, tensor, {"FreeTensor", line.number}); }
    int32_t GetTensorCountInQue() const { return state.waiting; }
    bool HasTensorInQue() const { return state.waiting != 0; }

    portolan::Queue state;
};

template <TPosition position, int32_t depth, auto... options> class TQue : public TQueBind<position, position, depth, options...> {};

template <TPosition where = TPosition::VECCALC> class TBuf {
public:
    TBuf() : whole{nullptr, 0, -1, uint8_t(where), 0} {}
    template <class T> LocalTensor<T> Get() const { return LocalTensor<T>(whole); }
    template <class T> LocalTensor<T> Get(uint32_t count) const {
        LocalTensor<T> part(whole);
        part.SetSize(count);
        if (part.bytes > whole.bytes) part.bytes = whole.bytes;
        return part;
    }
    template <class T> LocalTensor<T> GetWithOffset(uint32_t count, uint32_t bytes) const {
        LocalTensor<T> part(whole);
        part.address += bytes;
        part.bytes = count * sizeof(T);
        return part;
    }
    portolan::Local whole;
};

class TPipe {
public:
    TPipe(PORTOLAN_LINE) { portolan::openPipe({"TPipe", line.number}); }
    TPipe(const TPipe &) = delete;
    void Destroy(PORTOLAN_LINE) { portolan::closePipe({"TPipe::Destroy", line.number}); }
    void Reset(PORTOLAN_LINE) {
        portolan::closePipe({"TPipe::Reset", line.number});
        portolan::openPipe({"TPipe::Reset", line.number});
    }
    template <TPosition source, TPosition target, int32_t depth, auto... options>
    bool InitBuffer(TQueBind<source, target, depth, options...> &queue, uint8_t count, uint32_t bytes, PORTOLAN_LINE) {
        portolan::initQueue(queue.state, count, bytes, {"InitBuffer", line.number});
        return true;
    }
    template <TPosition position> bool InitBuffer(TBuf<position> &buffer, uint32_t bytes, PORTOLAN_LINE) {
        buffer.whole = portolan::initBuffer(uint8_t(position), bytes, {"InitBuffer", line.number});
        return true;
    }
    int32_t FetchEventID(HardEvent event, PORTOLAN_LINE) {
        return portolan::fetchEvent(uint8_t(event) / 16, uint8_t(event) % 16, false, {"FetchEventID", line.number});
    }
    template <HardEvent event> int32_t AllocEventID(PORTOLAN_LINE) {
        return portolan::fetchEvent(uint8_t(event) / 16, uint8_t(event) % 16, true, {"AllocEventID", line.number});
    }
    template <HardEvent event> void ReleaseEventID(int32_t id, PORTOLAN_LINE) {
        portolan::releaseEvent(uint8_t(event) / 16, uint8_t(event) % 16, id, {"ReleaseEventID", line.number});
    }
};

// The pipe object holds nothing: its state is the core's.
inline TPipe *GetTPipePtr() {
    alignas(TPipe) static char place[sizeof(TPipe)];
    return reinterpret_cast<TPipe *>(place);
}

template <HardEvent event> inline void SetFlag(int32_t id, PORTOLAN_LINE) {
    portolan::setFlag(uint8_t(event) / 16, uint8_t(event) % 16, id, {"SetFlag", line.number});
}
template <HardEvent event> inline void WaitFlag(int32_t id, PORTOLAN_LINE) {
    portolan::waitFlag(uint8_t(event) / 16, uint8_t(event) % 16, id, {"WaitFlag", line.number});
}
template <pipe_t pipe> inline void PipeBarrier(PORTOLAN_LINE) {
    static_assert(pipe != PIPE_S, "PipeBarrier: the scalar pipe has none, it runs in order");
    portolan::barrier(pipe == PIPE_ALL ? -1 : int32_t(pipe), {"PipeBarrier", line.number});
}

inline int64_t GetBlockIdx() { return portolan::blockIndex(); }
inline int64_t GetBlockNum() { return portolan::blockCount(); }
inline int64_t GetSubBlockIdx() { return 0; }
inline int64_t GetTaskRatio() { return 1; }
inline void Trap(PORTOLAN_LINE) { portolan::trap("the kernel called Trap", {"Trap", line.number}); }

template <class T> inline void SetAtomicAdd(PORTOLAN_LINE) {
    static_assert(isOneOf<T, float, half, bfloat16_t, int8_t, int16_t, int32_t>, "SetAtomicAdd: float, half, bfloat16_t, int8_t, int16_t or int32_t");
    portolan::setAtomic(1, typeOf<T>, {"SetAtomicAdd", line.number});
}
inline void SetAtomicNone(PORTOLAN_LINE) { portolan::setAtomic(0, portolan::Type::F32, {"SetAtomicNone", line.number}); }

enum class CacheLine : uint8_t { SINGLE_CACHE_LINE, ENTIRE_DATA_CACHE };
enum class DcciDst : uint8_t { CACHELINE_ALL, CACHELINE_UB, CACHELINE_OUT, CACHELINE_ATOMIC };
template <class T, CacheLine lines = CacheLine::SINGLE_CACHE_LINE, DcciDst to = DcciDst::CACHELINE_OUT>
inline void DataCacheCleanAndInvalid(const GlobalTensor<T> &tensor, PORTOLAN_LINE) {
    portolan::cacheClean(tensor, {"DataCacheCleanAndInvalid", line.number});
}

} // namespace AscendC
