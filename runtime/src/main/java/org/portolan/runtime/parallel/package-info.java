/// The worker pool of devices whose kernels run on host threads.
package org.portolan.runtime.parallel;
