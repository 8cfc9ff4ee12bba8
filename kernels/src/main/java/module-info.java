/// Kernels written by hand, as IR text.
module org.portolan.kernels {
    requires transitive org.portolan.ir;

    exports org.portolan.kernels;

    provides org.portolan.ir.text.TextLibrary with
            org.portolan.kernels.KernelTexts;
}
