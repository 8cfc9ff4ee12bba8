/// The run-time half: loads what the other half made, and runs it.
package org.example.abacus.driver;
