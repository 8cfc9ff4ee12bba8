package org.portolan.runtime;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Map;
import org.portolan.runtime.FlatPlan.FlatPort;

/// Checks the inputs of a run against the plan and finds the binding of their shapes. Bindings of recent shapes are
/// kept; a run with one of them allocates nothing here.
final class Binder {
    private static final int KEPT = 32;

    private final FlatPlan plan;
    private final SessionOptions options;
    private volatile Binding[] recent = {};

    Binder(FlatPlan plan, SessionOptions options) {
        this.plan = plan;
        this.options = options;
    }

    /// Finds the tensor of each input, in order.
    void collect(Map<String, Tensor> inputs, Tensor[] tensors) {
        for (int port = 0; port < plan.inputs.length; port++) {
            tensors[port] = inputs.get(plan.inputs[port].name());
            if (tensors[port] == null) {
                throw missing(inputs);
            }
        }
        if (inputs.size() != plan.inputs.length) {
            for (var name : inputs.keySet()) {
                if (Arrays.stream(plan.inputs).noneMatch(input -> input.name().equals(name))) {
                    throw new PortolanException.InvalidInput(
                            "the model has no input '" + name + "'; it has " + inputNames());
                }
            }
        }
    }

    private PortolanException missing(Map<String, Tensor> inputs) {
        var names = inputNames();
        names.removeAll(inputs.keySet());
        return new PortolanException.InvalidInput("no tensor was given for input " + names + "; the model takes "
                + plan.plan.inputs().stream().map(port -> port.name() + ": " + port.type().text() + port.dims())
                        .toList());
    }

    private ArrayList<String> inputNames() {
        var names = new ArrayList<String>();
        for (var input : plan.inputs) {
            names.add(input.name());
        }
        return names;
    }

    /// Checks types and shapes, and binds the symbols.
    ///
    /// @param symbols scratch space, one number for each symbol
    Binding bind(Tensor[] tensors, long[] symbols) {
        Arrays.fill(symbols, 0);
        for (int port = 0; port < tensors.length; port++) {
            bindAxes(plan.inputs[port], tensors[port], port, symbols);
        }
        var bindings = recent;
        for (var binding : bindings) {
            if (binding.binds(symbols)) {
                checkShapes(tensors, binding);
                return binding;
            }
        }
        var binding = new Binding(plan, symbols, options);
        checkShapes(tensors, binding);
        remember(binding);
        return binding;
    }

    private void bindAxes(FlatPort input, Tensor tensor, int port, long[] symbols) {
        int[] axisSymbol = input.axisSymbol();
        if (tensor.type() != input.type()) {
            throw new PortolanException.InvalidInput("input '" + input.name() + "' must have elements of type "
                    + input.type().text() + " and was given " + tensor);
        }
        if (tensor.rank() != axisSymbol.length) {
            throw new PortolanException.InvalidInput("input '" + input.name() + "' must have " + axisSymbol.length
                    + " axes, " + plan.plan.inputs().get(port).dims() + ", and was given " + tensor);
        }
        for (int axis = 0; axis < axisSymbol.length; axis++) {
            int symbol = axisSymbol[axis];
            if (symbol == FlatPlan.NONE) {
                continue;
            }
            long extent = tensor.extent(axis);
            var bound = plan.plan.symbols().get(symbol);
            if (extent < bound.minimum() || extent > bound.maximum()) {
                throw new PortolanException.InvalidInput("input '" + input.name() + "', axis " + axis + ": "
                        + bound.name() + " must be from " + bound.minimum() + " to " + bound.maximum() + " and is "
                        + extent);
            }
            symbols[symbol] = extent;
        }
    }

    private void checkShapes(Tensor[] tensors, Binding binding) {
        for (int port = 0; port < tensors.length; port++) {
            int[] dims = plan.inputs[port].dims();
            for (int axis = 0; axis < dims.length; axis++) {
                if (tensors[port].extent(axis) != binding.values[dims[axis]]) {
                    var dim = plan.expressions.dim(dims[axis]);
                    throw new PortolanException.InvalidInput("input '" + plan.inputs[port].name() + "', axis " + axis
                            + ": the extent must be " + (dim.isConstant() ? "" : dim + " = ")
                            + binding.values[dims[axis]] + " and is " + tensors[port].extent(axis));
                }
            }
        }
    }

    private synchronized void remember(Binding binding) {
        int kept = Math.min(recent.length, KEPT - 1);
        var more = new Binding[kept + 1];
        more[0] = binding;
        System.arraycopy(recent, 0, more, 1, kept);
        recent = more;
    }
}
