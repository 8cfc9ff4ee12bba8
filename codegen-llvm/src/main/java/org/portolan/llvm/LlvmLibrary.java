package org.portolan.llvm;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.concurrent.ConcurrentHashMap;

/// The few functions of LLVM's C API that the compiler calls, bound by `java.lang.foreign` to the library alone. (The
/// generated binding of the jar initialises all targets and unpacks three more libraries: twice the start time.)
final class LlvmLibrary {
    private static final Linker LINKER = Linker.nativeLinker();
    private static final SymbolLookup SYMBOLS = SymbolLookup.libraryLookup(LlvmTools.library(), Arena.global());
    private static final ConcurrentHashMap<String, Boolean> INITIALIZED = new ConcurrentHashMap<>();

    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
    static final ValueLayout PTR = ValueLayout.ADDRESS;

    static final MethodHandle CONTEXT_CREATE = function("LLVMContextCreate", PTR);
    static final MethodHandle CONTEXT_DISPOSE = procedure("LLVMContextDispose", PTR);
    static final MethodHandle CONTEXT_SET_DIAGNOSTIC_HANDLER =
            procedure("LLVMContextSetDiagnosticHandler", PTR, PTR, PTR);
    static final MethodHandle INSTALL_FATAL_ERROR_HANDLER = procedure("LLVMInstallFatalErrorHandler", PTR);
    static final MethodHandle DIAGNOSTIC_SEVERITY = function("LLVMGetDiagInfoSeverity", INT, PTR);
    static final MethodHandle DIAGNOSTIC_DESCRIPTION = function("LLVMGetDiagInfoDescription", PTR, PTR);
    static final MethodHandle BUFFER_OF_COPY =
            function("LLVMCreateMemoryBufferWithMemoryRangeCopy", PTR, PTR, LONG, PTR);
    static final MethodHandle BUFFER_START = function("LLVMGetBufferStart", PTR, PTR);
    static final MethodHandle BUFFER_SIZE = function("LLVMGetBufferSize", LONG, PTR);
    static final MethodHandle BUFFER_DISPOSE = procedure("LLVMDisposeMemoryBuffer", PTR);
    static final MethodHandle PARSE_IR = function("LLVMParseIRInContext", INT, PTR, PTR, PTR, PTR);
    static final MethodHandle MODULE_DISPOSE = procedure("LLVMDisposeModule", PTR);
    static final MethodHandle MODULE_PRINT = function("LLVMPrintModuleToString", PTR, PTR);
    static final MethodHandle MODULE_VERIFY = function("LLVMVerifyModule", INT, PTR, INT, PTR);
    static final MethodHandle MODULE_SET_TARGET = procedure("LLVMSetTarget", PTR, PTR);
    static final MethodHandle MODULE_SET_DATA_LAYOUT = procedure("LLVMSetModuleDataLayout", PTR, PTR);
    static final MethodHandle TARGET_FROM_TRIPLE = function("LLVMGetTargetFromTriple", INT, PTR, PTR, PTR);
    static final MethodHandle MACHINE_CREATE =
            function("LLVMCreateTargetMachine", PTR, PTR, PTR, PTR, PTR, INT, INT, INT);
    static final MethodHandle MACHINE_DISPOSE = procedure("LLVMDisposeTargetMachine", PTR);
    static final MethodHandle MACHINE_EMIT =
            function("LLVMTargetMachineEmitToMemoryBuffer", INT, PTR, PTR, INT, PTR, PTR);
    static final MethodHandle DATA_LAYOUT_CREATE = function("LLVMCreateTargetDataLayout", PTR, PTR);
    static final MethodHandle DATA_LAYOUT_DISPOSE = procedure("LLVMDisposeTargetData", PTR);
    static final MethodHandle PASS_OPTIONS_CREATE = function("LLVMCreatePassBuilderOptions", PTR);
    static final MethodHandle PASS_OPTIONS_DISPOSE = procedure("LLVMDisposePassBuilderOptions", PTR);
    static final MethodHandle PASS_OPTIONS_LOOP_VECTORIZATION =
            procedure("LLVMPassBuilderOptionsSetLoopVectorization", PTR, INT);
    static final MethodHandle PASS_OPTIONS_SLP_VECTORIZATION =
            procedure("LLVMPassBuilderOptionsSetSLPVectorization", PTR, INT);
    static final MethodHandle PASS_OPTIONS_LOOP_UNROLLING =
            procedure("LLVMPassBuilderOptionsSetLoopUnrolling", PTR, INT);
    static final MethodHandle RUN_PASSES = function("LLVMRunPasses", PTR, PTR, PTR, PTR, PTR);
    static final MethodHandle ERROR_MESSAGE = function("LLVMGetErrorMessage", PTR, PTR);
    static final MethodHandle ERROR_MESSAGE_DISPOSE = procedure("LLVMDisposeErrorMessage", PTR);
    static final MethodHandle MESSAGE_DISPOSE = procedure("LLVMDisposeMessage", PTR);
    static final MethodHandle HOST_CPU_NAME = function("LLVMGetHostCPUName", PTR);
    static final MethodHandle HOST_CPU_FEATURES = function("LLVMGetHostCPUFeatures", PTR);
    static final MethodHandle DEFAULT_TRIPLE = function("LLVMGetDefaultTargetTriple", PTR);

    private LlvmLibrary() {}

    /// Makes a target known to LLVM; once per process, since LLVM's registry is global.
    static void initialize(String triple) {
        INITIALIZED.computeIfAbsent(family(triple), family -> {
            for (var part : new String[] {"TargetInfo", "Target", "TargetMC", "AsmPrinter", "AsmParser"}) {
                // NVPTX and SPIR-V have no assembler of their own.
                SYMBOLS.find("LLVMInitialize" + family + part).ifPresent(address -> call(bind(address)));
            }
            return true;
        });
    }

    private static void call(MethodHandle procedure) {
        try {
            procedure.invokeExact();
        } catch (Throwable failure) {
            throw unexpected(failure);
        }
    }

    private static MethodHandle bind(MemorySegment address) {
        return LINKER.downcallHandle(address, FunctionDescriptor.ofVoid());
    }

    private static String family(String triple) {
        var architecture = triple.substring(0, Math.max(0, triple.indexOf('-')));
        return switch (architecture) {
            case "x86_64", "i386", "i686" -> "X86";
            case "aarch64", "arm64" -> "AArch64";
            case "arm", "armv7", "thumbv7" -> "ARM";
            case "riscv32", "riscv64" -> "RISCV";
            case "loongarch32", "loongarch64" -> "LoongArch";
            case "nvptx", "nvptx64" -> "NVPTX";
            case "amdgcn" -> "AMDGPU";
            case "hexagon" -> "Hexagon";
            case "powerpc64", "powerpc64le", "ppc64le" -> "PowerPC";
            case "s390x" -> "SystemZ";
            case "wasm32", "wasm64" -> "WebAssembly";
            default -> {
                if (architecture.startsWith("spirv")) {
                    yield "SPIRV";
                }
                throw new LlvmException.CodegenFailed("no LLVM target is known for the triple '" + triple + "'");
            }
        };
    }

    /// A handle's own checked exceptions cannot happen: the functions bound here throw nothing.
    static RuntimeException unexpected(Throwable failure) {
        return switch (failure) {
            case RuntimeException runtime -> runtime;
            case Error error -> throw error;
            default -> new IllegalStateException(failure);
        };
    }

    private static MethodHandle function(String name, MemoryLayout result, MemoryLayout... parameters) {
        return LINKER.downcallHandle(find(name), FunctionDescriptor.of(result, parameters));
    }

    private static MethodHandle procedure(String name, MemoryLayout... parameters) {
        return LINKER.downcallHandle(find(name), FunctionDescriptor.ofVoid(parameters));
    }

    private static MemorySegment find(String name) {
        return SYMBOLS.find(name)
                .orElseThrow(() -> new LlvmException.Unavailable(
                        LlvmTools.library() + " has no function " + name + "; LLVM 20 is expected", null));
    }
}
