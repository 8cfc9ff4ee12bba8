package org.portolan.ascend.driver;

import java.util.Optional;

/// Which chip a device's name means: the architecture that kernels are compiled for, and the machine file.
///
/// @param architecture as the vendor's compiler names it, {@code dav-2201}
/// @param number of the architecture
record Chips(String architecture, int number, String machine) {

    /// @param soc the name that the runtime gives, such as {@code Ascend910B1}; empty for a chip that no kernels are made for
    static Optional<Chips> find(String soc) {
        if (soc.startsWith("Ascend310P")) {
            return Optional.of(new Chips("dav-2002", 2002, "310p"));
        }
        if (soc.startsWith("Ascend950") || soc.startsWith("Ascend910_95")) {
            return Optional.of(new Chips("dav-3510", 3510, "950"));
        }
        return soc.startsWith("Ascend910B") || soc.startsWith("Ascend910_93")
                ? Optional.of(new Chips("dav-2201", 2201, "910b"))
                : Optional.empty();
    }
}
