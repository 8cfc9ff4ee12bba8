/// Writes packs: compiled cases with what they must give, for a machine without the compiler. Not in here: how they are run.
package org.portolan.cli.selftest;
