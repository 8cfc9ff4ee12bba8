package org.portolan.ir.verify;

import static org.portolan.ir.verify.VerifierException.check;

import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import org.portolan.ir.ArithOp;
import org.portolan.ir.Axis;
import org.portolan.ir.Body;
import org.portolan.ir.GraphOp;
import org.portolan.ir.MachineOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.PlanOp;
import org.portolan.ir.SymbolRange;
import org.portolan.ir.TileOp;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.runtime.type.Dim;

/// Checks a module: definitions before uses, and each only once; terminators; which dialect stands where; declared
/// symbols; free axes of nests; loops of kernels. Chains of operations are walked in order; only nested bodies recur.
public final class Verifier {
    private final Set<Value> defined = Collections.newSetFromMap(new IdentityHashMap<>());

    private Verifier() {}

    /// Checks the operations of a module, in order.
    ///
    /// @throws VerifierException at the first operation that breaks a rule
    public static void verify(List<? extends Op> module) {
        var verifier = new Verifier();
        verifier.ops(module, Level.MODULE, new Scope(null));
    }

    private void ops(List<? extends Op> ops, Level level, Scope scope) {
        for (int i = 0; i < ops.size(); i++) {
            var op = ops.get(i);
            check(level.allows(op), op, OpSchema.of(op).name() + " must not stand " + where(level));
            check(!(op instanceof Op.Terminator) || i == ops.size() - 1, op, "nothing may follow a terminator");
            op(op, level, scope);
        }
    }

    private void op(Op op, Level level, Scope scope) {
        for (var operand : OpSchema.operands(op)) {
            check(
                    scope.sees(operand),
                    op,
                    "the operand " + operand + " is not defined before this, or not visible here");
        }
        symbols(op, scope);
        for (var body : OpSchema.bodies(op)) {
            body(op, body, scope);
        }
        Terminators.check(op);
        if (op instanceof NestOp.Compute nest) {
            new NestRules(nest).check();
        } else if (op instanceof TileOp.Kernel kernel) {
            new TileRules(kernel).check();
        } else if (op instanceof ArithOp arith) {
            checkLanes(arith);
        }
        for (var result : OpSchema.results(op)) {
            define(result, op, scope);
        }
        bind(op, scope);
    }

    private void body(Op op, Body body, Scope around) {
        var level = Level.inside(op);
        var scope = new Scope(level.isIsolated() ? null : around);
        declare(op, scope);
        for (var param : body.params()) {
            types(param, op, scope);
            check(defined.add(param), op, "the parameter " + param + " is defined twice");
            scope.define(param);
        }
        ops(body.ops(), level, scope);
    }

    private void define(Value result, Op op, Scope scope) {
        check(defined.add(result), op, "the result " + result + " is defined twice");
        scope.define(result);
    }

    /// The symbols that an operation declares for its bodies.
    private static void declare(Op op, Scope scope) {
        if (op instanceof GraphOp.Function function) {
            function.symbols().stream().map(SymbolRange::name).forEach(scope::defineSymbol);
        } else if (op instanceof PlanOp.Program program) {
            program.symbols().stream().map(SymbolRange::name).forEach(scope::defineSymbol);
        } else if (op instanceof TileOp.Kernel kernel) {
            kernel.symbols().forEach(scope::defineSymbol);
        } else if (op instanceof NestOp.Compute nest) {
            nest.axes().forEach(axis -> scope.defineSymbol(axis.name()));
        } else if (op instanceof PlanOp.Loop loop) {
            scope.defineSymbol(loop.iteration());
        } else if (op instanceof MachineOp.Intrinsic intrinsic) {
            // One for all sizes: an extent that is nothing but a symbol is whatever is given.
            for (var param : intrinsic.body().params()) {
                param.tensor().dims().forEach(dim -> dim.symbolName().ifPresent(scope::defineSymbol));
            }
        }
    }

    /// The symbols that are known after an operation.
    private static void bind(Op op, Scope scope) {
        if (op instanceof GraphOp.Bind bind) {
            for (var symbol : bind.symbols()) {
                fresh(symbol, op, scope);
            }
        } else if (op instanceof GraphOp.Loop loop) {
            fresh(loop.trips(), op, scope);
        } else if (op instanceof PlanOp.Bind bind) {
            bind.symbols().forEach(scope::defineSymbol);
        } else if (op instanceof PlanOp.Loop loop) {
            scope.defineSymbol(loop.trips());
        }
    }

    /// A symbol that got another number would change the extents of what there is already.
    private static void fresh(String symbol, Op op, Scope scope) {
        check(!scope.seesSymbol(symbol), op, "the symbol " + symbol + " has a number already; name another one");
        scope.defineSymbol(symbol);
    }

    private static void symbols(Op op, Scope scope) {
        var visible = scope;
        if (op instanceof GraphOp.Loop loop) {
            // For the results, not for the body, in which it is not counted yet.
            visible = new Scope(scope);
            visible.defineSymbol(loop.trips());
        }
        if (op instanceof PlanOp.Program || op instanceof TileOp.Kernel) {
            // Their attributes are over the symbols that they declare.
            visible = new Scope(scope);
            declare(op, visible);
        }
        int operands = indexOperands(op);
        for (var component : OpSchema.of(op).components()) {
            if (component.role() == OpSchema.Role.ATTRIBUTE) {
                for (var dim : dims(OpSchema.get(component, op))) {
                    visible.checkSymbols(dim, operands, op);
                }
            }
        }
        // Late memory grows while it is written: its extents may be symbols that a loop still counts.
        if (!(op instanceof PlanOp.AllocateLate)) {
            for (var result : OpSchema.results(op)) {
                types(result, op, visible);
            }
        }
    }

    /// How many operands index expressions may name as {@code $i}.
    private static int indexOperands(Op op) {
        if (op instanceof NestOp.Read read) {
            return read.indices().size();
        } else if (op instanceof NestOp.Index index) {
            return index.operands().size();
        } else if (op instanceof NestOp.Yield yield) {
            return yield.indices().size();
        } else if (op instanceof TileOp.Expression expression) {
            return expression.operands().size();
        }
        return 0;
    }

    private static void types(Value value, Op op, Scope scope) {
        switch (value.type()) {
            case Type.Tensor tensor -> tensor.dims().forEach(dim -> scope.checkSymbols(dim, 0, op));
            case Type.Buffer buffer -> {
                buffer.dims().forEach(dim -> scope.checkSymbols(dim, 0, op));
                buffer.physical().forEach(dim -> scope.checkSymbols(dim, 0, op));
            }
            case Type.Scalar _,
                    Type.Vector _,
                    Type.Mask _,
                    Type.Ring _,
                    Type.Fragment _,
                    Type.Sequence _,
                    Type.Maybe _ -> {}
        }
    }

    private static List<Dim> dims(Object attribute) {
        var found = new ArrayList<Dim>();
        collect(attribute, found);
        return found;
    }

    private static void collect(Object attribute, List<Dim> into) {
        switch (attribute) {
            case Dim dim -> into.add(dim);
            case Axis axis -> into.add(axis.extent());
            case List<?> list -> list.forEach(item -> collect(item, into));
            default -> {}
        }
    }

    private static void checkLanes(ArithOp op) {
        switch (op.result().type()) {
            case Type.Scalar _, Type.Vector _, Type.Mask _, Type.Fragment _ -> {}
            case Type.Tensor _, Type.Buffer _, Type.Ring _, Type.Sequence _, Type.Maybe _ ->
                throw new VerifierException("arithmetic works on scalars, vectors, masks and fragments", op);
        }
    }

    private static String where(Level level) {
        return switch (level) {
            case MODULE -> "at the top, where functions, kernels, programs and machines stand";
            case FUNCTION -> "in a function";
            case MAP -> "in a graph.map";
            case NEST -> "in a nest";
            case REDUCTION -> "in the combiner of a reduction";
            case KERNEL -> "in a kernel";
            case PROGRAM -> "in a program";
            case CHIP -> "in a machine";
            case INTRINSIC -> "in an intrinsic";
        };
    }
}
