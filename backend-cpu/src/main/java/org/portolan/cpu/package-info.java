/// The host processor as a target.
package org.portolan.cpu;
