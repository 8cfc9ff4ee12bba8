/// The host processor as a target.
module org.portolan.cpu {
    requires transitive org.portolan.runtime;
    requires static org.portolan.lowering;
    requires static org.portolan.llvm;

    exports org.portolan.cpu.driver;

    provides org.portolan.runtime.device.Driver with
            org.portolan.cpu.driver.CpuDriver;
    provides org.portolan.ir.text.TextLibrary with
            org.portolan.cpu.codegen.CpuMachines;
    provides org.portolan.lowering.Codegen with
            org.portolan.cpu.codegen.CpuCodegen;
}
