/// The numeric reference: executes `graph`, `nest` and `tile` in plain Java, in the order and the types that the
/// operations name. What a target computes is compared with this. Nothing here is tuned for a machine, and nothing here
/// compiles: a fast answer comes from a backend.
package org.portolan.ir.interpreter;
