package org.portolan.ir.text;

import java.util.stream.Collectors;
import org.antlr.v4.runtime.BaseErrorListener;
import org.antlr.v4.runtime.CharStreams;
import org.antlr.v4.runtime.CommonTokenStream;
import org.antlr.v4.runtime.Parser;
import org.antlr.v4.runtime.ParserRuleContext;
import org.antlr.v4.runtime.RecognitionException;
import org.antlr.v4.runtime.Recognizer;
import org.antlr.v4.runtime.Token;

/// A text with the name of its file: makes the parser for it, and says where an error is.
final class SourceText {
    /// Brackets within brackets; a text from somewhere else must not exhaust the stack.
    private static final int DEPTH_LIMIT = 200;

    private final String file;

    SourceText(String file) {
        this.file = file;
    }

    IrTextParser parser(String text) {
        var lexer = new IrTextLexer(CharStreams.fromString(text, file));
        lexer.removeErrorListeners();
        var tokens = new CommonTokenStream(lexer);
        tokens.fill();
        checkDepth(tokens);
        var parser = new IrTextParser(tokens);
        parser.removeErrorListeners();
        parser.addErrorListener(new BaseErrorListener() {
            @Override
            public void syntaxError(
                    Recognizer<?, ?> recognizer,
                    Object offending,
                    int line,
                    int column,
                    String message,
                    RecognitionException cause) {
                var token = (Token) offending;
                var expected = ((Parser) recognizer)
                        .getExpectedTokens().toList().stream()
                                .map(kind -> describe(kind.intValue()))
                                .distinct()
                                .collect(Collectors.joining(" or "));
                throw error(token, "expected " + expected + ", found " + describe(token), cause);
            }
        });
        return parser;
    }

    IrSyntaxException error(ParserRuleContext where, String message) {
        return error(where.getStart(), message, null);
    }

    IrSyntaxException error(ParserRuleContext where, String message, RuntimeException cause) {
        return error(where.getStart(), message, cause);
    }

    IrSyntaxException error(Token where, String message, RuntimeException cause) {
        return new IrSyntaxException(file, where.getLine(), where.getCharPositionInLine() + 1, message, cause);
    }

    private void checkDepth(CommonTokenStream tokens) {
        int depth = 0;
        for (var token : tokens.getTokens()) {
            switch (token.getText()) {
                case "(", "[", "{", "<" -> depth++;
                case ")", "]", "}", ">" -> depth--;
                default -> {}
            }
            if (depth > DEPTH_LIMIT) {
                throw error(token, "expected at most " + DEPTH_LIMIT + " brackets within each other", null);
            }
        }
    }

    private static String describe(int kind) {
        return switch (kind) {
            case Token.EOF -> "the end of the text";
            case IrTextParser.VALUE -> "a value like %x";
            case IrTextParser.NAME -> "a name";
            case IrTextParser.STRING -> "a quoted text";
            case IrTextParser.INTEGER, IrTextParser.FLOAT, IrTextParser.BITS -> "a number";
            default -> IrTextParser.VOCABULARY.getLiteralName(kind);
        };
    }

    private static String describe(Token token) {
        return token.getType() == Token.EOF ? "the end of the text" : "'" + token.getText() + "'";
    }
}
