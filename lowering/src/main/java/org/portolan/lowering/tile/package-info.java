/// Nests to tile kernels by schedules. Not in here: any name of a chip, and anything that is not a number or an ability
/// of a machine.
package org.portolan.lowering.tile;
