package org.portolan.ascend.driver;

/// Which chip a device's name means: the architecture that kernels are compiled for, and the machine file.
///
/// @param architecture as the vendor's compiler names it, {@code dav-2201}
/// @param number of the architecture
record Chips(String architecture, int number, String machine) {

    /// @param soc the name that the runtime gives, such as {@code Ascend910B1}; of an unknown chip the 910B is assumed
    static Chips of(String soc) {
        if (soc.startsWith("Ascend310P")) {
            return new Chips("dav-2002", 2002, "310p");
        }
        if (soc.startsWith("Ascend950") || soc.startsWith("Ascend910_95")) {
            return new Chips("dav-3510", 3510, "950");
        }
        return new Chips("dav-2201", 2201, "910b");
    }
}
