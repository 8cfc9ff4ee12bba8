package org.portolan.ir.verify;

import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.portolan.ir.Body;
import org.portolan.ir.GraphOp;
import org.portolan.ir.MachineOp;
import org.portolan.ir.NestOp;
import org.portolan.ir.Op;
import org.portolan.ir.OpSchema;
import org.portolan.ir.PlanOp;
import org.portolan.ir.TileOp;
import org.portolan.ir.Type;
import org.portolan.ir.Value;
import org.portolan.runtime.type.ElementType;

/// How the bodies of each operation end, and with values of which types.
final class Terminators {
    private Terminators() {}

    static void check(Op op) {
        if (op instanceof GraphOp graph) {
            graph(graph);
        } else if (op instanceof NestOp nest) {
            nest(nest);
        } else if (op instanceof TileOp tile) {
            tile(tile);
        } else if (op instanceof PlanOp plan) {
            plan(plan);
        } else if (op instanceof MachineOp.Intrinsic intrinsic) {
            ends(op, intrinsic.body(), MachineOp.Yield.class);
        }
    }

    private static void graph(GraphOp op) {
        if (op instanceof GraphOp.Function function) {
            ends(op, function.body(), GraphOp.Return.class);
        } else if (op instanceof GraphOp.Map map) {
            var element = Type.scalar(map.result().type().elementType());
            yields(op, map.body(), GraphOp.Yield.class, List.of(element));
        } else if (op instanceof GraphOp.If branch) {
            for (var body : OpSchema.bodies(op)) {
                counts(op, body, GraphOp.Yield.class, branch.results().size());
                var yielded = OpSchema.operands(last(body));
                for (int i = 0; i < yielded.size(); i++) {
                    fits(op, yielded.get(i), branch.results().get(i), 0);
                }
            }
        } else if (op instanceof GraphOp.Loop loop) {
            counts(op, loop.body(), GraphOp.Yield.class, loop.results().size() + 1);
            VerifierException.check(
                    loop.results().size() >= loop.initial().size(), op, "a loop gives at least what it carries");
            loop(loop);
        }
    }

    private static void loop(GraphOp.Loop loop) {
        var params = loop.body().params();
        check(isScalar(params.get(0), ElementType.I64), loop, "the iteration is an i64[], found " + params.get(0));
        check(isScalar(params.get(1), ElementType.BOOL), loop, "the condition is a bool[], found " + params.get(1));
        var yielded = OpSchema.operands(last(loop.body()));
        check(isScalar(yielded.getFirst(), ElementType.BOOL), loop, "the condition is a bool[], found " + yielded.getFirst());
        for (int i = 0; i < loop.results().size(); i++) {
            boolean carried = i < loop.initial().size();
            var result = loop.results().get(i);
            fits(loop, yielded.get(i + 1), result, carried ? 0 : 1);
            if (carried) {
                fits(loop, loop.initial().get(i), result, 0);
                fits(loop, params.get(i + 2), result, 0);
            }
        }
    }

    private static boolean isScalar(Value value, ElementType element) {
        return value.type() instanceof Type.Tensor tensor && tensor.rank() == 0 && tensor.element() == element;
    }

    /// The same but for extents, which {@link org.portolan.ir.analysis.ExtentRules} knows about.
    ///
    /// @param stacked how many axes the result has more
    private static void fits(Op op, Value value, Value result, int stacked) {
        boolean fits = value.type() instanceof Type.Tensor one && result.type() instanceof Type.Tensor other
                ? one.element() == other.element() && one.rank() + stacked == other.rank()
                : stacked == 0 && value.type().equals(result.type());
        check(fits, op, value + " cannot become the result " + result);
    }

    private static void nest(NestOp op) {
        if (op instanceof NestOp.Reduce reduce) {
            yields(op, reduce.body(), NestOp.Yield.class, types(reduce.results()));
        } else if (op instanceof NestOp.Compute compute) {
            var elements = compute.results().stream()
                    .map(result -> (Type) Type.scalar(result.type().elementType()))
                    .toList();
            yields(op, compute.body(), NestOp.Yield.class, elements);
        }
    }

    private static void tile(TileOp op) {
        if (op instanceof TileOp.Kernel kernel) {
            none(op, kernel.body());
        } else if (op instanceof TileOp.For loop) {
            optional(op, loop.body(), types(loop.results()));
        } else if (op instanceof TileOp.Map map) {
            var element = Type.scalar(map.to().type().elementType());
            yields(op, map.body(), TileOp.Yield.class, List.of(element));
        } else if (op instanceof TileOp.While loop) {
            yields(op, loop.condition(), TileOp.Yield.class, List.of(Type.BOOL));
            optional(op, loop.body(), types(loop.results()));
        } else if (op instanceof TileOp.If branch) {
            optional(op, branch.yes(), types(branch.results()));
            optional(op, branch.no(), types(branch.results()));
        }
    }

    private static void plan(PlanOp op) {
        if (op instanceof PlanOp.Program program) {
            ends(op, program.body(), PlanOp.Return.class);
        } else if (op instanceof PlanOp.If || op instanceof PlanOp.Loop) {
            for (var body : OpSchema.bodies(op)) {
                if (last(body) instanceof Op.Terminator) {
                    ends(op, body, PlanOp.Yield.class);
                }
            }
        }
    }

    /// A body without results need not end with a yield.
    private static void optional(Op op, Body body, List<Type> types) {
        if (!types.isEmpty() || last(body) instanceof Op.Terminator) {
            yields(op, body, TileOp.Yield.class, types);
        }
    }

    private static void none(Op op, Body body) {
        check(!(last(body) instanceof Op.Terminator), op, "the body yields nothing, found " + describe(last(body)));
    }

    private static void ends(Op op, Body body, Class<? extends Op> terminator) {
        var last = last(body);
        check(
                terminator.isInstance(last),
                op,
                "the body must end with a " + terminator.getSimpleName().toLowerCase(Locale.ROOT)
                        + " of its dialect, found " + describe(last));
    }

    private static void counts(Op op, Body body, Class<? extends Op> terminator, int count) {
        ends(op, body, terminator);
        int found = OpSchema.operands(last(body)).size();
        check(found == count, op, "the body yields " + found + " values, expected " + count);
    }

    private static void yields(Op op, Body body, Class<? extends Op> terminator, List<Type> types) {
        ends(op, body, terminator);
        var values = last(body) instanceof NestOp.Yield yield ? yield.values() : OpSchema.operands(last(body));
        check(types(values).equals(types), op, "the body yields " + types(values) + ", expected " + types);
    }

    private static void check(boolean holds, Op op, String rule) {
        VerifierException.check(holds, op, rule);
    }

    private static List<Type> types(List<Value> values) {
        return values.stream().map(Value::type).toList();
    }

    private static Op last(Body body) {
        return body.ops().isEmpty() ? null : body.ops().getLast();
    }

    private static String describe(Op op) {
        return Stream.ofNullable(op)
                .map(found -> OpSchema.of(found).name())
                .findFirst()
                .orElse("nothing");
    }
}
