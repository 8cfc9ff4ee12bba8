/// Tests that every code generator must pass: each module with one runs them with what it makes of the kernels. Not in
/// here: how kernels are compiled and run.
package org.portolan.lowering.cases;
