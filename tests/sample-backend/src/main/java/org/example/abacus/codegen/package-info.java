/// The compile-time half: never needs the device.
package org.example.abacus.codegen;
