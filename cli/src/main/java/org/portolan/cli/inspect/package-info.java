/// What a program file holds, as a person wants to see it: kernels, memory, sizes, what runs where. Not in here: anything
/// that changes it.
package org.portolan.cli.inspect;
