/// NVIDIA GPUs as a target.
module org.portolan.cuda {
    requires transitive org.portolan.runtime;
    requires static org.antlr.antlr4.runtime;
    requires static org.portolan.llvm;
    requires static org.portolan.lowering;

    exports org.portolan.cuda.driver;

    uses org.portolan.cuda.driver.EmulatedDevices;

    provides org.portolan.cuda.driver.EmulatedDevices with
            org.portolan.cuda.emulator.EmulatedCuda;
    provides org.portolan.runtime.device.Driver with
            org.portolan.cuda.driver.CudaDriver;
    provides org.portolan.ir.text.TextLibrary with
            org.portolan.cuda.codegen.CudaMachines;
    provides org.portolan.lowering.Codegen with
            org.portolan.cuda.codegen.CudaCodegen;
}
