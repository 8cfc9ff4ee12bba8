/// Folders of compiled kernels in the user's cache: what is of use stays, the rest goes. Not in here: compiling.
package org.portolan.ascend.cache;
