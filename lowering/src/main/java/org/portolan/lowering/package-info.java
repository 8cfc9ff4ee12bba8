/// Graph to nest to tile to program. Not in here: any name of a target.
package org.portolan.lowering;
