package org.portolan.llvm.emit;

import java.util.Map;

/// What the emitter knows of a chip.
///
/// @param vectorBytes the width of a vector register; 0 if there are none
/// @param intrinsics from an intrinsic's name to its spelling: the LLVM declaration of the function that is called,
///     such as `<16 x i32> @llvm.x86.avx512.vpdpbusd.512(<16 x i32>, <16 x i32>, <16 x i32>)`
public record Target(Traits traits, long vectorBytes, Map<String, String> intrinsics) {
    public Target {
        intrinsics = Map.copyOf(intrinsics);
    }
}
