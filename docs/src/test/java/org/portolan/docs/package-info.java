/// Keeps the pages true: what they show is parsed, generated or run by the build.
package org.portolan.docs;
