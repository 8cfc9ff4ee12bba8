/// What holds for all modules together. Tests of one module alone lie in that module.
package org.portolan.tests;
