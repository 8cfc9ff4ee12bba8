/// What every device must do, whatever it is: memory, kernels, errors, life and abilities. Drivers are tested by it, and a
/// selftest runs it on a user's device. Not in here: how its kernels are compiled.
package org.portolan.runtime.selftest.suite;
