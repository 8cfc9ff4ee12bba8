package org.portolan.lowering;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.Set;
import org.portolan.ir.MachineOp;
import org.portolan.ir.text.IrParser;
import org.portolan.ir.text.TextLibrary;
import org.portolan.runtime.type.ElementType;

/// The chips that the machine files of all libraries describe.
public final class Machines {
    private static final Machines ALL = new Machines(ServiceLoader.load(TextLibrary.class));

    /// A machine file, which is parsed when somebody asks for a code generator that stands in it.
    private record MachineFile(String name, String text) {}

    private final List<MachineFile> files = new ArrayList<>();
    private final Map<String, Map<String, MachineOp.Chip>> chips = new HashMap<>();

    private Machines(Iterable<TextLibrary> libraries) {
        for (var library : libraries) {
            for (var name : library.names()) {
                if (name.startsWith("machines/")) {
                    files.add(new MachineFile(name, library.read(name)));
                }
            }
        }
    }

    private synchronized Map<String, MachineOp.Chip> chips(String codegen) {
        var known = chips.get(codegen);
        if (known == null) {
            known = read(codegen);
            chips.put(codegen, known);
        }
        return known;
    }

    private Map<String, MachineOp.Chip> read(String codegen) {
        var found = new LinkedHashMap<String, MachineOp.Chip>();
        for (var file : files) {
            if (!file.text().contains('"' + codegen + '"')) {
                continue;
            }
            for (var op : IrParser.parse(file.text(), file.name())) {
                if (op instanceof MachineOp.Chip chip && chip.codegen().equals(codegen)) {
                    found.putIfAbsent(chip.name(), chip);
                }
            }
        }
        return found;
    }

    /// The chips of a code generator, in the order of their files.
    public static List<MachineOp.Chip> of(String codegen) {
        return List.copyOf(ALL.chips(codegen).values());
    }

    /// The element types that tensors may have and kernels of a chip must not use.
    public static Set<ElementType> missingTypes(MachineOp.Chip chip) {
        var missing = EnumSet.allOf(ElementType.class);
        missing.removeAll(EnumSet.of(ElementType.INDEX, ElementType.STRING));
        missing.removeIf(type -> chip.types().contains(type.text()));
        return missing;
    }

    /// The chip of that name of a code generator.
    public static Optional<MachineOp.Chip> find(String codegen, String name) {
        return Optional.ofNullable(ALL.chips(codegen).get(name));
    }
}
