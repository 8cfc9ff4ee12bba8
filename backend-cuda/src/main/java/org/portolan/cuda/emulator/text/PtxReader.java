package org.portolan.cuda.emulator.text;

import java.util.ArrayList;
import java.util.List;
import org.antlr.v4.runtime.BaseErrorListener;
import org.antlr.v4.runtime.CharStreams;
import org.antlr.v4.runtime.CommonTokenStream;
import org.antlr.v4.runtime.ParserRuleContext;
import org.antlr.v4.runtime.RecognitionException;
import org.antlr.v4.runtime.Recognizer;
import org.antlr.v4.runtime.atn.PredictionMode;
import org.antlr.v4.runtime.tree.TerminalNode;
import org.portolan.cuda.emulator.text.PtxModule.Bound;
import org.portolan.cuda.emulator.text.PtxModule.Function;
import org.portolan.cuda.emulator.text.PtxOperand.Kind;

/// Reads PTX text.
public final class PtxReader {
    /// Brackets within brackets; a text from somewhere else must not exhaust the stack.
    private static final int MOST_BRACKETS = 100;

    private PtxReader() {}

    /// Reads a file.
    ///
    /// @throws PtxRefused if it is written in a way that the emulator does not know
    public static PtxModule read(String text) {
        var lexer = new PtxTextLexer(CharStreams.fromString(text));
        lexer.removeErrorListeners();
        var tokens = new CommonTokenStream(lexer);
        tokens.fill();
        requireShallow(tokens);
        var parser = new PtxTextParser(tokens);
        parser.removeErrorListeners();
        parser.addErrorListener(new Refusing());
        parser.getInterpreter().setPredictionMode(PredictionMode.SLL);
        var module = parser.module();
        var variables = new ArrayList<PtxVariable>();
        var functions = new ArrayList<Function>();
        for (var declaration : module.declaration()) {
            if (declaration.variable() != null) {
                variables.add(variable(declaration.variable()));
            } else if (declaration.function() != null) {
                functions.add(function(declaration.function()));
            }
        }
        var size = module.addressSize();
        if (size != null && !size.INTEGER().getText().equals("64")) {
            throw refused(size, ".address_size " + size.INTEGER().getText() + " is not supported, only 64 is");
        }
        return new PtxModule(
                module.version().DECIMAL().getText(),
                module.target().NAME(0).getText(),
                List.copyOf(variables),
                List.copyOf(functions),
                text.lines().toList());
    }

    private static void requireShallow(CommonTokenStream tokens) {
        int depth = 0;
        for (var token : tokens.getTokens()) {
            switch (token.getText()) {
                case "(", "[", "{" -> depth++;
                case ")", "]", "}" -> depth--;
                default -> {}
            }
            if (depth > MOST_BRACKETS) {
                throw new PtxRefused(token.getLine(), "more than " + MOST_BRACKETS + " brackets within each other are not supported");
            }
        }
    }

    private static Function function(PtxTextParser.FunctionContext context) {
        var returns = context.results() == null
                ? List.<PtxVariable>of()
                : context.results().variable().stream().map(PtxReader::variable).toList();
        var bounds = context.bound().stream()
                .map(bound -> new Bound(
                        bound.BOUND().getText().substring(1),
                        bound.INTEGER().stream()
                                .map(PtxReader::small)
                                .toList()))
                .toList();
        return new Function(
                context.NAME().getText(),
                context.getStart().getText().equals(".entry"),
                context.body() != null,
                returns,
                context.variable().stream().map(PtxReader::variable).toList(),
                bounds,
                context.body() == null ? List.of() : statements(context.body()),
                context.getStart().getLine());
    }

    private static PtxVariable variable(PtxTextParser.VariableContext context) {
        var type = dotless(context.DOTTED().getText());
        if (PtxTypes.bits(type) < 8) {
            throw refused(context, "a variable of type ." + type + " is not supported");
        }
        boolean array = context.getText().contains("[");
        int line = context.getStart().getLine();
        long count = !array
                ? 1
                : context.INTEGER() == null ? -1 : whole(context.INTEGER().getText(), line);
        int alignment = context.alignment() == null
                ? 0
                : small(context.alignment().INTEGER());
        if (alignment != 0 && Integer.bitCount(alignment) != 1) {
            throw refused(context, ".align " + alignment + " is not supported, only powers of two are");
        }
        var initial = new ArrayList<Long>();
        if (context.initial() != null) {
            for (var constant : context.initial().constant()) {
                if (constant.number() == null) {
                    throw refused(constant, "an address as the initial value of " + context.NAME().getText()
                            + " is not supported, only numbers are");
                }
                initial.add(literal(constant.number()).bits());
            }
        }
        return new PtxVariable(
                dotless(context.space().getText()),
                alignment,
                type,
                context.NAME().getText(),
                count,
                List.copyOf(initial),
                context.getStart().getLine());
    }

    private static List<PtxStatement> statements(PtxTextParser.BodyContext body) {
        var statements = new ArrayList<PtxStatement>();
        for (var statement : body.statement()) {
            int line = statement.getStart().getLine();
            switch (statement) {
                case PtxTextParser.LabelContext label ->
                    statements.add(new PtxStatement.Label(label.NAME().getText(), line));
                case PtxTextParser.RegistersContext registers -> {
                    for (var register : registers.register()) {
                        statements.add(new PtxStatement.Registers(
                                dotless(registers.DOTTED().getText()),
                                register.NAME().getText(),
                                register.INTEGER() == null
                                        ? -1
                                        : small(register.INTEGER()),
                                line));
                    }
                }
                case PtxTextParser.LocalContext local ->
                    statements.add(new PtxStatement.Local(variable(local.variable()), line));
                case PtxTextParser.HintContext hint -> {}
                case PtxTextParser.TargetsContext targets ->
                    statements.add(new PtxStatement.Targets(
                            targets.NAME().stream().map(Object::toString).toList(), line));
                case PtxTextParser.ScopeContext scope ->
                    statements.add(new PtxStatement.Scope(statements(scope.body()), line));
                case PtxTextParser.StepContext step -> statements.add(step(step));
                default -> throw refused(statement, "this statement is not supported");
            }
        }
        return List.copyOf(statements);
    }

    private static PtxStatement.Step step(PtxTextParser.StepContext context) {
        var instruction = context.instruction();
        var guard = context.guard();
        return new PtxStatement.Step(
                guard == null ? "" : guard.NAME().getText(),
                guard != null && guard.getText().startsWith("@!"),
                instruction.NAME().getText(),
                instruction.modifier().stream()
                        .map(modifier -> dotless(modifier.getText()))
                        .toList(),
                instruction.operand().stream().map(PtxReader::operand).toList(),
                instruction.getStart().getLine());
    }

    private static PtxOperand operand(PtxTextParser.OperandContext context) {
        var first = single(context.single(0));
        return context.single().size() == 1 ? first : new PtxOperand.Pair(first, single(context.single(1)));
    }

    private static PtxOperand single(PtxTextParser.SingleContext context) {
        return switch (context) {
            case PtxTextParser.NameContext name ->
                new PtxOperand.Name(
                        name.DOTTED() == null
                                ? name.NAME().getText()
                                : name.NAME().getText() + name.DOTTED().getText(),
                        name.getText().startsWith("!"),
                        name.offset() == null ? 0 : offset(name.offset()));
            case PtxTextParser.LiteralContext number -> literal(number.number());
            case PtxTextParser.AddressContext address -> new PtxOperand.Address(singles(address.single()));
            case PtxTextParser.VectorContext vector -> new PtxOperand.Vector(singles(vector.single()));
            case PtxTextParser.GroupContext group -> new PtxOperand.Group(singles(group.single()));
            case PtxTextParser.UnusedContext unused -> new PtxOperand.Unused();
            default -> throw refused(context, "this operand is not supported: " + context.getText());
        };
    }

    private static List<PtxOperand> singles(List<PtxTextParser.SingleContext> parts) {
        return parts.stream().map(PtxReader::single).toList();
    }

    private static long offset(PtxTextParser.OffsetContext context) {
        return context.number() != null
                ? literal(context.number()).bits()
                : -whole(context.INTEGER().getText(), context.getStart().getLine());
    }

    private static PtxOperand.Literal literal(PtxTextParser.NumberContext context) {
        boolean minus = context.getText().startsWith("-");
        if (context.FLOAT32() != null) {
            int bits = Integer.parseUnsignedInt(context.FLOAT32().getText().substring(2), 16);
            return new PtxOperand.Literal(minus ? bits ^ Integer.MIN_VALUE : bits, Kind.FLOAT);
        }
        if (context.FLOAT64() != null) {
            long bits = Long.parseUnsignedLong(context.FLOAT64().getText().substring(2), 16);
            return new PtxOperand.Literal(minus ? bits ^ Long.MIN_VALUE : bits, Kind.DOUBLE);
        }
        if (context.DECIMAL() != null) {
            double value = Double.parseDouble(context.DECIMAL().getText());
            return new PtxOperand.Literal(Double.doubleToRawLongBits(minus ? -value : value), Kind.DOUBLE);
        }
        var text = (context.HEX() == null ? context.INTEGER() : context.HEX()).getText();
        long value = whole(text, context.getStart().getLine());
        return new PtxOperand.Literal(minus ? -value : value, Kind.INTEGER);
    }

    private static long whole(String text, int line) {
        var digits = text.endsWith("U") ? text.substring(0, text.length() - 1) : text;
        try {
            return digits.startsWith("0x") || digits.startsWith("0X")
                    ? Long.parseUnsignedLong(digits.substring(2), 16)
                    : Long.parseUnsignedLong(digits);
        } catch (NumberFormatException e) {
            throw new PtxRefused(line, "the number " + text + " is too large");
        }
    }

    private static int small(TerminalNode number) {
        long value = whole(number.getText(), number.getSymbol().getLine());
        if (value < 0 || value > Integer.MAX_VALUE) {
            throw new PtxRefused(number.getSymbol().getLine(), "the number " + number.getText() + " is too large");
        }
        return (int) value;
    }

    private static String dotless(String text) {
        return text.substring(1);
    }

    private static PtxRefused refused(ParserRuleContext where, String what) {
        return new PtxRefused(where.getStart().getLine(), what);
    }

    /// Ends reading at the first error.
    private static final class Refusing extends BaseErrorListener {
        @Override
        public void syntaxError(
                Recognizer<?, ?> recognizer,
                Object symbol,
                int line,
                int column,
                String message,
                RecognitionException e) {
            throw new PtxRefused(
                    line,
                    "column " + (column + 1) + ": " + message
                            + "; supported are .version, .target, .address_size, variables, .entry and .func, and in"
                            + " bodies labels, .reg, variables, .pragma, scopes and instructions");
        }
    }
}
