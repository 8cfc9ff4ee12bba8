package org.portolan.cuda.emulator.decode;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.portolan.cuda.emulator.run.Constants;
import org.portolan.cuda.emulator.run.Space;
import org.portolan.cuda.emulator.run.SpecialRegister;
import org.portolan.cuda.emulator.text.PtxRefused;
import org.portolan.cuda.emulator.text.PtxTypes;

/// What the names in a kernel stand for, scope by scope, and the slots of its registers. A register gets its slot when
/// it is first used; numbers and special registers get slots of their own.
final class Names {
    private static final int LANES = 32;

    private final Deque<Map<String, Declared>> scopes = new ArrayDeque<>();
    private final Map<Integer, Integer> wordSlots = new HashMap<>();
    private final Map<Long, Integer> longSlots = new HashMap<>();
    private final Map<Integer, Integer> predicateSlots = new HashMap<>();
    private final Map<SpecialRegister.Kind, Integer> specialSlots = new LinkedHashMap<>();
    /// Slots of 32-bit registers that the present instruction names.
    private final Set<Integer> used = new LinkedHashSet<>();
    private int words;
    private int longs;
    private int predicates;

    /// What a name stands for.
    private sealed interface Declared {}

    /// A register, or the beginning of the names of several.
    private record Registers(String type, int count, Map<String, Register> used) implements Declared {}

    /// A variable's place.
    private record Place(Variable variable) implements Declared {}

    /// A variable in one of the memories.
    ///
    /// @param address within the memory
    record Variable(Space space, long address) {}

    Names() {
        enter();
    }

    void enter() {
        scopes.push(new HashMap<>());
    }

    void leave() {
        scopes.pop();
    }

    /// @param count -1: one register of exactly that name
    void declareRegisters(String type, String name, int count) {
        scopes.peek().put(count < 0 ? name : name + "<>", new Registers(type, count, new HashMap<>()));
    }

    void declareVariable(String name, Space space, long address) {
        scopes.peek().put(name, new Place(new Variable(space, address)));
    }

    Optional<Variable> variable(String name) {
        for (var scope : scopes) {
            if (scope.get(name) instanceof Place place) {
                return Optional.of(place.variable());
            }
        }
        return Optional.empty();
    }

    /// The register of that name, special ones included.
    Optional<Register> register(String name, int line) {
        int digits = name.length();
        while (digits > 0 && name.charAt(digits - 1) >= '0' && name.charAt(digits - 1) <= '9') {
            digits--;
        }
        var stem = name.substring(0, digits) + "<>";
        for (var scope : scopes) {
            var declared = scope.get(name);
            if (!(declared instanceof Registers)) {
                declared = scope.get(stem);
            }
            if (declared instanceof Registers registers) {
                var register = registers.used().computeIfAbsent(name, _ -> fresh(registers.type(), line));
                if (register.kind() == Register.Kind.WORD) {
                    used.add(register.slot());
                }
                return Optional.of(register);
            }
        }
        return special(name);
    }

    /// Slots of 32-bit registers that were named since this was asked last.
    int[] takeUsed() {
        int[] slots = used.stream().mapToInt(Integer::intValue).toArray();
        used.clear();
        return slots;
    }

    /// A register that no name stands for.
    Register fresh(String type, int line) {
        int bits = PtxTypes.bits(type);
        if (bits == 1) {
            return new Register(Register.Kind.PREDICATE, predicates++, bits);
        }
        if (bits == 0 || bits > Long.SIZE) {
            throw new PtxRefused(line, "registers of type ." + type
                    + " are not supported, only .pred and types of 8 to 64 bits are");
        }
        return bits == Long.SIZE
                ? new Register(Register.Kind.LONG, LANES * longs++, bits)
                : new Register(Register.Kind.WORD, LANES * words++, bits);
    }

    private Optional<Register> special(String name) {
        if (!name.startsWith("%")) {
            return Optional.empty();
        }
        var wanted = name.substring(1).replace('.', '_').toUpperCase(Locale.ROOT);
        for (var kind : SpecialRegister.Kind.values()) {
            if (kind.name().equals(wanted)) {
                int slot = specialSlots.computeIfAbsent(kind, _ -> LANES * words++);
                return Optional.of(new Register(Register.Kind.WORD, slot, Integer.SIZE));
            }
        }
        return Optional.empty();
    }

    int wordConstant(int value) {
        return wordSlots.computeIfAbsent(value, _ -> LANES * words++);
    }

    int longConstant(long value) {
        return longSlots.computeIfAbsent(value, _ -> LANES * longs++);
    }

    int predicateConstant(boolean value) {
        return predicateSlots.computeIfAbsent(value ? -1 : 0, _ -> predicates++);
    }

    Constants constants() {
        return new Constants(inverse(wordSlots), inverse(longSlots), inverse(predicateSlots));
    }

    private static <V> Map<Integer, V> inverse(Map<V, Integer> slots) {
        var values = new HashMap<Integer, V>();
        slots.forEach((value, slot) -> values.put(slot, value));
        return values;
    }

    List<SpecialRegister> specials() {
        var specials = new ArrayList<SpecialRegister>();
        specialSlots.forEach((kind, slot) -> specials.add(new SpecialRegister(kind, slot)));
        return specials;
    }

    int words() {
        return words;
    }

    int longs() {
        return longs;
    }

    int predicates() {
        return predicates;
    }
}
