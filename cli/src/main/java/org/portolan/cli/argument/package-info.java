/// What can stand on the command line beside plain words: inputs, shapes, targets. Each is parsed into a record, and says
/// what it expected where it cannot be.
package org.portolan.cli.argument;
