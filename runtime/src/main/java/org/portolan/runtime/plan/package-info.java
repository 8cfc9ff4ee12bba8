/// The host side of a compiled model as flat records: numbered slots, and the steps that use them. The compiler writes
/// them, a session reads them; the text form has one step a line. Not in here: how a device runs a step.
package org.portolan.runtime.plan;
