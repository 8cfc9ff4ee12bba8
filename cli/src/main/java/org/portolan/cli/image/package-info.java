/// Links what runs program files, without the compiler, into an image with its own Java.
package org.portolan.cli.image;
