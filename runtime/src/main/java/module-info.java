/// The runtime of Portolan: no dependency but the JDK.
module org.portolan.runtime {
    exports org.portolan.runtime;
    exports org.portolan.runtime.type;
}
