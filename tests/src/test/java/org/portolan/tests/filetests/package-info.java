/// Tests that are files: `tests/filetests/**/*.ir`. A file has sections, separated by a line `// ====`; each begins
/// with directives and holds code in the text form.
///
/// - `// pipeline: canonicalize, ...`: the code, verified before and after each pass, becomes what follows the line
///   `// ----`. With `-Dupdate` that text is written instead of compared.
///   Texts that are too long for that are not expected as a whole: `// find: text`, each after the one before, and
///   `// without: text`.
/// - `// error: text`: reading, verifying or running the pipeline fails with a message that holds this text.
/// - `// run: name(f32[2]: dense([1.0, 2.0]), ...) -> f32[2]: dense([2.0, 4.0]) within 1e-6`: interprets a function;
///   `-> error text` where the run fails.
/// - `// same: name, other(f32[m]: random(1), ...) within 1e-6`: two functions, or a kernel and a function, agree.
///   The parameters of a kernel are the function's inputs and then its outputs.
///
/// Tolerances are relative to the largest value of the expected output. Without directives the code is read and
/// verified.
package org.portolan.tests.filetests;
