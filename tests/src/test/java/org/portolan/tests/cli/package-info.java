/// The command line as scripts use it: forms, files, exit codes.
package org.portolan.tests.cli;
