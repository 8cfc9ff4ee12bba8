package org.portolan.cpu.driver;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import org.portolan.llvm.LlvmCompiler;
import org.portolan.llvm.LlvmOptions;
import org.portolan.llvm.LlvmTarget;
import org.portolan.llvm.LlvmTools;

/// Kernels written by hand in LLVM IR, linked to a shared object.
final class TestKernels {
    /// `add`: f32 buffers 0 + 1 into 2. `gather`: f32 buffer 0 at the i64 indices 1 into 2, the extent is word 3.
    /// `slow`: many steps for each point of the grid.
    static final String TEXT = """
            define void @add(ptr %params, i64 %begin, i64 %end, ptr %error) {
            entry:
              %x = load ptr, ptr %params
              %yp = getelementptr i64, ptr %params, i64 1
              %y = load ptr, ptr %yp
              %zp = getelementptr i64, ptr %params, i64 2
              %z = load ptr, ptr %zp
              br label %loop
            loop:
              %i = phi i64 [ %begin, %entry ], [ %next, %body ]
              %more = icmp slt i64 %i, %end
              br i1 %more, label %body, label %done
            body:
              %xi = getelementptr float, ptr %x, i64 %i
              %yi = getelementptr float, ptr %y, i64 %i
              %zi = getelementptr float, ptr %z, i64 %i
              %a = load float, ptr %xi
              %b = load float, ptr %yi
              %s = fadd float %a, %b
              store float %s, ptr %zi
              %next = add i64 %i, 1
              br label %loop
            done:
              ret void
            }

            define void @gather(ptr %params, i64 %begin, i64 %end, ptr %error) {
            entry:
              %x = load ptr, ptr %params
              %ip = getelementptr i64, ptr %params, i64 1
              %indices = load ptr, ptr %ip
              %zp = getelementptr i64, ptr %params, i64 2
              %z = load ptr, ptr %zp
              %np = getelementptr i64, ptr %params, i64 3
              %n = load i64, ptr %np
              br label %loop
            loop:
              %i = phi i64 [ %begin, %entry ], [ %next, %continue ]
              %more = icmp slt i64 %i, %end
              br i1 %more, label %body, label %done
            body:
              %ii = getelementptr i64, ptr %indices, i64 %i
              %index = load i64, ptr %ii
              %good = icmp ult i64 %index, %n
              br i1 %good, label %read, label %fail
            fail:
              %old = cmpxchg ptr %error, i64 0, i64 4294967301 monotonic monotonic
              br label %continue
            read:
              %xi = getelementptr float, ptr %x, i64 %index
              %v = load float, ptr %xi
              %zi = getelementptr float, ptr %z, i64 %i
              store float %v, ptr %zi
              br label %continue
            continue:
              %next = add i64 %i, 1
              br label %loop
            done:
              ret void
            }

            define void @slow(ptr %params, i64 %begin, i64 %end, ptr %error) {
            entry:
              %y = load ptr, ptr %params
              br label %loop
            loop:
              %i = phi i64 [ %begin, %entry ], [ %next, %after ]
              %more = icmp slt i64 %i, %end
              br i1 %more, label %inner, label %done
            inner:
              %k = phi i64 [ 0, %loop ], [ %k1, %inner ]
              store volatile float 1.0, ptr %y
              %k1 = add i64 %k, 1
              %again = icmp slt i64 %k1, 20000
              br i1 %again, label %inner, label %after
            after:
              %next = add i64 %i, 1
              br label %loop
            done:
              ret void
            }
            """;

    private static final MemorySegment IMAGE = link(TEXT);

    private TestKernels() {}

    static MemorySegment image() {
        return IMAGE;
    }

    static byte[] bytes() {
        return IMAGE.toArray(ValueLayout.JAVA_BYTE);
    }

    static MemorySegment link(String text) {
        var object = LlvmCompiler.compile(
                text, LlvmTarget.host(), LlvmOptions.KERNELS, LlvmCompiler.Output.OBJECT);
        return MemorySegment.ofArray(LlvmTools.link(List.of(object)));
    }
}
