package org.portolan.llvm;

import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import org.portolan.llvm.emit.Traits;

/// Finds out what a target has instructions for, by compiling one function of each kind and looking at what it would
/// call. LLVM's own tables say which features a processor has, but not what becomes of an operation.
final class TargetTraits {
    private static final ConcurrentHashMap<LlvmTarget, Traits> KNOWN = new ConcurrentHashMap<>();

    private static final String PROBE =
            """
            define void @probe(ptr %p, float %x, double %y, <4 x float> %v) nounwind {
              %fmaf = call float @llvm.fma.f32(float %x, float %x, float %x)
              store volatile float %fmaf, ptr %p
              %fma = call double @llvm.fma.f64(double %y, double %y, double %y)
              store volatile double %fma, ptr %p
              %half = load volatile half, ptr %p
              %wide = fpext half %half to float
              store volatile float %wide, ptr %p
              %narrow = fptrunc float %x to half
              store volatile half %narrow, ptr %p
              %narrows = fptrunc <4 x float> %v to <4 x half>
              store volatile <4 x half> %narrows, ptr %p
              %floor = call float @llvm.floor.f32(float %x)
              store volatile float %floor, ptr %p
              %even = call double @llvm.roundeven.f64(double %y)
              store volatile double %even, ptr %p
              %evens = call <4 x float> @llvm.roundeven.v4f32(<4 x float> %v)
              store volatile <4 x float> %evens, ptr %p
              ret void
            }
            declare float @llvm.fma.f32(float, float, float)
            declare double @llvm.fma.f64(double, double, double)
            declare float @llvm.floor.f32(float)
            declare double @llvm.roundeven.f64(double)
            declare <4 x float> @llvm.roundeven.v4f32(<4 x float>)
            """;

    private TargetTraits() {}

    /// There is no object file to look at, but these have every instruction in question.
    private static final Traits WHERE_LANES_ARE_THREADS = new Traits(true, true, true, true);

    static Traits of(LlvmTarget target) {
        if (target.triple().startsWith("nvptx")) {
            return WHERE_LANES_ARE_THREADS;
        }
        return KNOWN.computeIfAbsent(target, TargetTraits::probe);
    }

    private static Traits probe(LlvmTarget target) {
        var calls = calls(target);
        return new Traits(
                !calls.contains("fmaf"),
                !calls.contains("fma"),
                calls.stream().noneMatch(name -> name.contains("hf")),
                calls.stream().noneMatch(name -> name.startsWith("floor") || name.startsWith("roundeven")));
    }

    private static List<String> calls(LlvmTarget target) {
        var object = LlvmCompiler.compile(PROBE, target, LlvmOptions.KERNELS, LlvmCompiler.Output.OBJECT);
        try {
            LlvmTools.link(List.of(object));
            return List.of();
        } catch (LlvmException.UndefinedSymbols found) {
            return found.symbols();
        }
    }
}
