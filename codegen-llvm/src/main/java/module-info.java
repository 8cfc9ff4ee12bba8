/// LLVM as a code generator. Its native files are looked up as resources when something is compiled; the Java binding
/// that comes with them is not used.
module org.portolan.llvm {
    requires transitive org.portolan.lowering;

    exports org.portolan.llvm;
}
