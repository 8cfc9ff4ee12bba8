/// Facts computed from code when somebody asks: uses and definitions, free axes, bounds of index expressions. Nothing
/// here is kept up to date while code is rewritten; ask again.
package org.portolan.ir.analysis;
