/// The command line: arguments in, reports out, no logic of its own.
package org.portolan.cli;
