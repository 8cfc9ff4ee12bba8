/// Runs a pack of compiled cases on a device, where there is no compiler: what the owner of the hardware does. Not in here:
/// how a pack is made.
package org.portolan.runtime.selftest;
