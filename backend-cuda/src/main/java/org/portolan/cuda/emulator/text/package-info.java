/// PTX text read into records: how things are written, not what they mean.
package org.portolan.cuda.emulator.text;
