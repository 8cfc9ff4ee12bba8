package org.portolan.ascend.driver;

/// The kinds of core that kernels are compiled for.
enum Cores {
    VECTOR,
    CUBE
}
