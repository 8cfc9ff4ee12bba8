/// The intermediate representation of Portolan.
module org.portolan.ir {
    requires transitive org.portolan.runtime;
    requires org.antlr.antlr4.runtime;

    exports org.portolan.ir.analysis;
    exports org.portolan.ir.interpreter;
    exports org.portolan.ir.pass;
    exports org.portolan.ir.text;
    exports org.portolan.ir.verify;
    exports org.portolan.ir;

    uses org.portolan.ir.pass.PassLibrary;

    provides org.portolan.ir.pass.PassLibrary with
            org.portolan.ir.pass.GeneralPasses;
}
