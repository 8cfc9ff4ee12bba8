package org.portolan.tests.schedule;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/// A random nest as text: some axes of awkward extents, reads of every kind, up to two reductions and a tail. All numbers
/// stay small integers, so that every order of summing gives the same bits.
final class RandomNest {
    private static final int[] EXTENTS = {1, 2, 3, 5, 7, 8, 16, 17, 31, 48, 50, 65};

    private final Random random;
    private final List<String> inputs = new ArrayList<>();
    private final List<String> constants = new ArrayList<>();
    private final List<String> body = new ArrayList<>();
    /// The number for each symbol.
    final Map<String, Long> symbols = new LinkedHashMap<>();
    /// The extents of each input.
    final Map<String, List<Long>> shapes = new LinkedHashMap<>();
    private int names;

    final String text;

    RandomNest(long seed) {
        random = new Random(seed);
        var common = new ArrayList<Axis>();
        int rank = random.nextInt(4);
        for (int i = 0; i < rank; i++) {
            common.add(axis("p" + i));
        }
        var inner = new ArrayList<Axis>();
        if (random.nextInt(3) == 0) {
            inner.add(axis("q"));
        }
        var all = new ArrayList<>(common);
        all.addAll(inner);
        var axes = new ArrayList<>(all);
        var terms = new ArrayList<String>();
        int reductions = random.nextInt(3);
        for (int r = 0; r < reductions; r++) {
            var over = new ArrayList<Axis>();
            over.add(axis("k" + r));
            if (random.nextInt(3) == 0) {
                over.add(axis("l" + r));
            }
            axes.addAll(over);
            var free = new ArrayList<>(random.nextBoolean() ? common : all);
            free.addAll(over);
            var left = read(free);
            var value = left;
            if (random.nextInt(4) > 0) {
                value = operation("mul", left, read(free));
            }
            terms.add(reduce(value, over));
        }
        var result = read(all);
        for (var term : terms) {
            result = operation(random.nextBoolean() ? "add" : "max", result, term);
        }
        if (random.nextBoolean()) {
            result = operation("sub", result, read(all));
        }
        text = assemble(all, axes, result);
    }

    private record Axis(String name, String extent, long number) {}

    private Axis axis(String name) {
        long number = EXTENTS[random.nextInt(EXTENTS.length)];
        if (random.nextInt(4) > 0) {
            return new Axis(name, Long.toString(number), number);
        }
        var symbol = "s" + name;
        symbols.put(symbol, number);
        return new Axis(name, symbol, number);
    }

    private String name(String prefix) {
        return "%" + prefix + names++;
    }

    private String operation(String word, String left, String right) {
        var result = name("v");
        body.add("%s = arith.%s %s, %s : f32".formatted(result, word, left, right));
        return result;
    }

    private String reduce(String value, List<Axis> over) {
        var names = over.stream().map(Axis::name).toList();
        var result = name("v");
        if (random.nextInt(3) > 0) {
            body.add("%s = nest.sum %s <over = %s> : f32".formatted(result, value, names));
            return result;
        }
        var start = name("v");
        body.add("%s = arith.const <value = -1000.0> : f32".formatted(start));
        body.add(
                """
                %s = nest.reduce [%s], [%s] <over = %s> { (%%most: f32, %%next: f32) ->
                  %%more = arith.max %%most, %%next : f32
                  nest.yield [%%more]
                } : f32"""
                        .formatted(result, value, start, names));
        return result;
    }

    /// Reads a fresh tensor at some of the axes, in any order: plain, shifted beyond the edges, strided, clamped, or in the
    /// window of a convolution.
    private String read(List<Axis> free) {
        var axes = new ArrayList<>(free);
        Collections.shuffle(axes, random);
        while (axes.size() > 4 || !axes.isEmpty() && random.nextInt(4) == 0) {
            axes.removeLast();
        }
        var dims = new ArrayList<String>();
        var numbers = new ArrayList<Long>();
        var at = new ArrayList<String>();
        var otherwise = "proven";
        for (var axis : axes) {
            dims.add(axis.extent());
            numbers.add(axis.number());
            at.add(axis.name());
        }
        if (!axes.isEmpty() && random.nextInt(3) == 0) {
            int place = random.nextInt(axes.size());
            switch (random.nextInt(3)) {
                case 0 -> {
                    at.set(place, axes.get(place).name() + "-1");
                    otherwise = "zero";
                }
                case 1 -> {
                    at.set(place, axes.get(place).name() + "+2");
                    otherwise = "clamp";
                }
                default -> {
                    at.set(place, axes.get(place).name() + "*2+1");
                    dims.set(place, axes.get(place).extent() + "*2+1");
                    numbers.set(place, axes.get(place).number() * 2 + 1);
                }
            }
        }
        if (otherwise.equals("proven") && random.nextInt(3) == 0) {
            window(axes, dims, numbers, at);
        }
        boolean constant = random.nextInt(3) == 0
                && dims.stream().allMatch(dim -> dim.matches("[0-9]+"))
                && numbers.stream().reduce(1L, Math::multiplyExact) <= 64;
        var tensor = name("t");
        var type = "f32" + dims;
        if (constant) {
            var elements = new ArrayList<String>();
            for (long i = 0; i < numbers.stream().reduce(1L, Math::multiplyExact); i++) {
                elements.add((random.nextInt(5) - 2) + ".0");
            }
            constants.add("%s = graph.constant <data = dense(%s)> : %s".formatted(tensor, elements, type));
        } else {
            shapes.put(tensor.substring(1), numbers);
            inputs.add(tensor + ": " + type);
        }
        var result = name("v");
        body.add("%s = nest.read %s <at = %s, otherwise = %s> : f32".formatted(result, tensor, at, otherwise));
        return result;
    }

    /// Reads every second point of a common axis, moved by a reduced one: the indices overlap.
    private void window(List<Axis> axes, List<String> dims, List<Long> numbers, List<String> at) {
        int place = indexOf(axes, "p.*");
        int moved = indexOf(axes, "k.*");
        if (place < 0 || moved < 0 || !at.get(place).equals(axes.get(place).name())) {
            return;
        }
        var axis = axes.get(place);
        var offset = axes.get(moved);
        at.set(place, axis.name() + "*2+" + offset.name());
        dims.set(place, axis.extent() + "*2+" + offset.extent());
        numbers.set(place, axis.number() * 2 + offset.number());
        dims.remove(moved);
        numbers.remove(moved);
        at.remove(moved);
    }

    private static int indexOf(List<Axis> axes, String pattern) {
        for (int i = 0; i < axes.size(); i++) {
            if (axes.get(i).name().matches(pattern)) {
                return i;
            }
        }
        return -1;
    }

    private String assemble(List<Axis> stored, List<Axis> axes, String result) {
        var tensors = new ArrayList<String>();
        inputs.forEach(input -> tensors.add(input.substring(0, input.indexOf(':'))));
        constants.forEach(constant -> tensors.add(constant.substring(0, constant.indexOf(' '))));
        var order = new ArrayList<>(stored);
        Collections.shuffle(order, random);
        var type = "f32" + order.stream().map(Axis::extent).toList();
        var ranges = new ArrayList<String>();
        symbols.keySet().forEach(symbol -> ranges.add(symbol + ":0..1000"));
        // A symbol that no input has as an axis of its own is bound by one that does nothing else.
        symbols.forEach((symbol, number) -> {
            inputs.add("%bind_" + symbol + ": f32[" + symbol + "]");
            shapes.put("bind_" + symbol, List.of(number));
        });
        var lines = new ArrayList<String>();
        lines.add("graph.function <name = \"random\", symbols = %s> { (%s) ->".formatted(ranges, String.join(", ", inputs)));
        lines.addAll(constants);
        lines.add("%%y = nest.compute %s <axes = %s> {"
                .formatted(tensors, axes.stream().map(axis -> axis.name() + ":" + axis.extent()).toList()));
        lines.addAll(body);
        lines.add("nest.yield [%s] <to = [%s]>".formatted(result, order.stream().map(Axis::name).toList()));
        lines.add("} : " + type);
        lines.add("graph.return [%y]");
        lines.add("}");
        return String.join("\n", lines) + "\n";
    }
}
