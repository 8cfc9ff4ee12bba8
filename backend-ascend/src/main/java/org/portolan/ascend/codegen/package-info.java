/// The compile-time half: machine files and the generator of Ascend C. Not in here: loading and running.
package org.portolan.ascend.codegen;
