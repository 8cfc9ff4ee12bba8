package org.portolan.ir;

import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import org.portolan.runtime.type.Dim;

/// Over which indices: loops without order. Reads stand in the body at index expressions over the axes; reductions are
/// expressions, so fusing one nest into another is substitution.
///
/// A scalar in a body is free in the axes that its index expressions name, less those reduced over. It has one value for
/// each point of its free axes.
public sealed interface NestOp extends Op {

    /// One result for each value that the body yields. With {@code into}, result {@code i} is operand {@code i} of it,
    /// updated in place where the yield says, which must be injective; without, the yield covers the result.
    /// {@code origin} names the model's nodes that this computes.
    record Compute(
            List<Value> inputs,
            List<Value> into,
            List<Axis> axes,
            List<String> origin,
            Body body,
            @Out List<Value> results)
            implements NestOp {
        public Compute {
            inputs = List.copyOf(inputs);
            into = List.copyOf(into);
            axes = List.copyOf(axes);
            origin = List.copyOf(origin);
            results = List.copyOf(results);
            var names = new HashSet<String>();
            for (var axis : axes) {
                Rules.check(names.add(axis.name()), "nest.compute has two axes called " + axis.name());
            }
            Rules.check(
                    into.isEmpty() || into.size() == results.size(),
                    "nest.compute updates either all of its results in place or none");
            Rules.check(
                    body.terminator() instanceof Yield yield && yield.values().size() == results.size(),
                    "nest.compute yields one value for each result");
        }
    }

    /// The element at an index expression over the axes; {@code $0} in it is the first of {@code indices}. Where the
    /// index lies outside the source, {@code otherwise} decides, and nothing is accessed.
    record Read(
            Value source,
            List<Value> indices,
            Optional<Value> other,
            List<Dim> at,
            Otherwise otherwise,
            @Out Value result)
            implements NestOp {
        public Read {
            indices = List.copyOf(indices);
            at = List.copyOf(at);
            Rules.sameElement(source, result, "nest.read");
            Rules.check(
                    source.tensor().rank() == at.size(),
                    "nest.read of " + source + " needs one index for each axis, found " + at);
            Rules.check(
                    other.isPresent() == (otherwise == Otherwise.OTHER),
                    "nest.read has another value exactly if it says otherwise = other");
        }
    }

    /// What a {@link Read} outside its source gives.
    enum Otherwise {
        /// The index is known to lie inside.
        PROVEN,
        ZERO,
        /// The nearest element.
        CLAMP,
        /// The run fails.
        ERROR,
        /// The operand {@code other}.
        OTHER
    }

    /// An index expression as a number of type {@code index} or an integer type; {@code $0} is the first operand.
    record Index(List<Value> operands, Dim value, @Out Value result) implements NestOp, Op.Pure {
        public Index {
            operands = List.copyOf(operands);
            Rules.isInteger(result, "nest.index");
        }
    }

    /// Combines values over axes: starting from {@code initial}, the body {@code (accumulators.., values..) -> yield
    /// [accumulators..]} is applied for each point of the axes in ascending row-major order. The body is associative, so
    /// that a schedule may combine parts; {@code initial} is neutral.
    record Reduce(List<Value> values, List<Value> initial, List<String> over, Body body, @Out List<Value> results)
            implements NestOp {
        public Reduce {
            values = List.copyOf(values);
            initial = List.copyOf(initial);
            over = List.copyOf(over);
            results = List.copyOf(results);
            Rules.check(
                    initial.size() == results.size() && body.params().size() == values.size() + results.size(),
                    "nest.reduce: the body takes the accumulators and the values");
        }
    }

    /// The sum over axes in the type of the value: short for {@link Reduce} with an addition and 0.
    record Sum(Value value, List<String> over, @Out Value result) implements NestOp {
        public Sum {
            over = List.copyOf(over);
            Rules.sameType(value, result, "nest.sum");
        }
    }

    /// Ends the body of {@link Compute}: value {@code i} is stored at index expression {@code to[i]} of result
    /// {@code i}; {@code $0} in it is the first of {@code indices}. Ends the body of {@link Reduce} without {@code to}.
    record Yield(List<Value> values, List<Value> indices, List<List<Dim>> to) implements NestOp, Terminator {
        public Yield {
            values = List.copyOf(values);
            indices = List.copyOf(indices);
            to = to.stream().map(List::copyOf).toList();
        }
    }
}
