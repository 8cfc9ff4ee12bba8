package org.portolan.runtime;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.portolan.runtime.type.Dim;

/// The Dims of a plan, each once, as postfix programs over numbered symbols. Evaluation allocates nothing.
final class Expressions {
    /// Instructions: one of these, or a constant or a symbol with its number.
    private static final int ADD = 0;
    private static final int MULTIPLY = 1;
    private static final int FIRST_BINARY = 2;
    private static final Dim.Operator[] OPERATORS = Dim.Operator.values();
    private static final int FIRST_OPERAND = FIRST_BINARY + OPERATORS.length;

    private final Map<String, Integer> symbols;
    private final Map<Dim, Integer> indices = new HashMap<>();
    private final List<Dim> dims = new ArrayList<>();
    private final List<int[]> programs = new ArrayList<>();
    private final Map<Long, Integer> constantIndices = new HashMap<>();
    private final List<Long> constantList = new ArrayList<>();
    private long[] constants = {};
    private int[][] frozen = {};
    private int stackSize;

    /// @param symbols the number of each symbol: its position in the values that {@link #evaluate} gets
    Expressions(Map<String, Integer> symbols) {
        this.symbols = Map.copyOf(symbols);
    }

    /// Adds an expression and gives its number.
    int add(Dim dim) {
        var index = indices.get(dim);
        if (index == null) {
            index = dims.size();
            var program = new ArrayList<Integer>();
            stackSize = Math.max(stackSize, compile(dim, program, 0));
            indices.put(dim, index);
            dims.add(dim);
            programs.add(program.stream().mapToInt(Integer::intValue).toArray());
        }
        return index;
    }

    int[] addAll(List<Dim> all) {
        return all.stream().mapToInt(this::add).toArray();
    }

    /// Ends the adding.
    void freeze() {
        constants = constantList.stream().mapToLong(Long::longValue).toArray();
        frozen = programs.toArray(int[][]::new);
    }

    int count() {
        return dims.size();
    }

    Dim dim(int index) {
        return dims.get(index);
    }

    int stackSize() {
        return stackSize;
    }

    /// Appends code that pushes the value, and gives the depth that the stack reaches.
    private int compile(Dim dim, List<Integer> program, int depth) {
        return switch (dim) {
            case Dim.Constant(long value) -> {
                int constant = constantIndices.computeIfAbsent(value, _ -> {
                    constantList.add(value);
                    return constantList.size() - 1;
                });
                program.add(FIRST_OPERAND + 2 * constant);
                yield depth + 1;
            }
            case Dim.Symbol(String name) -> {
                var symbol = symbols.get(name);
                if (symbol == null) {
                    throw new PortolanException.BadProgramFile("the plan names a symbol '" + name
                            + "' that it does not declare");
                }
                program.add(FIRST_OPERAND + 2 * symbol + 1);
                yield depth + 1;
            }
            case Dim.Product(long coefficient, List<Dim> factors) -> {
                int reached = compile(Dim.of(coefficient), program, depth);
                for (var factor : factors) {
                    reached = Math.max(reached, compile(factor, program, depth + 1));
                    program.add(MULTIPLY);
                }
                yield reached;
            }
            case Dim.Sum(List<Dim> terms) -> {
                int reached = compile(terms.getFirst(), program, depth);
                for (var term : terms.subList(1, terms.size())) {
                    reached = Math.max(reached, compile(term, program, depth + 1));
                    program.add(ADD);
                }
                yield reached;
            }
            case Dim.Binary(Dim.Operator operator, Dim left, Dim right) -> {
                int reached = Math.max(compile(left, program, depth), compile(right, program, depth + 1));
                program.add(FIRST_BINARY + operator.ordinal());
                yield reached;
            }
        };
    }

    /// The value of an expression.
    ///
    /// @param values of the symbols
    /// @param stack of at least {@link #stackSize} numbers
    /// @throws PortolanException.LimitExceeded on overflow
    /// @throws PortolanException.RunFailed on a division by zero
    long evaluate(int index, long[] values, long[] stack) {
        int top = -1;
        try {
            for (int instruction : frozen[index]) {
                if (instruction >= FIRST_OPERAND) {
                    int operand = instruction - FIRST_OPERAND;
                    stack[++top] = (operand & 1) == 0 ? constants[operand >> 1] : values[operand >> 1];
                } else {
                    long right = stack[top--];
                    long left = stack[top];
                    stack[top] = switch (instruction) {
                        case ADD -> Math.addExact(left, right);
                        case MULTIPLY -> Math.multiplyExact(left, right);
                        default -> OPERATORS[instruction - FIRST_BINARY].apply(left, right);
                    };
                }
            }
        } catch (ArithmeticException e) {
            throw failure(index, e);
        }
        return stack[0];
    }

    private PortolanException failure(int index, ArithmeticException cause) {
        var message = "the size " + dims.get(index) + " cannot be computed: " + cause.getMessage();
        return "long overflow".equals(cause.getMessage())
                ? new PortolanException.LimitExceeded(message + "; give the model smaller inputs")
                : new PortolanException.RunFailed(message, 0, -1);
    }
}
