package org.portolan.onnx.importer;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.portolan.ir.Combine;
import org.portolan.runtime.type.Dim;

/// Einstein's summation: operands are brought to common labels and multiplied, and what the result does not name is
/// summed. Two operands without common summed stacks become a matrix product.
final class EinsumOperator {
    /// Labels that stand for the axes of an ellipsis, counted from the end.
    private static final char ELLIPSIS = '\u2400';

    private EinsumOperator() {}

    /// An operand with one label for each axis.
    private record Labelled(Operand tensor, List<Character> labels) {}

    static Operand einsum(Call call) {
        var equation = call.text("equation", "").replace(" ", "");
        var sides = equation.split("->", -1);
        var terms = sides[0].split(",", -1);
        if (sides.length > 2 || terms.length != call.inputCount()) {
            throw call.error("equation '%s' does not fit %d inputs".formatted(equation, call.inputCount()));
        }
        var operands = new ArrayList<Labelled>();
        for (int i = 0; i < terms.length; i++) {
            var input = call.input(i);
            operands.add(diagonal(call, input, labels(call, terms[i], input.rank())));
        }
        var result = sides.length == 2 ? resultLabels(call, sides[1], operands) : implicit(terms, operands);
        var extents = new LinkedHashMap<Character, Dim>();
        for (var operand : operands) {
            for (int axis = 0; axis < operand.labels.size(); axis++) {
                extents.merge(
                        operand.labels.get(axis),
                        operand.tensor.dim(axis),
                        (old, next) -> old.isConstant(1) ? next : old);
            }
        }
        var current = operands.getFirst();
        for (int i = 1; i < operands.size(); i++) {
            var needed = new LinkedHashSet<>(result);
            operands.subList(i + 1, operands.size()).forEach(later -> needed.addAll(later.labels));
            current = multiplied(call, current, operands.get(i), needed);
        }
        current = summed(call, current, new LinkedHashSet<>(result));
        if (!Set.copyOf(current.labels).equals(Set.copyOf(result))) {
            throw call.error("equation '%s' names a result label that no input has".formatted(equation));
        }
        var order = result.stream().map(current.labels::indexOf).toList();
        var arranged = call.writer().transpose(current.tensor, order);
        return call.writer()
                .broadcast(arranged, result.stream().map(extents::get).toList());
    }

    private static List<Character> labels(Call call, String term, int rank) {
        var labels = new ArrayList<Character>();
        int dots = term.indexOf("...");
        var letters = term.replace("...", "");
        int hidden = rank - letters.length();
        if (dots < 0 && hidden != 0 || hidden < 0 || !letters.chars().allMatch(Character::isLetter)) {
            throw call.error("the term '%s' does not fit a rank of %d".formatted(term, rank));
        }
        for (int i = 0; i <= letters.length(); i++) {
            if (i == dots) {
                for (int axis = hidden; axis > 0; axis--) {
                    labels.add((char) (ELLIPSIS + axis));
                }
            }
            if (i < letters.length()) {
                labels.add(letters.charAt(i));
            }
        }
        return labels;
    }

    private static List<Character> resultLabels(Call call, String term, List<Labelled> operands) {
        int hidden = (int) operands.stream()
                .mapToLong(operand -> operand.labels.stream()
                        .filter(label -> label > ELLIPSIS)
                        .count())
                .max()
                .orElse(0);
        int rank = term.replace("...", "").length() + (term.contains("...") ? hidden : 0);
        return labels(call, term, rank);
    }

    /// Without an arrow the result has the ellipsis and then, in order, the labels that stand once.
    private static List<Character> implicit(String[] terms, List<Labelled> operands) {
        Map<Character, Integer> counts = new LinkedHashMap<>();
        for (var term : terms) {
            term.replace("...", "").chars().forEach(letter -> counts.merge((char) letter, 1, Integer::sum));
        }
        var hidden = new TreeSet<Character>(Collections.reverseOrder());
        operands.forEach(operand ->
                operand.labels.stream().filter(label -> label > ELLIPSIS).forEach(hidden::add));
        var result = new ArrayList<Character>(hidden);
        counts.entrySet().stream()
                .filter(entry -> entry.getValue() == 1)
                .map(Map.Entry::getKey)
                .sorted()
                .forEach(result::add);
        return result;
    }

    /// A label that stands twice in one term takes the diagonal: two axes become one, read with the sum of the strides.
    private static Labelled diagonal(Call call, Operand x, List<Character> labels) {
        for (int first = 0; first < labels.size(); first++) {
            int second = labels.subList(first + 1, labels.size()).indexOf(labels.get(first));
            if (second < 0) {
                continue;
            }
            second += first + 1;
            var writer = call.writer();
            var extent = writer.equal(x.dim(first), x.dim(second), "a repeated label");
            var order = new ArrayList<Integer>();
            for (int axis = 0; axis < x.rank(); axis++) {
                if (axis != first && axis != second) {
                    order.add(axis);
                }
            }
            order.add(first);
            order.add(second);
            var last = writer.transpose(x, order);
            var flatDims = new ArrayList<>(last.dims().subList(0, x.rank() - 2));
            var rest = List.copyOf(flatDims);
            flatDims.add(extent.times(extent));
            var flat = writer.reshape(last, flatDims);
            var steps = new ArrayList<>(Collections.nCopies(rest.size(), Dim.ONE));
            steps.add(extent.plus(1));
            var dims = new ArrayList<>(rest);
            dims.add(extent);
            var taken = writer.slice(flat, Collections.nCopies(dims.size(), Dim.ZERO), steps, dims);
            var left = new ArrayList<Character>();
            order.subList(0, order.size() - 2).forEach(axis -> left.add(labels.get(axis)));
            left.add(labels.get(first));
            return diagonal(call, taken, left);
        }
        return new Labelled(x, labels);
    }

    private static Labelled summed(Call call, Labelled x, Set<Character> needed) {
        var axes = new ArrayList<Integer>();
        var labels = new ArrayList<Character>();
        for (int axis = 0; axis < x.labels.size(); axis++) {
            if (needed.contains(x.labels.get(axis))) {
                labels.add(x.labels.get(axis));
            } else {
                axes.add(axis);
            }
        }
        var element = x.tensor.element();
        return new Labelled(
                call.writer().reduce(x.tensor, Combine.SUM, axes, GraphWriter.accumulator(element), element), labels);
    }

    /// Labels are sorted into those of the stack (in both and needed later), of the rows, of the columns, and those
    /// that
    /// are contracted.
    private static Labelled multiplied(Call call, Labelled left, Labelled right, Set<Character> needed) {
        var leftNeeds = new LinkedHashSet<>(needed);
        leftNeeds.addAll(right.labels);
        var rightNeeds = new LinkedHashSet<>(needed);
        rightNeeds.addAll(left.labels);
        var a = summed(call, left, leftNeeds);
        var b = summed(call, right, rightNeeds);
        var stack = a.labels.stream()
                .filter(b.labels::contains)
                .filter(needed::contains)
                .toList();
        var inner = a.labels.stream()
                .filter(b.labels::contains)
                .filter(label -> !needed.contains(label))
                .toList();
        var rows = a.labels.stream().filter(label -> !b.labels.contains(label)).toList();
        var columns =
                b.labels.stream().filter(label -> !a.labels.contains(label)).toList();
        var writer = call.writer();
        var one = folded(writer, a, stack, rows, inner);
        var two = folded(writer, b, stack, inner, columns);
        var product = MatrixOperators.product(writer, one, two);
        var labels = new ArrayList<>(stack);
        labels.addAll(rows);
        labels.addAll(columns);
        var dims = new ArrayList<>(product.dims().subList(0, stack.size()));
        rows.forEach(label -> dims.add(a.tensor.dim(a.labels.indexOf(label))));
        columns.forEach(label -> dims.add(b.tensor.dim(b.labels.indexOf(label))));
        return new Labelled(writer.reshape(product, dims), labels);
    }

    /// The stack axes as they are, then two axes made of the labels.
    private static Operand folded(
            GraphWriter writer, Labelled x, List<Character> stack, List<Character> first, List<Character> second) {
        var labels = new ArrayList<>(stack);
        labels.addAll(first);
        labels.addAll(second);
        var arranged = writer.transpose(
                x.tensor, labels.stream().map(x.labels::indexOf).toList());
        var dims = new ArrayList<>(arranged.dims().subList(0, stack.size()));
        int middle = stack.size() + first.size();
        dims.add(Dim.product(arranged.dims().subList(stack.size(), middle)));
        dims.add(Dim.product(arranged.dims().subList(middle, arranged.rank())));
        return writer.reshape(arranged, dims);
    }
}
