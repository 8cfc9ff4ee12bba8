/// Tests of the emulator: each family of instructions against Java, each check against a kernel that breaks it.
package org.portolan.cuda.emulator;
