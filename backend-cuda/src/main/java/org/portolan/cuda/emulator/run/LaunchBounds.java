package org.portolan.cuda.emulator.run;

import java.util.List;

/// What a kernel says of its launches.
///
/// @param required threads of a block along x, y and z that a launch must have; empty: any
/// @param most of them that a launch may have; empty: as many as the device takes
/// @param registers that a thread may have; 0: not said
public record LaunchBounds(List<Integer> required, List<Integer> most, int registers) {
    public LaunchBounds {
        required = List.copyOf(required);
        most = List.copyOf(most);
    }
}
