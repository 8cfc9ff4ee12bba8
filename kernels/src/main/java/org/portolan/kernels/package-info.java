/// Generic kernels written by hand as IR text. Not in here: lowering.
package org.portolan.kernels;
