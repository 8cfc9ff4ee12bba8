/// From models through every level to loaded kernels.
package org.portolan.tests.compile;
