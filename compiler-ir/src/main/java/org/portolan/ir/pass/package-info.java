/// Passes, pipelines of them with a text form, and what listens while one runs: timing, statistics, dumps,
/// verification.
/// A pass knows nothing of that. Passes that belong to a level live beside it; here are only those that fit all.
package org.portolan.ir.pass;
