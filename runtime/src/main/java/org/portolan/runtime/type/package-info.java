/// Element types and symbolic dimensions: the vocabulary that compiler and runtime share.
package org.portolan.runtime.type;
