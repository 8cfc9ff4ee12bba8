/// The documents: what is generated is up to date, and what is code in them is code. With `-Dupdate` the reference of
/// the operations is written instead of compared.
package org.portolan.tests.docs;
