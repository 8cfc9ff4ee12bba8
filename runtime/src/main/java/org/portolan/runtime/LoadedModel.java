package org.portolan.runtime;

import java.util.List;
import java.util.Map;
import org.portolan.runtime.plan.Port;
import org.portolan.runtime.program.ProgramFile;

/// A session together with the program file that it was made from.
///
/// @param file closed after the session
record LoadedModel(ProgramFile file, Session session) implements Model {

    @Override
    public List<Port> inputs() {
        return session.inputs();
    }

    @Override
    public List<Port> outputs() {
        return session.outputs();
    }

    @Override
    public Outputs run(Map<String, Tensor> inputs, RunOptions options) {
        return session.run(inputs, options);
    }

    @Override
    public void close() {
        session.close();
        file.close();
    }
}
