package org.portolan.ir.pass;

import java.util.List;
import org.portolan.ir.Op;
import org.portolan.ir.text.RecordText;

/// A rewrite of a module. Every pass is a record: its components are its options, and the record's name in kebab case
/// is the pass's name. Code is immutable, so a pass returns a copy, or the list itself if nothing changed.
public interface Pass {

    /// The module after this pass.
    ///
    /// @param module the operations at the top: functions, kernels, programs, machines
    List<Op> run(List<Op> module);

    /// The name in a pipeline.
    default String name() {
        return RecordText.name(getClass());
    }
}
