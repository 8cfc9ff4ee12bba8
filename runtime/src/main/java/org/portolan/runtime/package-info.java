/// What a server embeds: tensors, sessions, devices and program files. Not in here: anything that compiles.
package org.portolan.runtime;
