package org.portolan.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.portolan.cli.argument.GeneratedTensors;
import org.portolan.cli.argument.InputArgument;
import org.portolan.cli.argument.ShapeArgument;
import org.portolan.cli.argument.TensorFiles;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.plan.Port;
import org.portolan.runtime.type.Dim;
import picocli.CommandLine.Option;

/// What goes into a model.
final class InputOptions {
    /// What happens to an input that no option names.
    enum Missing {
        REFUSED,
        GENERATED
    }

    @Option(
            names = "--input",
            paramLabel = "NAME=SOURCE",
            converter = InputArgument.Converter.class,
            description = "One input: NAME=@f.npy (or .npz, .pb), NAME=1x3xf32=random(seed=7), NAME=2xi64=[1 2].")
    private List<InputArgument> inputs = List.of();

    @Option(names = "--inputs", paramLabel = "FILE.npz", description = "Inputs by name.")
    private Path archive;

    @Option(
            names = "--shape",
            paramLabel = "NAME=1x128",
            converter = ShapeArgument.Converter.class,
            description = "The extents of one input; its numbers are generated where nothing else gives them.")
    private List<ShapeArgument> shapes = List.of();

    /// A tensor for every input of the model.
    ///
    /// @param notes told of every input that was generated
    Map<String, Tensor> tensors(List<Port> ports, Missing missing, PrintWriter notes) throws IOException {
        var names = ports.stream().map(Port::name).toList();
        var given = given(names);
        var symbols = symbols(ports, given);
        var tensors = new LinkedHashMap<String, Tensor>();
        for (var port : ports) {
            var tensor = given.get(port.name());
            if (tensor == null) {
                var shaped = shapes.stream().anyMatch(shape -> shape.input().equals(port.name()));
                if (missing == Missing.REFUSED && !shaped) throw missing(port);
                tensor = GeneratedTensors.random(port.type(), extents(port, symbols), names.indexOf(port.name()));
                notes.println("note: input '" + port.name() + "' is generated: " + tensor);
                notes.flush();
            }
            tensors.put(port.name(), tensor);
        }
        return tensors;
    }

    /// The extents of what is given, by input.
    Map<String, List<Long>> extents() throws IOException {
        var extents = new LinkedHashMap<String, List<Long>>();
        for (var shape : shapes) extents.put(shape.input(), shape.extents());
        given().forEach((name, tensor) -> extents.put(name, Arrays.stream(tensor.shape()).boxed().toList()));
        return extents;
    }

    private Map<String, Tensor> given() throws IOException {
        var given = new LinkedHashMap<String, Tensor>();
        if (archive != null) given.putAll(TensorFiles.readArchive(archive));
        for (var input : inputs) given.put(input.input(), TensorFiles.tensor(input));
        return given;
    }

    private Map<String, Tensor> given(List<String> names) throws IOException {
        var given = given();
        for (var name : given.keySet()) checkName(name, names);
        for (var shape : shapes) checkName(shape.input(), names);
        return given;
    }

    private Map<String, Long> symbols(List<Port> ports, Map<String, Tensor> given) {
        var symbols = new LinkedHashMap<String, Long>();
        for (var port : ports) {
            for (var shape : shapes) {
                if (shape.input().equals(port.name())) bind(port, shape.extents(), symbols);
            }
            var tensor = given.get(port.name());
            if (tensor != null) bind(port, Arrays.stream(tensor.shape()).boxed().toList(), symbols);
        }
        return symbols;
    }

    private static void bind(Port port, List<Long> extents, Map<String, Long> symbols) {
        if (extents.size() != port.dims().size()) {
            throw new CommandFailure(
                    ExitCode.FAILURE,
                    "input '" + port.name() + "': expected " + describe(port) + ", found rank " + extents.size(),
                    "");
        }
        for (var axis = 0; axis < extents.size(); axis++) {
            var extent = extents.get(axis);
            port.dims().get(axis).symbolName().ifPresent(name -> symbols.putIfAbsent(name, extent));
        }
    }

    private static List<Long> extents(Port port, Map<String, Long> symbols) {
        return port.dims().stream()
                .map(dim -> dim.evaluate(symbol -> symbols.getOrDefault(symbol, 1L)))
                .toList();
    }

    private static CommandFailure missing(Port port) {
        return new CommandFailure(
                ExitCode.FAILURE,
                "input '" + port.name() + "' (" + describe(port) + ") is missing",
                "--input " + port.name() + "=@FILE.npy, or --shape " + port.name() + "="
                        + port.dims().stream().map(dim -> dim instanceof Dim.Constant(long extent) ? "" + extent : "1")
                                .collect(Collectors.joining("x"))
                        + " for generated numbers");
    }

    private static void checkName(String name, List<String> names) {
        if (!names.contains(name)) {
            throw new CommandFailure(
                    ExitCode.FAILURE, "the model has no input '" + name + "'", "it has " + String.join(", ", names));
        }
    }

    static String describe(Port port) {
        return port.type().text() + "[" + port.dims().stream().map(Dim::toString).collect(Collectors.joining(",")) + "]";
    }
}
