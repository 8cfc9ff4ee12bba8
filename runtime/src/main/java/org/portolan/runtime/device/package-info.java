/// What a backend provides at run time: a driver with devices, queues and kernels. Not in here: any one backend.
package org.portolan.runtime.device;
