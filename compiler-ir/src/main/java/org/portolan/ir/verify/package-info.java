/// The rules that no single operation can see: what is visible where, which dialect stands in which, free axes, symbols
/// and loops. What one operation can see, its constructor has checked.
package org.portolan.ir.verify;
