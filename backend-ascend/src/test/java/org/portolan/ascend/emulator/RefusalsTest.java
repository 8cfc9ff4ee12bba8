package org.portolan.ascend.emulator;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What a chip lacks does not compile, and the compiler's message says what it is.
class RefusalsTest {
    @BeforeAll
    static void open() {
        Emulated.acl();
    }

    @ParameterizedTest
    @ValueSource(ints = {2201, 2002, 3510})
    void typesAndPathsThatTheChipLacksDoNotCompile(int chip) {
        var lines = new TreeMap<String, String>(Map.ofEntries(
                Map.entry("Exp(l<int32_t>(), l<int32_t>(), 8);", "Exp: the vector unit has it for half, float only"),
                Map.entry("Add(l<bfloat16_t>(), l<bfloat16_t>(), l<bfloat16_t>(), 8);", "Add: the vector unit has it for half, float, int16_t, int32_t only"),
                Map.entry("Mul(l<int8_t>(), l<int8_t>(), l<int8_t>(), 8);", "Mul: the vector unit has it for"),
                Map.entry("Muls(l<int64_t>(), l<int64_t>(), int64_t(1), 8);", "Muls: the vector unit has it for"),
                Map.entry("And(l<int32_t>(), l<int32_t>(), l<int32_t>(), 8);", "And: the vector unit has it for int16_t, uint16_t only"),
                Map.entry("Div(l<int32_t>(), l<int32_t>(), l<int32_t>(), 8);", "Div: the vector unit has it for half, float only"),
                Map.entry("Add(l<float>(), l<half>(), l<float>(), 8);", "no matching function for call to 'Add'"),
                Map.entry("Cast(l<bfloat16_t>(), l<half>(), RoundMode::CAST_RINT, 8);", "Cast: the vector unit has no conversion between these types"),
                Map.entry("Cast(l<int8_t>(), l<float>(), RoundMode::CAST_RINT, 8);", "Cast: the vector unit has no conversion between these types"),
                Map.entry("Select(l<int32_t>(), l<uint8_t>(), l<int32_t>(), l<int32_t>(), SELMODE::VSEL_TENSOR_TENSOR_MODE, 8);", "Select: the vector unit has it for half and float only"),
                Map.entry("ReduceSum(l<int32_t>(), l<int32_t>(), l<int32_t>(), 8);", "ReduceSum: the vector unit has it for half and float only"),
                Map.entry("DataCopy(g<float>(), g<float>(), 8);", "there is no path from global memory to global memory"),
                Map.entry("Gather(l<int8_t>(), l<int8_t>(), l<uint32_t>(), 0, 8);", "Gather: 16- and 32-bit types only"),
                Map.entry("Mmad(l<float>(), l<half>(), l<bfloat16_t>(), MmadParams());", "Mmad: the cube multiplies"),
                Map.entry("PipeBarrier<PIPE_S>();", "PipeBarrier: the scalar pipe has none"),
                Map.entry("TQue<TPosition::VECIN, 9> queue;", "TQue: the depth is 0 to 8")));
        if (chip == 2002) lines.keySet().removeIf(line -> line.contains("bfloat16_t") && !line.startsWith("Add"));
        refused(lines, chip);
    }

    @Test
    void anOlderChipLacksMore() {
        refused(
                Map.of(
                        "DataCopyPad(g<float>(), l<float>(), DataCopyExtParams());", "DataCopyPad: dav-2002 has it not; copy whole 32-byte blocks",
                        "Cast(l<float>(), l<bfloat16_t>(), RoundMode::CAST_NONE, 8);", "Cast: the vector unit has no conversion between these types",
                        "Duplicate(l<bfloat16_t>(), bfloat16_t{0}, 8);", "Duplicate: 16- and 32-bit types only",
                        "Mmad(l<float>(), l<half>(), l<half>(), MmadParams());", "Mmad: dav-2002 has no cube path"),
                2002);
    }

    @Test
    void aNewerChipTurnsNoSquares() {
        refused(
                Map.of("LoadDataWithTranspose(l<float>(), l<float>(), LoadData2dTransposeParams());", "LoadDataWithTranspose: dav-2201 only"),
                3510);
    }

    @Test
    void thereIsNoOtherHeaderAndNoOtherChip() {
        var words = assertThrows(EmulatorException.class, () -> AscendEmulator.compile("#include <vector>\n", 2201)).getMessage();
        assertTrue(words.contains("'vector' file not found"), words);
        words = assertThrows(EmulatorException.class, () -> AscendEmulator.compile("", 1001)).getMessage();
        assertTrue(words.contains("no chip dav-1001 is known"), words);
    }

    private static void refused(Map<String, String> lines, int architecture) {
        var source = new StringBuilder(
                """
                #include "kernel_operator.h"
                using namespace AscendC;
                template <class T> LocalTensor<T> l() { return {}; }
                template <class T> GlobalTensor<T> g() { return {}; }
                """);
        int first = 4;
        var statements = List.copyOf(lines.keySet());
        for (int i = 0; i < statements.size(); i++) {
            source.append("void f%d() { %s }\n".formatted(i, statements.get(i)));
        }
        var words = assertThrows(EmulatorException.class, () -> AscendEmulator.compile(source.toString(), architecture)).getMessage();
        var wrong = new ArrayList<String>();
        for (int i = 0; i < statements.size(); i++) {
            // The message stands where the subset says it; the line of the call is named below it.
            var line = "kernel.cpp:" + (first + 1 + i) + ":";
            if (!words.contains(lines.get(statements.get(i))) || !words.contains(line)) wrong.add(statements.get(i));
        }
        assertTrue(wrong.isEmpty(), () -> "not refused: " + wrong + "\n" + words);
    }
}
