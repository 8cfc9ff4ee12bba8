/// LLVM as a code generator.
module org.portolan.llvm {
    requires transitive org.portolan.lowering;
    requires org.bytedeco.javacpp;
    requires org.bytedeco.llvm;

    exports org.portolan.llvm;
}
