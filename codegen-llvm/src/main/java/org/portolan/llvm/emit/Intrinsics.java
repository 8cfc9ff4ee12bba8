package org.portolan.llvm.emit;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/// Calls of a machine's own instructions. The machine file spells each as the declaration of an LLVM function;
/// arguments and results are taken to its types bit by bit, and what fills only part of a vector is repeated.
final class Intrinsics {
    private static final Pattern DECLARATION = Pattern.compile("(.+?) @([\\w.]+)\\((.*)\\)");
    private static final Pattern TYPE = Pattern.compile("<(\\d+) x (\\w+)>|(\\w+)");

    private final FunctionBuilder builder;
    private final Map<String, String> spellings;

    Intrinsics(FunctionBuilder builder, Map<String, String> spellings) {
        this.builder = builder;
        this.spellings = spellings;
    }

    List<Operand> call(String name, List<Operand> arguments, List<LlvmType> results) {
        var spelling = spellings.get(name);
        if (spelling == null) {
            throw new EmitException("the machine has no intrinsic " + name + "; it has " + spellings.keySet());
        }
        var declaration = DECLARATION.matcher(spelling);
        if (!declaration.matches() || results.size() != 1) {
            throw new EmitException("the intrinsic " + name + " needs one result and a spelling such as"
                    + " '<16 x i32> @llvm.name(<16 x i32>, <64 x i8>)', found '" + spelling + "'");
        }
        var parameters = new ArrayList<LlvmType>();
        var types = TYPE.matcher(declaration.group(3));
        while (types.find()) {
            parameters.add(type(types.group()));
        }
        if (parameters.size() != arguments.size()) {
            throw new EmitException("the intrinsic " + name + " takes " + parameters.size() + " arguments, found "
                    + arguments.size());
        }
        var converted = new Operand[parameters.size()];
        for (int i = 0; i < converted.length; i++) {
            converted[i] = converted(arguments.get(i), parameters.get(i));
        }
        var result = builder.call(declaration.group(2), type(declaration.group(1)), converted);
        return List.of(builder.convert("bitcast", result, results.getFirst()));
    }

    private Operand converted(Operand argument, LlvmType type) {
        long bits = argument.type().bits() * argument.type().lanes();
        long wanted = type.bits() * type.lanes();
        if (bits == wanted || wanted % bits != 0) {
            return builder.convert("bitcast", argument, type);
        }
        var part = builder.convert("bitcast", argument, LlvmType.scalar("i" + bits));
        return builder.convert("bitcast", builder.splat(part, wanted / bits), type);
    }

    private static LlvmType type(String text) {
        var matcher = TYPE.matcher(text.strip());
        if (!matcher.matches()) {
            throw new EmitException("'" + text + "' is no scalar or vector type of LLVM");
        }
        return matcher.group(1) == null
                ? LlvmType.scalar(matcher.group(3))
                : new LlvmType(matcher.group(2), Long.parseLong(matcher.group(1)));
    }
}
