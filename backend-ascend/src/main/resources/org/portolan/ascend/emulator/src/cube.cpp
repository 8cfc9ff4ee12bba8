// The cube unit. Fractals are 512 bytes: 16 rows of 32 bytes.
#include "numerics.h"
#include "operands.h"

namespace portolan {
namespace {

constexpr uint32_t kFractal = 512, kRows = 16;

uint32_t up(uint32_t value, uint32_t step) { return (value + step - 1) / step * step; }

void transposeFractal(uint8_t *to, const uint8_t *from) {
    auto *d = reinterpret_cast<uint16_t *>(to);
    auto *s = reinterpret_cast<const uint16_t *>(from);
    for (uint32_t r = 0; r < kRows; r++) {
        for (uint32_t c = 0; c < kRows; c++) d[c * kRows + r] = s[r * kRows + c];
    }
}

float numberOf(const uint8_t *at, Type type) {
    if (type == Type::F32) return *reinterpret_cast<const float *>(at);
    if (type == Type::F16) return float(*reinterpret_cast<const half *>(at));
    return toFloat(*reinterpret_cast<const bf16 *>(at));
}

} // namespace

void fractals(int32_t element, const Local &dst, const Global &a, const Nd2Nz &shape, Place place) {
    Core &core = portolan::core(place);
    core.begin(PipeMte2, place);
    core.usedCube = true; // such a fault is the cube core's, whichever pipe it is on
    if (core.kindOf(dst.position) != L1) core.fault("the destination is not in L1");
    uint32_t size = uint32_t(element), c0 = kBlock / size;
    if (shape.rows > 16384) core.fault("nValue %u, but at most 16384 are possible", shape.rows);
    if (shape.blockStep == 0 || shape.blockStep > 16384) core.fault("dstNzC0Stride %u, but 1 to 16384 are possible", shape.blockStep);
    for (uint32_t matrix = 0; matrix < shape.count; matrix++) {
        for (uint32_t row = 0; row < shape.rows && shape.columns > 0; row++) {
            uint64_t offset = (matrix * shape.matrixStep + row * shape.rowStep) * size;
            uint8_t *from = core.global(a, offset, uint64_t(shape.columns) * size, "the source");
            for (uint32_t column = 0; column < shape.columns; column += c0) {
                uint64_t at = (uint64_t(matrix) * shape.matrixTarget + (uint64_t(column / c0) * shape.blockStep + uint64_t(row) * shape.rowTarget) * c0) * size;
                uint8_t *to = core.span(dst, at, kBlock, "the destination");
                uint32_t there = least(c0, shape.columns - column) * size;
                core.aligned(to, kBlock, "the destination");
                core.write(to, kBlock, "the destination");
                memcpy(to, from + uint64_t(column) * size, there);
                memset(to + there, 0, kBlock - there);
                core.globalReads(from + uint64_t(column) * size, there, core.initialized + (to - core.base));
            }
        }
    }
}

void fill(int32_t element, const Local &dst, uint64_t bits, uint32_t times, uint32_t blocks, uint32_t gap, Place place) {
    Core &core = portolan::core(place);
    core.usedCube = true;
    MemoryKind kind = core.kindOf(dst.position);
    if (kind != L1 && kind != L0A && kind != L0B) core.fault("the destination is in %s, not in L1, L0A or L0B", core.memories[kind].name);
    core.begin(kind == L1 ? PipeMte2 : PipeMte1, place);
    uint32_t unit = kind == L1 ? kBlock : kFractal;
    for (uint32_t time = 0; time < times; time++) {
        uint64_t at = uint64_t(time) * (blocks + gap) * unit;
        uint8_t *to = core.span(dst, at, uint64_t(blocks) * unit, "the destination");
        core.aligned(to, unit, "the destination");
        core.write(to, uint64_t(blocks) * unit, "the destination");
        for (uint64_t i = 0; i < uint64_t(blocks) * unit; i += element) memcpy(to + i, &bits, element);
    }
}

void load(int32_t element, const Local &dst, const Local &a, const Load &shape, Place place) {
    Core &core = portolan::core(place);
    core.begin(PipeMte1, place);
    MemoryKind kind = core.kindOf(dst.position);
    if (kind != L0A && kind != L0B) core.fault("the destination is in %s, not in L0A or L0B", core.memories[kind].name);
    if (core.kindOf(a.position) != L1) core.fault("the source is not in L1");
    if (shape.times == 0) core.fault("repeatTimes 0");
    if (shape.transpose && element != 2) core.fault("ifTranspose is for elements of 16 bits only; these have %d bytes", element);
    for (uint32_t i = 0; i < shape.times; i++) {
        uint8_t *from = core.span(a, uint64_t(shape.start + i * shape.sourceStep) * kFractal, kFractal, "the source");
        uint8_t *to = core.span(dst, uint64_t(i) * (1 + shape.targetGap) * kFractal, kFractal, "the destination");
        core.aligned(from, kBlock, "the source"), core.aligned(to, kFractal, "the destination");
        core.read(from, kFractal, "the source", true);
        core.write(to, kFractal, "the destination");
        if (shape.transpose) transposeFractal(to, from);
        else memcpy(to, from, kFractal);
        if (!checking) continue;
        uint8_t *fromSet = core.initialized + (from - core.base), *toSet = core.initialized + (to - core.base);
        if (shape.transpose) {
            for (uint32_t r = 0; r < kRows; r++) {
                for (uint32_t c = 0; c < kRows; c++) memcpy(toSet + (c * kRows + r) * 2, fromSet + (r * kRows + c) * 2, 2);
            }
        } else {
            memcpy(toSet, fromSet, kFractal);
        }
    }
}

void loadTurned(int32_t element, const Local &dst, const Local &a, const LoadTurned &shape, Place place) {
    Core &core = portolan::core(place);
    core.begin(PipeMte1, place);
    MemoryKind kind = core.kindOf(dst.position);
    if (kind != L0A && kind != L0B) core.fault("the destination is in %s, not in L0A or L0B", core.memories[kind].name);
    if (core.kindOf(a.position) != L1) core.fault("the source is not in L1");
    if (shape.times == 0) core.fault("repeatTimes 0");
    uint32_t size = uint32_t(element), parts = size == 2 ? 1 : 2, bytes = parts * kFractal;
    // In a square of bytes the second fractal is the rows below, in one of 32 bits the columns beside.
    auto from = [&](uint32_t row, uint32_t column) {
        return size == 1 ? row * 32 + column : size == 2 ? row * 16 + column : (column / 8 * 16 + row) * 8 + column % 8;
    };
    uint32_t targets[256 * 2];
    for (uint32_t i = 0; i < shape.times; i++) {
        uint8_t *source = core.span(a, uint64_t(shape.start + i * shape.sourceStep) * bytes, bytes, "the source");
        core.aligned(source, kBlock, "the source");
        core.read(source, bytes, "the source", true);
        uint8_t *sourceSet = core.initialized + (source - core.base);
        for (uint32_t part = 0; part < parts; part++) {
            uint32_t at = i * (1 + shape.targetGap) + part * (1 + shape.insideGap);
            for (uint32_t other = 0; other < i * parts + part; other++) {
                if (targets[other] == at) core.fault("two fractals of the destination are one: number %u, of square %u", at, i);
            }
            targets[i * parts + part] = at;
            uint8_t *to = core.span(dst, uint64_t(at) * kFractal, kFractal, "the destination");
            core.aligned(to, kFractal, "the destination");
            core.write(to, kFractal, "the destination");
            uint8_t *toSet = core.initialized + (to - core.base);
            uint32_t c0 = kBlock / size;
            for (uint32_t r = 0; r < kRows; r++) {
                for (uint32_t c = 0; c < c0; c++) {
                    // Row and column of the turned square: bytes are cut into rows above and below, the rest side by side.
                    uint32_t row = size == 1 ? part * 16 + r : r, column = size == 1 ? c : part * c0 + c;
                    uint32_t number = from(column, row);
                    memcpy(to + (r * c0 + c) * size, source + number * size, size);
                    if (checking) memcpy(toSet + (r * c0 + c) * size, sourceSet + number * size, size);
                }
            }
        }
    }
}

void multiply(Type c, Type ab, const Local &dst, const Local &a, const Local &b, const Multiply &shape, Place place) {
    Core &core = portolan::core(place);
    core.begin(PipeM, place);
    if (core.kindOf(a.position) != L0A) core.fault("the left operand is not in L0A");
    if (core.kindOf(b.position) != L0B) core.fault("the right operand is not in L0B");
    if (core.kindOf(dst.position) != L0C) core.fault("the destination is not in L0C");
    if (shape.m == 0 || shape.n == 0 || shape.k == 0) return;
    if (shape.m > 4095 || shape.n > 4095 || shape.k > 4095) core.fault("m, n, k = %u, %u, %u, but at most 4095 are possible", shape.m, shape.n, shape.k);
    if (shape.m == 1) core.fault("m = 1 turns another mode on, with operands laid out otherwise: pad to 16 rows");
    uint32_t size = sizeOf(ab), c0 = kBlock / size;
    uint32_t mBlocks = up(shape.m, kRows) / kRows, nBlocks = up(shape.n, kRows) / kRows, kBlocks = up(shape.k, c0) / c0;
    uint8_t *left = core.span(a, 0, uint64_t(mBlocks) * kBlocks * kFractal, "the left operand");
    uint8_t *right = core.span(b, 0, uint64_t(nBlocks) * kBlocks * kFractal, "the right operand");
    uint8_t *to = core.span(dst, 0, uint64_t(mBlocks) * nBlocks * 1024, "the destination");
    core.aligned(left, kFractal, "the left operand"), core.aligned(right, kFractal, "the right operand"), core.aligned(to, 1024, "the destination");
    bool zz = core.chip->rowMajorFractals;
    auto leftAt = [&](uint32_t i, uint32_t k) { return left + (zz ? uint64_t(i) * kBlocks + k : uint64_t(k) * mBlocks + i) * kFractal; };
    auto rightAt = [&](uint32_t k, uint32_t j) { return right + (uint64_t(k) * nBlocks + j) * kFractal; };
    if (checking) {
        core.read(left, uint64_t(mBlocks) * kBlocks * kFractal, "the left operand", true);
        core.read(right, uint64_t(nBlocks) * kBlocks * kFractal, "the right operand", true);
        // Rows beyond m and columns beyond n are of no consequence; all of a fractal's k is multiplied.
        for (uint32_t k = 0; k < kBlocks; k++) {
            for (uint32_t i = 0; i < shape.m; i++) core.read(leftAt(i / kRows, k) + i % kRows * kBlock, kBlock, "the left operand");
            for (uint32_t j = 0; j < shape.n; j++) core.read(rightAt(k, j / kRows) + j % kRows * kBlock, kBlock, "the right operand");
        }
    }
    for (uint32_t j = 0; j < nBlocks; j++) {
        for (uint32_t i = 0; i < mBlocks; i++) {
            uint8_t *block = to + (uint64_t(j) * mBlocks + i) * 1024;
            uint32_t rows = least(kRows, shape.m - i * kRows), columns = least(kRows, shape.n - j * kRows);
            if (checking) {
                if (!shape.initial) {
                    for (uint32_t r = 0; r < rows; r++) core.read(block + r * 64, columns * 4, "the destination's sum so far");
                }
                core.write(block, 1024, "the destination");
            }
            if (c == Type::I32) {
                auto *sum = reinterpret_cast<int32_t *>(block);
                for (uint32_t r = 0; r < rows; r++) {
                    int32_t row[kRows] = {};
                    for (uint32_t k = 0; k < kBlocks; k++) {
                        auto *x = reinterpret_cast<const int8_t *>(leftAt(i, k)) + r * c0;
                        auto *y = reinterpret_cast<const int8_t *>(rightAt(k, j));
                        for (uint32_t column = 0; column < kRows; column++) {
                            for (uint32_t e = 0; e < c0; e++) row[column] += int32_t(x[e]) * y[column * c0 + e];
                        }
                    }
                    for (uint32_t column = 0; column < kRows; column++) sum[r * kRows + column] = int32_t(uint32_t(shape.initial ? 0 : sum[r * kRows + column]) + uint32_t(row[column]));
                }
                continue;
            }
            auto *sum = reinterpret_cast<float *>(block);
            if (shape.initial) memset(block, 0, 1024);
            // Sixteen terms are added in their order, then to the sum; the hardware's order is not known.
            uint32_t perSum = c0 == 8 ? 2 : 1;
            for (uint32_t k = 0; k < kBlocks; k += perSum) {
                float x[kRows][kRows], y[kRows][kRows]; // [row][k], [k][column]
                uint32_t terms = least(perSum, kBlocks - k) * c0;
                for (uint32_t part = 0; part * c0 < terms; part++) {
                    const uint8_t *from = leftAt(i, k + part), *other = rightAt(k + part, j);
                    for (uint32_t r = 0; r < kRows; r++) {
                        for (uint32_t e = 0; e < c0; e++) {
                            x[r][part * c0 + e] = numberOf(from + (r * c0 + e) * size, ab);
                            y[part * c0 + e][r] = numberOf(other + (r * c0 + e) * size, ab);
                        }
                    }
                }
                for (uint32_t r = 0; r < rows; r++) {
                    float row[kRows] = {};
                    for (uint32_t e = 0; e < terms; e++) {
                        for (uint32_t column = 0; column < kRows; column++) row[column] += x[r][e] * y[e][column];
                    }
                    for (uint32_t column = 0; column < kRows; column++) sum[r * kRows + column] += row[column];
                }
            }
        }
    }
}

void fix(Type to, Type from, const Global &dst, const Local &a, const Fix &shape, Place place) {
    Core &core = portolan::core(place);
    core.begin(PipeFix, place);
    if (core.kindOf(a.position) != L0C) core.fault("the source is not in L0C");
    if (!shape.rowMajor) core.fault("only CFG_ROW_MAJOR is in this subset");
    if (shape.n % 16 != 0 || shape.n == 0) core.fault("nSize %u is no multiple of 16", shape.n);
    if (shape.m == 0 || shape.m > 8192) core.fault("mSize %u, but 1 to 8192 are possible", shape.m);
    constexpr int32_t none = 0, f16 = 1, b16 = 2, deq = 3, vdeq = 4, req = 5, vreq = 6;
    int32_t q = shape.quantisation;
    bool fits = q == none ? to == from : q == f16 ? to == Type::F16 && from == Type::F32 : q == b16 ? to == Type::BF16 && from == Type::F32
              : q == deq || q == vdeq ? to == Type::F16 && from == Type::I32 : (q == req || q == vreq) && to == Type::I8 && from == Type::I32;
    if (!fits) core.fault("quantPre does not lead from the accumulator's type to the destination's");
    const float *factors = nullptr;
    if (q == vdeq || q == vreq) {
        if (shape.scales == nullptr) core.fault("a factor for each column is asked for, and there is no tensor of them");
        uint8_t *found = core.span(*shape.scales, 0, uint64_t(shape.n) * 8, "the factors");
        core.read(found, uint64_t(shape.n) * 8, "the factors");
        factors = reinterpret_cast<const float *>(found);
    }
    float single = bitsAs<float>(uint32_t(shape.scale));
    uint32_t size = sizeOf(to);
    uint64_t lastBlock = (uint64_t(shape.n / 16 - 1) * shape.sourceStep + shape.m) * 64;
    for (uint32_t matrix = 0; matrix < shape.matrices; matrix++) {
        uint8_t *source = core.span(a, uint64_t(matrix) * shape.sourceMatrix * 1024, lastBlock, "the source");
        core.aligned(source, 64, "the source");
        for (uint32_t row = 0; row < shape.m; row++) {
            uint64_t offset = (uint64_t(matrix) * shape.targetMatrix + uint64_t(row) * shape.targetStep) * size;
            uint8_t *target = core.global(dst, offset, uint64_t(shape.n) * size, "the destination");
            core.globalWrites(target, uint64_t(shape.n) * size, 0, 0);
            uint8_t line[4096 * 4];
            for (uint32_t column = 0; column < shape.n; column++) {
                uint8_t *at = source + (uint64_t(column / 16) * shape.sourceStep + row) * 64 + column % 16 * 4;
                if (column % 16 == 0) core.read(at, 64, "the source");
                float factor = factors == nullptr ? single : factors[column * 2];
                uint8_t *out = line + (column % 4096) * size;
                if (from == Type::F32) {
                    float value = *reinterpret_cast<float *>(at);
                    if (shape.relu) value = ReluOf::apply(value);
                    if (to == Type::F32) memcpy(out, &value, 4);
                    else if (to == Type::F16) *reinterpret_cast<half *>(out) = half(value);
                    else *reinterpret_cast<bf16 *>(out) = toBf16(value);
                } else {
                    int32_t value = *reinterpret_cast<int32_t *>(at);
                    if (shape.relu) value = ReluOf::apply(value);
                    if (to == Type::I32) memcpy(out, &value, 4);
                    else if (to == Type::F16) *reinterpret_cast<half *>(out) = half(float(value) * factor);
                    else {
                        float scaled = __builtin_roundevenf(float(value) * factor);
                        *reinterpret_cast<int8_t *>(out) = int8_t(scaled < -128 ? -128 : scaled > 127 ? 127 : scaled != scaled ? 0 : scaled);
                    }
                }
                if (column % 4096 == 4095 || column + 1 == shape.n) {
                    uint32_t first = column / 4096 * 4096;
                    uint64_t bytes = uint64_t(column + 1 - first) * size;
                    if (core.atomic == 0) memcpy(target + uint64_t(first) * size, line, bytes);
                    else core.fault("atomic mode with Fixpipe is not in this subset");
                }
            }
        }
    }
}

} // namespace portolan
