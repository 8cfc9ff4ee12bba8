package org.portolan.lowering;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.TreeSet;
import org.portolan.ir.MachineOp;
import org.portolan.runtime.device.DeviceDescription;

/// Finds targets by name among the {@link Codegen} services.
public final class Targets {
    private Targets() {}

    /// The target of a name: a family ({@code cpu}) for its default machine, or a family and a machine
    /// ({@code cpu:x86-64-v3}), and numbers that differ from the machine's ({@code cuda:sm_90+shared_bytes=101376}).
    ///
    /// @throws CompileException if there is none; the message lists what there is
    public static Target resolve(String name) {
        int plus = name.indexOf('+');
        var plain = plus < 0 ? name : name.substring(0, plus);
        int colon = plain.indexOf(':');
        var family = colon < 0 ? plain : plain.substring(0, colon);
        var families = new TreeSet<String>();
        for (var codegen : ServiceLoader.load(Codegen.class)) {
            if (codegen.family().equals(family)) {
                var machine = colon < 0 ? codegen.defaultMachine() : machine(codegen, plain, colon);
                return new Target(name, codegen, MachineLimits.apply(machine, MachineLimits.parse(name)));
            }
            families.add(codegen.family());
        }
        throw new CompileException("there is no target '" + name + "'; the families are " + families
                + (families.isEmpty() ? ": no code generator is on the class path or module path" : ""));
    }

    /// The target that fits a device: the family of its driver, the machine that it names, and its own numbers in place
    /// of the machine's.
    ///
    /// @throws CompileException if there is none, or the device has a number that machines do not have
    public static Target of(DeviceDescription device) {
        return resolve(device.target());
    }

    /// The target of kernels that run on the host beside an accelerator; empty where no code generator for the host is on
    /// the class path or module path.
    public static Optional<Target> host() {
        for (var codegen : ServiceLoader.load(Codegen.class)) {
            var machine = codegen.hostMachine();
            if (machine.isPresent()) {
                return Optional.of(new Target(codegen.family() + ":" + machine.get().name(), codegen, machine.get()));
            }
        }
        return Optional.empty();
    }

    /// The target that a pass names: a target's full name, or that of a machine if only one family has it.
    ///
    /// @throws CompileException if there is none, or several
    public static Target named(String machine) {
        var named = all().stream()
                .filter(target -> target.machine().name().equals(machine))
                .toList();
        if (named.size() > 1) {
            throw new CompileException("machine '" + machine + "' may be any of "
                    + named.stream().map(target -> target.name()).toList() + "; name the family too");
        }
        return named.isEmpty() ? resolve(machine) : named.getFirst();
    }

    /// The targets of several names, each once.
    public static List<Target> resolve(List<String> names) {
        return names.stream().distinct().map(Targets::resolve).toList();
    }

    /// Every machine of every family, by its full name.
    public static List<Target> all() {
        var targets = new ArrayList<Target>();
        for (var codegen : ServiceLoader.load(Codegen.class)) {
            for (var machine : codegen.machines()) {
                targets.add(new Target(codegen.family() + ":" + machine.name(), codegen, machine));
            }
        }
        return targets;
    }

    private static MachineOp.Chip machine(Codegen codegen, String name, int colon) {
        var wanted = name.substring(colon + 1);
        return codegen.machines().stream()
                .filter(machine -> machine.name().equals(wanted))
                .findFirst()
                .orElseThrow(() -> new CompileException("there is no target '" + name + "'; the machines of '"
                        + codegen.family() + "' are "
                        + codegen.machines().stream().map(MachineOp.Chip::name).sorted().toList()));
    }
}
