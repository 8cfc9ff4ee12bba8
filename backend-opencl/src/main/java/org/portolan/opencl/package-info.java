/// Devices that an OpenCL driver offers: the code generator and the driver, each in a package of its own.
package org.portolan.opencl;
