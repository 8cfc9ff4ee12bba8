package org.portolan.llvm.emit;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.portolan.ir.Op;
import org.portolan.ir.TileOp;
import org.portolan.ir.Type;

/// Kernels as LLVM IR text. Each is a function
///
/// ```
/// void kernel(ptr params, i64 begin, i64 end, ptr error)
/// ```
///
/// `params` holds 64-bit words: the addresses of the kernel's buffers in the order of its parameters, then the values
/// of its symbols. The call runs the points `begin` to `end` (exclusive) of the grid, numbered row-major. `error` is
/// a word that is 0 until something fails; then it holds `code << 32 | failure`, where failures count from 1 within a
/// kernel.
///
/// Buffers of one launch do not overlap, except that several parameters may be the same buffer if the kernel writes
/// to none of them.
public final class KernelEmitter {
    private KernelEmitter() {}

    /// One module with all the kernels.
    ///
    /// @throws EmitException if the target cannot say a kernel; the message names the kernel
    public static String emit(List<TileOp.Kernel> kernels, Target target) {
        return emit(kernels, Map.of(), target);
    }

    /// One module with all the kernels.
    ///
    /// @param lines where each operation stands in its kernel's text, counted from 1, by identity; empty: nothing is said
    /// @throws EmitException if the target cannot say a kernel; the message names the kernel
    public static String emit(List<TileOp.Kernel> kernels, Map<Op, Integer> lines, Target target) {
        var module = new ModuleText(target.vectorBytes() * 8);
        for (var kernel : kernels) {
            try {
                module.add(emit(kernel, lines, target, module));
            } catch (EmitException problem) {
                throw new EmitException(
                        "kernel " + kernel.name() + " of " + String.join(", ", kernel.origin()) + ": "
                                + problem.getMessage());
            }
        }
        return module.toString();
    }

    private static String emit(TileOp.Kernel kernel, Map<Op, Integer> lines, Target target, ModuleText module) {
        var source = SourceLines.of(module, kernel, lines, SourceLines.Detail.LINE_TABLES_ONLY);
        var builder = new FunctionBuilder(module, source, "params", "begin", "end", "error");
        var scope = new Scope();
        var dims = new DimEmitter(builder);
        parameters(kernel, builder, scope, dims);
        var extents = kernel.grid().stream().map(dims::invariant).toList();
        var tile = new TileEmitter(
                builder, scope, dims, target, new GridLoop(builder, new ControlFlow(builder), extents), null, null,
                RingOrder.of(kernel.body()), kernel.body().params(), RingGroups.of(kernel.body()));
        if (extents.isEmpty()) {
            // A grid of one point: a call with an empty range does nothing.
            new ControlFlow(builder).choose(
                    builder.compare(
                            "slt", new Operand(LlvmType.LONG, "%begin"), new Operand(LlvmType.LONG, "%end")),
                    () -> {
                        tile.emit(kernel.body());
                        return List.of();
                    },
                    List::of);
        } else {
            tile.emit(kernel.body());
        }
        builder.line("ret void");
        return "define void @\"" + kernel.name() + "\"(ptr noalias nocapture readonly %params, i64 %begin, i64 %end, "
                + "ptr nocapture %error) #0" + source.ofFunction() + " {\n" + builder.text() + "}\n";
    }

    private static void parameters(TileOp.Kernel kernel, FunctionBuilder builder, Scope scope, DimEmitter dims) {
        var parameters = kernel.body().params();
        var scopes = new AliasScopes(builder.module, kernel.name(), parameters.size());
        var pointers = new ArrayList<Operand>();
        builder.inEntry(() -> {
            for (int i = 0; i < parameters.size(); i++) {
                var hint = parameters.get(i).hint();
                pointers.add(word(builder, i, LlvmType.POINTER, hint.isEmpty() ? "buffer" + i : hint));
            }
            for (int i = 0; i < kernel.symbols().size(); i++) {
                var symbol = kernel.symbols().get(i);
                dims.define(symbol, word(builder, parameters.size() + i, LlvmType.LONG, symbol));
            }
            return null;
        });
        for (int i = 0; i < parameters.size(); i++) {
            if (!(parameters.get(i).type() instanceof Type.Buffer type)) {
                throw new EmitException("parameters are buffers, found " + parameters.get(i));
            }
            scope.bind(parameters.get(i), new BufferPlace(type, pointers.get(i), Operand.index(0), scopes.of(i)));
        }
    }

    private static Operand word(FunctionBuilder builder, int number, LlvmType type, String hint) {
        var place = builder.assign(
                "word", LlvmType.POINTER, "getelementptr i64, ptr %params, i64 " + number);
        return builder.assign(
                hint, type, "load " + type + ", " + place + ", align 8, !invariant.load " + builder.module.empty());
    }
}
