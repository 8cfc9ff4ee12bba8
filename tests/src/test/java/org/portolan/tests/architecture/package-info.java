/// The rules of the house, read off the sources: which module may know which, and what code may not say. What the rules are
/// for stands in `docs/decisions`; what a single module promises is tested there.
package org.portolan.tests.architecture;
