// What the kernel header and the emulator's library say to each other. A kernel holds no arithmetic of its own: each
// call of the Ascend C subset becomes one call into the library, so that kernels compile quickly and one build of a
// kernel runs with the checks on or off.
#pragma once
#include <stddef.h>
#include <stdint.h>

namespace portolan {

enum class Type : int32_t { F32, F16, BF16, I8, U8, I16, U16, I32, U32, I64, U64 };
enum Pipe : uint8_t { PipeS, PipeV, PipeM, PipeMte1, PipeMte2, PipeMte3, PipeFix, PipeCount };

// Where the kernel's source stands: what it calls, and in which line.
struct Place {
    const char *operation;
    int32_t line;
};

// A piece of a local memory. `buffer` is the queue buffer it belongs to, -1 for none.
struct Local {
    uint8_t *address;
    uint32_t bytes;
    int16_t buffer;
    uint8_t position;
    uint8_t reserved;
};

// A piece of global memory. `bytes` as the kernel declared it; all ones where it declared none.
struct Global {
    uint8_t *address;
    uint64_t bytes;
};

struct Queue {
    uint8_t producer, consumer; // pipes
    uint8_t position, depth;
    uint8_t count, first;       // its buffers in the core's table
    uint8_t head, waiting;      // of the ring below
    uint8_t ring[8];
    uint8_t initialized;
};

// Masks and strides of the form with repeats; strides in 32-byte blocks (reductions say otherwise).
struct Repeat {
    uint64_t mask[2];
    int32_t times;
    int32_t dstBlock, firstBlock, secondBlock;
    int32_t dstRepeat, firstRepeat, secondRepeat;
};

enum class Binary : int32_t { Add, Sub, Mul, Div, Max, Min, And, Or, MulAddDst };
enum class Unary : int32_t { Abs, Exp, Ln, Sqrt, Rsqrt, Reciprocal, Relu, Not };
enum class Scalar : int32_t { Adds, Muls, Maxs, Mins, LeakyRelu, ShiftLeft, ShiftRight, Axpy, Duplicate };
enum class Reduction : int32_t { Sum, Max, Min };

struct Rows { // of DataCopy and DataCopyPad, all in bytes, start to start
    uint32_t count, length;
    uint64_t sourceStep, targetStep;
    uint32_t left, right; // padding in bytes
    uint64_t padding;     // the element's bits
    int32_t isPad, element;
};

struct Nd2Nz {
    uint32_t count, rows, columns;
    uint64_t matrixStep, rowStep;          // elements
    uint32_t blockStep, rowTarget, matrixTarget; // C0 units, C0 units, elements
};

struct Load {
    uint32_t start, times, sourceStep, targetGap; // fractals
    int32_t transpose;
};

struct LoadTurned {
    uint32_t start, times, sourceStep; // squares
    uint32_t targetGap, insideGap;     // fractals
};

struct Multiply {
    uint32_t m, n, k;
    int32_t initial; // C starts at zero
};

struct Fix {
    uint32_t n, m, sourceStep, targetStep;
    int32_t relu, quantisation, rowMajor;
    uint32_t matrices, sourceMatrix, targetMatrix;
    uint64_t scale;
    const Local *scales;
};

#define PORTOLAN_API __attribute__((visibility("default")))

PORTOLAN_API extern int32_t checking; // whether every access is followed
PORTOLAN_API extern int32_t counting; // whether instructions are counted

PORTOLAN_API void openPipe(Place);
PORTOLAN_API void closePipe(Place);
PORTOLAN_API void initQueue(Queue &, uint32_t count, uint32_t bytes, Place);
PORTOLAN_API Local initBuffer(uint8_t position, uint32_t bytes, Place);
PORTOLAN_API Local allocate(Queue &, Place);
PORTOLAN_API void enqueue(Queue &, const Local &, Place);
PORTOLAN_API Local dequeue(Queue &, Place);
PORTOLAN_API void release(Queue &, const Local &, Place);
PORTOLAN_API void barrier(int32_t pipe, Place); // -1: all
PORTOLAN_API void setFlag(uint8_t from, uint8_t to, int32_t id, Place);
PORTOLAN_API void waitFlag(uint8_t from, uint8_t to, int32_t id, Place);
PORTOLAN_API int32_t fetchEvent(uint8_t from, uint8_t to, bool keep, Place);
PORTOLAN_API void releaseEvent(uint8_t from, uint8_t to, int32_t id, Place);
PORTOLAN_API int64_t blockIndex();
PORTOLAN_API int64_t blockCount();
PORTOLAN_API void trap(const char *text, Place);

PORTOLAN_API void scalarRead(const Local &, uint64_t offset, uint32_t bytes, Place);
PORTOLAN_API void scalarWrite(const Local &, uint64_t offset, uint32_t bytes, Place);
PORTOLAN_API void globalRead(const Global &, uint64_t offset, uint32_t bytes, Place);
PORTOLAN_API void globalWrite(const Global &, uint64_t offset, uint32_t bytes, Place);
PORTOLAN_API void cacheClean(const Global &, Place);

PORTOLAN_API void binary(Binary, Type, const Local &dst, const Local &a, const Local &b, int64_t count, Place);
PORTOLAN_API void binaryRepeat(Binary, Type, const Local &dst, const Local &a, const Local &b, const Repeat &, Place);
PORTOLAN_API void unary(Unary, Type, const Local &dst, const Local &a, int64_t count, Place);
PORTOLAN_API void unaryRepeat(Unary, Type, const Local &dst, const Local &a, const Repeat &, Place);
PORTOLAN_API void scalar(Scalar, Type, const Local &dst, const Local &a, uint64_t bits, int64_t count, Place);
PORTOLAN_API void scalarRepeat(Scalar, Type, const Local &dst, const Local &a, uint64_t bits, const Repeat &, Place);
PORTOLAN_API void cast(Type to, Type from, const Local &dst, const Local &a, int32_t mode, int64_t count, Place);
PORTOLAN_API void castRepeat(Type to, Type from, const Local &dst, const Local &a, int32_t mode, const Repeat &, Place);
PORTOLAN_API void setDequantScale(float, Place);
PORTOLAN_API void compare(int32_t mode, Type, const Local &dst, const Local &a, const Local *b, uint64_t bits, int64_t count, Place);
PORTOLAN_API void select(int32_t mode, Type, const Local &dst, const Local &mask, const Local &a, const Local *b, uint64_t bits, int64_t count, Place);
PORTOLAN_API void reduce(Reduction, Type, const Local &dst, const Local &a, const Local &work, int64_t count, bool index, Place);
PORTOLAN_API void wholeReduce(Reduction, Type, const Local &dst, const Local &a, const Repeat &, int32_t order, Place);
PORTOLAN_API void blockReduce(Reduction, Type, const Local &dst, const Local &a, const Repeat &, Place);
PORTOLAN_API void gather(int32_t element, const Local &dst, const Local &a, const Local &offsets, uint32_t base, int64_t count, Place);
PORTOLAN_API void broadcastBlocks(int32_t element, const Local &dst, const Local &a, const Repeat &, Place);
PORTOLAN_API void transpose16(const Local &dst, const Local &a, Place);
PORTOLAN_API void vectorIndex(Type, const Local &dst, uint64_t first, int64_t count, Place);

PORTOLAN_API void copyIn(const Local &dst, const Global &a, const Rows &, Place);
PORTOLAN_API void copyOut(const Global &dst, const Local &a, const Rows &, Place);
PORTOLAN_API void copyLocal(const Local &dst, const Local &a, const Rows &, Place);
PORTOLAN_API void setAtomic(int32_t operation, Type, Place); // 0 none, 1 add, 2 max, 3 min
PORTOLAN_API void fractals(int32_t element, const Local &dst, const Global &a, const Nd2Nz &, Place);
PORTOLAN_API void fill(int32_t element, const Local &dst, uint64_t bits, uint32_t times, uint32_t blocks, uint32_t gap, Place);
PORTOLAN_API void load(int32_t element, const Local &dst, const Local &a, const Load &, Place);
PORTOLAN_API void loadTurned(int32_t element, const Local &dst, const Local &a, const LoadTurned &, Place);
PORTOLAN_API void multiply(Type c, Type ab, const Local &dst, const Local &a, const Local &b, const Multiply &, Place);
PORTOLAN_API void fix(Type to, Type from, const Global &dst, const Local &a, const Fix &, Place);

} // namespace portolan
