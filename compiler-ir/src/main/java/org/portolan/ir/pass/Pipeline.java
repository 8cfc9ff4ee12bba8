package org.portolan.ir.pass;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.portolan.ir.Op;
import org.portolan.ir.text.RecordText;

/// Passes in order. The text form is {@code canonicalize, nest-to-tile{machine=znver5}}.
public record Pipeline(List<Pass> passes) {
    public Pipeline {
        passes = List.copyOf(passes);
    }

    public static Pipeline of(Pass... passes) {
        return new Pipeline(List.of(passes));
    }

    /// Reads a pipeline of the passes that are found as services.
    ///
    /// @throws org.portolan.ir.text.IrSyntaxException if a pass or an option is unknown
    public static Pipeline parse(String text) {
        var classes = ServiceLoader.load(PassLibrary.class).stream()
                .flatMap(library -> library.get().passes().stream())
                .toList();
        return parse(text, classes);
    }

    /// Reads a pipeline of the given passes.
    public static Pipeline parse(String text, Collection<Class<? extends Pass>> classes) {
        var byName = new TreeMap<String, Class<? extends Record>>();
        for (var type : classes) {
            byName.put(RecordText.name(type), type.asSubclass(Record.class));
        }
        var records = RecordText.parseNamed(
                text, "pipeline", name -> Optional.ofNullable(byName.get(name)), List.copyOf(byName.keySet()));
        return new Pipeline(records.stream().map(Pass.class::cast).toList());
    }

    /// The classes of all passes that are found as services, by name.
    public static Map<String, Class<? extends Pass>> known() {
        var known = new TreeMap<String, Class<? extends Pass>>();
        for (var library : ServiceLoader.load(PassLibrary.class)) {
            library.passes().forEach(type -> known.put(RecordText.name(type), type));
        }
        return known;
    }

    /// The module after all passes.
    ///
    /// @throws PassException if one fails
    public List<Op> run(List<Op> module, PassListener... listeners) {
        return run(module, List.of(listeners), Optional.empty());
    }

    /// The module after all passes. Where a pass fails, or a listener after it, the reproducer is written.
    ///
    /// @throws PassException if one fails
    public List<Op> run(List<Op> module, List<PassListener> listeners, Optional<Reproducer> reproducer) {
        listeners.forEach(listener -> listener.begin(module));
        var current = module;
        for (int position = 0; position < passes.size(); position++) {
            var pass = passes.get(position);
            var before = current;
            try {
                long start = System.nanoTime();
                current = List.copyOf(pass.run(before));
                long nanoseconds = System.nanoTime() - start;
                for (var listener : listeners) {
                    listener.after(pass, position, current, nanoseconds);
                }
            } catch (RuntimeException | StackOverflowError e) {
                var rest = new Pipeline(passes.subList(position, passes.size()));
                throw new PassException(print(pass), written(reproducer, before, rest, e), e);
            }
        }
        return current;
    }

    /// A reproducer that cannot be written must not hide the failure itself.
    private static Path written(Optional<Reproducer> reproducer, List<Op> before, Pipeline rest, Throwable failure) {
        if (reproducer.isEmpty()) {
            return null;
        }
        try {
            return reproducer.get().write(before, rest);
        } catch (IOException | RuntimeException e) {
            failure.addSuppressed(e);
            return null;
        }
    }

    private static String print(Pass pass) {
        return pass instanceof Record options ? RecordText.printNamed(options) : pass.name();
    }

    @Override
    public String toString() {
        return passes.stream().map(Pipeline::print).collect(Collectors.joining(", "));
    }
}
