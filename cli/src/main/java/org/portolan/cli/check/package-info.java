/// Does a model give the same numbers on a device as on the interpreter, and if not, where do they part? Not in here: what
/// is printed of it.
package org.portolan.cli.check;
