/// Huawei's Ascend processors as a target, and an emulator of them.
module org.portolan.ascend {
    requires transitive org.portolan.runtime;
    requires static org.portolan.lowering;
    requires static org.portolan.llvm;

    exports org.portolan.ascend.emulator;
}
