package org.portolan.cuda.emulator.text;

import java.util.List;
import java.util.Optional;

/// A PTX file.
///
/// @param architecture what it was compiled for, as in {@code sm_80}
/// @param variables of the whole file
/// @param lines the text, one line each, for messages
public record PtxModule(
        String version,
        String architecture,
        List<PtxVariable> variables,
        List<Function> functions,
        List<String> lines) {

    /// The function of that name that has a body.
    public Optional<Function> function(String name) {
        return functions.stream()
                .filter(function -> function.name().equals(name) && function.defined())
                .findFirst();
    }

    /// A line of the text without its margins; lines count from 1.
    public String line(int number) {
        return lines.get(number - 1).strip().replaceAll("[ \t]+", " ");
    }

    /// A kernel, or a function that kernels call.
    ///
    /// @param entry whether it is a kernel
    /// @param defined whether it has a body here
    /// @param bounds launch bounds by directive without the dot, for example {@code maxntid} to {@code [128, 1, 1]}
    public record Function(
            String name,
            boolean entry,
            boolean defined,
            List<PtxVariable> returns,
            List<PtxVariable> parameters,
            List<Bound> bounds,
            List<PtxStatement> body,
            int line) {

        /// The numbers of a launch bound; none if it is not there.
        public List<Integer> bound(String name) {
            return bounds.stream()
                    .filter(bound -> bound.name().equals(name))
                    .findFirst()
                    .map(Bound::values)
                    .orElse(List.of());
        }
    }

    /// A launch bound.
    ///
    /// @param name the directive without its dot
    public record Bound(String name, List<Integer> values) {}
}
