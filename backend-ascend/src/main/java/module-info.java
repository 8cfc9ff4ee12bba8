/// Huawei's Ascend processors as a target, and an emulator of them.
module org.portolan.ascend {
    requires transitive org.portolan.runtime;
    requires static org.portolan.lowering;
    requires static org.portolan.llvm;

    exports org.portolan.ascend.emulator;

    provides org.portolan.lowering.Codegen with
            org.portolan.ascend.codegen.AscendCodegen;
    provides org.portolan.ir.text.TextLibrary with
            org.portolan.ascend.codegen.AscendMachines;
    provides org.portolan.runtime.device.Driver with
            org.portolan.ascend.driver.AscendDriver;
}
