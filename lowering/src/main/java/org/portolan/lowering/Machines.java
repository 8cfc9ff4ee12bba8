package org.portolan.lowering;

import java.util.ArrayList;
import java.util.EnumSet;
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

    private final Map<String, MachineOp.Chip> chips = new LinkedHashMap<>();

    private Machines(Iterable<TextLibrary> libraries) {
        for (var library : libraries) {
            for (var name : library.names()) {
                if (!name.startsWith("machines/")) {
                    continue;
                }
                for (var op : IrParser.parse(library.read(name), name)) {
                    if (op instanceof MachineOp.Chip chip) {
                        chips.putIfAbsent(chip.codegen() + ":" + chip.name(), chip);
                    }
                }
            }
        }
    }

    /// The chips of a code generator, in the order of their files.
    public static List<MachineOp.Chip> of(String codegen) {
        var result = new ArrayList<MachineOp.Chip>();
        for (var chip : ALL.chips.values()) {
            if (chip.codegen().equals(codegen)) {
                result.add(chip);
            }
        }
        return result;
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
        return Optional.ofNullable(ALL.chips.get(codegen + ":" + name));
    }
}
