package org.portolan.ir.pass;

import java.util.List;

/// A service: the passes that a module brings. Each class is a public record.
public interface PassLibrary {
    List<Class<? extends Pass>> passes();
}
