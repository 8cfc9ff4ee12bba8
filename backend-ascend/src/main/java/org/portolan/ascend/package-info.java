/// Huawei's Ascend processors as a target.
package org.portolan.ascend;
