/// A backend that nothing knows of: built from sources beside the tests, found as a service, used like any other.
package org.portolan.tests.backend;
