/// Models that mean harm: each is given to the command line in a process of its own, with little time and memory.
package org.portolan.tests.hostile;
