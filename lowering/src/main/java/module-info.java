/// Lowering from `graph` to programs.
module org.portolan.lowering {
    requires transitive org.portolan.ir;
    requires org.portolan.kernels;

    exports org.portolan.lowering;
    exports org.portolan.lowering.c;
    exports org.portolan.lowering.math;
    exports org.portolan.lowering.nest;
    exports org.portolan.lowering.plan;
    exports org.portolan.lowering.tile;

    uses org.portolan.ir.text.TextLibrary;
    uses org.portolan.lowering.Codegen;

    provides org.portolan.ir.pass.PassLibrary with
            org.portolan.lowering.nest.NestPasses,
            org.portolan.lowering.plan.PlanPasses;
}
