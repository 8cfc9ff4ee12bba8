package org.portolan.lowering;

import org.portolan.ir.MachineOp;

/// What a program is compiled for: a chip, and who turns kernels into its code.
///
/// @param name as it was asked for, for example {@code cpu} or {@code cpu:x86-64-v3}
public record Target(String name, Codegen codegen, MachineOp.Chip machine) {}
