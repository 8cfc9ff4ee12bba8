/// Devices that an OpenCL driver offers.
module org.portolan.opencl {
    requires transitive org.portolan.runtime;
    requires static org.portolan.lowering;

    exports org.portolan.opencl.driver;

    provides org.portolan.runtime.device.Driver with
            org.portolan.opencl.driver.OpenClDriver;
    provides org.portolan.ir.text.TextLibrary with
            org.portolan.opencl.codegen.OpenClMachines;
    provides org.portolan.lowering.Codegen with
            org.portolan.opencl.codegen.OpenClCodegen;
}
