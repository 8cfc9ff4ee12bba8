package org.portolan.lowering.c;

import java.util.List;
import org.portolan.ir.Body;

/// Writes a body's operations and gives what it yields.
interface Bodies {
    List<List<Term>> emit(Body body);
}
