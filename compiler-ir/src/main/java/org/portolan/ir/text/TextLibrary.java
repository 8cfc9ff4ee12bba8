package org.portolan.ir.text;

import java.util.List;

/// Texts in the form of the IR that a jar brings along: machines and kernels. Found by {@link java.util.ServiceLoader};
/// a
/// library opens its own resources, so that it may be a module of its own.
public interface TextLibrary {

    /// The names of the texts, each unique within its library, for example {@code machines/znver5.ir}.
    List<String> names();

    /// The text of that name.
    ///
    /// @throws java.io.UncheckedIOException if it cannot be read
    String read(String name);
}
