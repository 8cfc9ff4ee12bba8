/// Program files: a ZIP archive with the plan and the kernels of every target and each weight once, 64-byte aligned and
/// mapped. Not in here: what the bytes of a kernel image mean.
package org.portolan.runtime.program;
