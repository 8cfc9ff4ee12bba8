package org.portolan.lowering.plan;

import java.util.List;
import org.portolan.ir.Op;
import org.portolan.ir.PlanOp;
import org.portolan.ir.TileOp;

/// A model for one machine: what the host does, and the kernels that it launches by name.
///
/// @param kernels for the machine
/// @param hostKernels for the host beside it; their names begin with {@link #HOST_KERNEL}
public record HostProgram(PlanOp.Program plan, List<TileOp.Kernel> kernels, List<TileOp.Kernel> hostKernels) {
    /// What the names of the host's kernels begin with.
    static final String HOST_KERNEL = "host_kernel_";

    public HostProgram {
        kernels = List.copyOf(kernels);
        hostKernels = List.copyOf(hostKernels);
    }

    /// The program of a module: its kernels, and the plan as its last operation.
    public static HostProgram of(List<Op> module) {
        var kernels = module.stream()
                .filter(TileOp.Kernel.class::isInstance)
                .map(TileOp.Kernel.class::cast)
                .toList();
        return new HostProgram(
                (PlanOp.Program) module.getLast(),
                kernels.stream().filter(kernel -> !isForHost(kernel)).toList(),
                kernels.stream().filter(HostProgram::isForHost).toList());
    }

    private static boolean isForHost(TileOp.Kernel kernel) {
        return kernel.name().startsWith(HOST_KERNEL);
    }
}
