/// How results are shown: tables, progress, JUnit XML, one HTML page. Not in here: what the results are.
package org.portolan.cli.report;
