/// The device suite: what every driver must do, real or emulated. Not in here: whether numbers are right, which
/// conformance asks.
package org.portolan.tests.device;
