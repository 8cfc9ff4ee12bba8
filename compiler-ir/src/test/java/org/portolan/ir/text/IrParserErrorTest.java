package org.portolan.ir.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Each error says where, and what was expected.
class IrParserErrorTest {

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "%a = arith.neg %b : f32 | x.ir:1:16: %b is not defined here",
                "%a = arith.what %b : f32 | x.ir:1:6: expected an operation, found 'arith.what'",
                "%a = arith.neg : f32 | x.ir:1:1: operand operand is missing",
                "%a = arith.const <value = 1.0> | x.ir:1:1: expected a type for each result: 1 names, 0 types",
                "%a = arith.const <value = 1.0> : f33 | x.ir:1:34: expected a type, found 'f33', which is no element type",
                "%a = arith.const <value = one> : f32 | x.ir:1:27: expected a number like 1.0, or the 64 bits of one like 0x7ff0000000000000, found one",
                "%a = arith.const : f32 | x.ir:1:6: attribute value is missing",
                "%a = arith.const <value = 1.0, value = 2.0> : f32 | x.ir:1:32: attribute value stands here twice",
                "%a = arith.const <value = 1.0, size = 2> : f32 | x.ir:1:32: arith.const has no attribute size, expected one of value",
                "%a = arith.const <value = 1.0> : i32 | x.ir:1:1: arith.const gives a floating-point number, found %a: i32; use arith.integer",
                "%a = arith.const <value = 1.0> {} : f32 | x.ir:1:32: arith.const takes 0 bodies, found one more",
                "tile.barrier <scope = world> | x.ir:1:23: expected one of serial, unroll, grid, block, warp, lane, found world",
                "graph.function <name = \"f\" | x.ir:1:27: expected ',' or '>', found the end of the text",
                "graph.function <name = \"\\q\"> | x.ir:1:24: expected \\\" \\\\ \\n \\t \\r or \\u, found \\q",
                "graph.function <name = \"f\", symbols = [a:3..1]> | x.ir:1:40: symbol a has the empty range 3..1",
            })
    void saysWhatWasExpected(String text, String message) {
        var error = assertThrows(IrSyntaxException.class, () -> IrParser.parse(text, "x.ir"));
        assertEquals(message, error.getMessage());
    }

    @Test
    void refusesASecondDefinitionWhileTheFirstIsVisible() {
        var text = """
                %a = arith.const <value = 1.0> : f32
                %a = arith.const <value = 1.0> : f32
                """;
        var error = assertThrows(IrSyntaxException.class, () -> IrParser.parse(text, "x.ir"));
        assertEquals("x.ir:2:1: %a is already defined", error.getMessage());
        assertEquals(2, error.line());
    }

    @Test
    void limitsDepth() {
        var text = "graph.function <name = " + "(".repeat(100_000);
        var error = assertThrows(IrSyntaxException.class, () -> IrParser.parse(text, "x.ir"));
        assertEquals(1, error.line());
    }
}
