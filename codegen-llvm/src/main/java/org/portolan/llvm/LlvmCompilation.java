package org.portolan.llvm;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.OptionalInt;
import java.util.regex.Pattern;

/// One run of LLVM over one module, on one thread, in a context of its own.
final class LlvmCompilation implements AutoCloseable {
    private static final int RETURN_STATUS = 2;
    private static final int POSITION_INDEPENDENT = 2;
    private static final int DEFAULT_CODE_MODEL = 0;
    private static final int ASSEMBLY_FILE = 0;
    private static final int OBJECT_FILE = 1;
    private static final Pattern POSITION = Pattern.compile("^[^:\\n]*:(\\d+):(\\d+): error: ([^\\n]*)");

    private final Arena arena = Arena.ofConfined();
    private final MemorySegment context;
    private MemorySegment module = MemorySegment.NULL;
    private MemorySegment machine = MemorySegment.NULL;

    LlvmCompilation() {
        try {
            context = (MemorySegment) LlvmLibrary.CONTEXT_CREATE.invokeExact();
            LlvmLibrary.CONTEXT_SET_DIAGNOSTIC_HANDLER.invokeExact(context, Diagnostics.HANDLER, MemorySegment.NULL);
        } catch (Throwable failure) {
            throw LlvmLibrary.unexpected(failure);
        }
    }

    byte[] run(String ir, LlvmTarget target, LlvmOptions options, LlvmCompiler.Output output) {
        try {
            parse(ir);
            selectMachine(target, options);
            verify();
            if (!options.pipeline().isEmpty()) {
                runPasses(options);
            }
            return switch (output) {
                case OBJECT -> emit(OBJECT_FILE);
                case ASSEMBLY -> emit(ASSEMBLY_FILE);
                case IR -> LlvmCompiler.utf8(
                        LlvmCompiler.owned((MemorySegment) LlvmLibrary.MODULE_PRINT.invokeExact(module)));
            };
        } catch (Throwable failure) {
            throw LlvmLibrary.unexpected(failure);
        }
    }

    private void parse(String ir) throws Throwable {
        var bytes = LlvmCompiler.utf8(ir);
        // The extra byte is the terminating zero that LLVM's lexer wants behind the text.
        var text = arena.allocate(bytes.length + 1L);
        MemorySegment.copy(bytes, 0, text, ValueLayout.JAVA_BYTE, 0, bytes.length);
        var buffer = (MemorySegment)
                LlvmLibrary.BUFFER_OF_COPY.invokeExact(text, (long) bytes.length, arena.allocateFrom("kernel"));
        var result = arena.allocate(ValueLayout.ADDRESS);
        var message = arena.allocate(ValueLayout.ADDRESS);
        if ((int) LlvmLibrary.PARSE_IR.invokeExact(context, buffer, result, message) != 0) {
            throw notParsed(ir, taken(message));
        }
        module = result.get(ValueLayout.ADDRESS, 0);
    }

    private static LlvmException notParsed(String ir, String message) {
        var position = POSITION.matcher(message);
        if (!position.find()) {
            return new LlvmException.InvalidIr("the IR does not parse: " + message, OptionalInt.empty());
        }
        int line = Integer.parseInt(position.group(1));
        var source = ir.lines().skip(line - 1L).findFirst().orElse("");
        return new LlvmException.InvalidIr(
                "line %d, column %s of the IR: %s, in: %s"
                        .formatted(line, position.group(2), position.group(3), source.strip()),
                OptionalInt.of(line));
    }

    private void selectMachine(LlvmTarget target, LlvmOptions options) throws Throwable {
        var triple = arena.allocateFrom(target.triple());
        var found = arena.allocate(ValueLayout.ADDRESS);
        var message = arena.allocate(ValueLayout.ADDRESS);
        if ((int) LlvmLibrary.TARGET_FROM_TRIPLE.invokeExact(triple, found, message) != 0) {
            throw new LlvmException.CodegenFailed(
                    "LLVM knows no target '" + target.triple() + "': " + taken(message));
        }
        machine = (MemorySegment) LlvmLibrary.MACHINE_CREATE.invokeExact(
                found.get(ValueLayout.ADDRESS, 0),
                triple,
                arena.allocateFrom(target.cpu()),
                arena.allocateFrom(target.features()),
                options.codegenLevel(),
                POSITION_INDEPENDENT,
                DEFAULT_CODE_MODEL);
        if (machine.equals(MemorySegment.NULL)) {
            throw new LlvmException.CodegenFailed("LLVM makes no code for " + target);
        }
        LlvmLibrary.MODULE_SET_TARGET.invokeExact(module, triple);
        var layout = (MemorySegment) LlvmLibrary.DATA_LAYOUT_CREATE.invokeExact(machine);
        LlvmLibrary.MODULE_SET_DATA_LAYOUT.invokeExact(module, layout);
        LlvmLibrary.DATA_LAYOUT_DISPOSE.invokeExact(layout);
    }

    private void verify() throws Throwable {
        var message = arena.allocate(ValueLayout.ADDRESS);
        int broken = (int) LlvmLibrary.MODULE_VERIFY.invokeExact(module, RETURN_STATUS, message);
        var text = taken(message);
        if (broken != 0) {
            throw new LlvmException.InvalidIr("the IR breaks a rule: " + text.strip(), OptionalInt.empty());
        }
    }

    private void runPasses(LlvmOptions options) throws Throwable {
        var passOptions = (MemorySegment) LlvmLibrary.PASS_OPTIONS_CREATE.invokeExact();
        try {
            int vectorize = options.vectorize() ? 1 : 0;
            LlvmLibrary.PASS_OPTIONS_LOOP_VECTORIZATION.invokeExact(passOptions, vectorize);
            LlvmLibrary.PASS_OPTIONS_SLP_VECTORIZATION.invokeExact(passOptions, vectorize);
            LlvmLibrary.PASS_OPTIONS_LOOP_UNROLLING.invokeExact(passOptions, options.unroll() ? 1 : 0);
            var error = (MemorySegment) LlvmLibrary.RUN_PASSES.invokeExact(
                    module, arena.allocateFrom(options.pipeline()), machine, passOptions);
            if (!error.equals(MemorySegment.NULL)) {
                var message = (MemorySegment) LlvmLibrary.ERROR_MESSAGE.invokeExact(error);
                var text = message.reinterpret(Long.MAX_VALUE).getString(0);
                LlvmLibrary.ERROR_MESSAGE_DISPOSE.invokeExact(message);
                throw new LlvmException.CodegenFailed("the passes '" + options.pipeline() + "' failed: " + text);
            }
        } finally {
            LlvmLibrary.PASS_OPTIONS_DISPOSE.invokeExact(passOptions);
        }
    }

    private byte[] emit(int kind) throws Throwable {
        var message = arena.allocate(ValueLayout.ADDRESS);
        var result = arena.allocate(ValueLayout.ADDRESS);
        int failed = (int) LlvmLibrary.MACHINE_EMIT.invokeExact(machine, module, kind, message, result);
        var text = failed == 0 ? "" : taken(message);
        // Backend errors are told to the diagnostic handler; the function's own status stays 0.
        var errors = Diagnostics.errors();
        if (failed != 0 || !errors.isEmpty()) {
            throw new LlvmException.CodegenFailed(
                    "LLVM cannot make code of the module: " + text + String.join("; ", errors));
        }
        var buffer = result.get(ValueLayout.ADDRESS, 0);
        var start = (MemorySegment) LlvmLibrary.BUFFER_START.invokeExact(buffer);
        var bytes = start.reinterpret((long) LlvmLibrary.BUFFER_SIZE.invokeExact(buffer))
                .toArray(ValueLayout.JAVA_BYTE);
        LlvmLibrary.BUFFER_DISPOSE.invokeExact(buffer);
        return bytes;
    }

    private static String taken(MemorySegment slot) throws Throwable {
        return LlvmCompiler.owned(slot.get(ValueLayout.ADDRESS, 0));
    }

    @Override
    public void close() {
        try {
            if (!machine.equals(MemorySegment.NULL)) {
                LlvmLibrary.MACHINE_DISPOSE.invokeExact(machine);
            }
            if (!module.equals(MemorySegment.NULL)) {
                LlvmLibrary.MODULE_DISPOSE.invokeExact(module);
            }
            LlvmLibrary.CONTEXT_DISPOSE.invokeExact(context);
        } catch (Throwable failure) {
            throw LlvmLibrary.unexpected(failure);
        } finally {
            arena.close();
        }
    }
}
