/// A backend without hardware: what every backend consists of.
module org.example.abacus {
    requires org.portolan.ir;
    requires org.portolan.runtime;
    requires static org.portolan.lowering;

    provides org.portolan.ir.text.TextLibrary with
            org.example.abacus.codegen.AbacusMachines;
    provides org.portolan.lowering.Codegen with
            org.example.abacus.codegen.AbacusCodegen;
    provides org.portolan.runtime.device.Driver with
            org.example.abacus.driver.AbacusDriver;
}
