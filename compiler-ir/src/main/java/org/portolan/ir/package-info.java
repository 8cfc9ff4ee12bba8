/// The intermediate representation: operations as records, types, values and bodies. Not in here: any transformation.
package org.portolan.ir;
