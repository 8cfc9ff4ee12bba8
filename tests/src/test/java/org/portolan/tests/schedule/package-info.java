/// Whatever the scheduler makes of a nest computes what the nest says.
package org.portolan.tests.schedule;
