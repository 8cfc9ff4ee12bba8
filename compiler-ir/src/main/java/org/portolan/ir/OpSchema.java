package org.portolan.ir;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.UnaryOperator;

/// What an operation consists of, derived from its record once per class.
public final class OpSchema {

    /// The role of one record component.
    public enum Role {
        OPERAND,
        OPERAND_LIST,
        OPERAND_OPTIONAL,
        RESULT,
        RESULT_LIST,
        BODY,
        ATTRIBUTE
    }

    /// One record component; {@code type} is its generic type.
    public record Component(String name, String word, Role role, java.lang.reflect.Type type, MethodHandle getter) {}

    private static final ClassValue<OpSchema> SCHEMAS = new ClassValue<>() {
        @Override
        protected OpSchema computeValue(Class<?> type) {
            return new OpSchema(type);
        }
    };
    private static final Map<String, OpSchema> BY_NAME = new HashMap<>();

    static {
        for (var dialect : Op.class.getPermittedSubclasses()) {
            collect(dialect);
        }
    }

    private final String name;
    private final List<Component> components;
    private final MethodHandle constructor;

    private OpSchema(Class<?> type) {
        try {
            var lookup = MethodHandles.lookup();
            var parts = new ArrayList<Component>();
            var parameterTypes = new ArrayList<Class<?>>();
            for (var component : type.getRecordComponents()) {
                var getter = lookup.unreflect(component.getAccessor());
                parts.add(new Component(
                        component.getName(),
                        snakeCase(component.getName()),
                        role(component),
                        component.getGenericType(),
                        getter.asType(MethodType.methodType(Object.class, Op.class))));
                parameterTypes.add(component.getType());
            }
            components = List.copyOf(parts);
            var exact = lookup.findConstructor(type, MethodType.methodType(void.class, parameterTypes));
            constructor = exact.asSpreader(Object[].class, parts.size())
                    .asType(MethodType.methodType(Op.class, Object[].class));
        } catch (ReflectiveOperationException e) {
            throw new LinkageError("no schema for " + type, e);
        }
        var mnemonic = type.getAnnotation(Op.Mnemonic.class);
        var dialect = type.getEnclosingClass().getSimpleName();
        name = dialect.substring(0, dialect.length() - "Op".length()).toLowerCase(Locale.ROOT) + "."
                + (mnemonic != null ? mnemonic.value() : snakeCase(type.getSimpleName()).replace('_', '-'));
    }

    private static void collect(Class<?> type) {
        if (type.isRecord()) {
            var schema = SCHEMAS.get(type);
            BY_NAME.put(schema.name, schema);
        } else if (type.isSealed()) {
            for (var permitted : type.getPermittedSubclasses()) {
                collect(permitted);
            }
        }
    }

    /// The schema of an operation.
    public static OpSchema of(Op op) {
        return SCHEMAS.get(op.getClass());
    }

    /// The schema of a record that is an operation.
    public static OpSchema of(Class<? extends Op> type) {
        return SCHEMAS.get(type);
    }

    /// The schema of the operation of that name, for example {@code nest.read}.
    public static Optional<OpSchema> named(String name) {
        return Optional.ofNullable(BY_NAME.get(name));
    }

    /// All schemas, sorted by name.
    public static List<OpSchema> all() {
        return BY_NAME.values().stream()
                .sorted((left, right) -> left.name.compareTo(right.name))
                .toList();
    }

    /// Dialect and mnemonic, for example {@code graph.mat-mul}.
    public String name() {
        return name;
    }

    public List<Component> components() {
        return components;
    }

    /// A component's value.
    public static Object get(Component component, Op op) {
        try {
            return component.getter().invokeExact(op);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new LinkageError("reading " + component.name(), e);
        }
    }

    /// A new operation of this kind; the record's constructor verifies it.
    public Op create(Object... values) {
        try {
            return (Op) constructor.invokeExact(values);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new LinkageError("creating " + name, e);
        }
    }

    /// All operands in order, lists and optionals flattened.
    public static List<Value> operands(Op op) {
        var operands = new ArrayList<Value>();
        for (var component : of(op).components) {
            switch (component.role()) {
                case OPERAND -> operands.add((Value) get(component, op));
                case OPERAND_LIST -> operands.addAll(valueList(get(component, op)));
                case OPERAND_OPTIONAL -> ((Optional<?>) get(component, op)).ifPresent(value -> operands.add((Value) value));
                case RESULT, RESULT_LIST, BODY, ATTRIBUTE -> {}
            }
        }
        return operands;
    }

    /// All results in order.
    public static List<Value> results(Op op) {
        var results = new ArrayList<Value>();
        for (var component : of(op).components) {
            switch (component.role()) {
                case RESULT -> results.add((Value) get(component, op));
                case RESULT_LIST -> results.addAll(valueList(get(component, op)));
                case OPERAND, OPERAND_LIST, OPERAND_OPTIONAL, BODY, ATTRIBUTE -> {}
            }
        }
        return results;
    }

    /// All bodies in order.
    public static List<Body> bodies(Op op) {
        var bodies = new ArrayList<Body>();
        for (var component : of(op).components) {
            if (component.role() == Role.BODY) {
                bodies.add((Body) get(component, op));
            }
        }
        return bodies;
    }

    /// A copy with other operands, results and bodies; attributes stay. The operation itself comes back if nothing
    /// changed.
    public static Op rebuild(
            Op op, UnaryOperator<Value> operands, UnaryOperator<Value> results, Function<Body, Body> bodies) {
        var schema = of(op);
        var values = new Object[schema.components.size()];
        boolean changed = false;
        for (int i = 0; i < values.length; i++) {
            var component = schema.components.get(i);
            var old = get(component, op);
            values[i] = switch (component.role()) {
                case OPERAND -> operands.apply((Value) old);
                case OPERAND_LIST -> mapList(valueList(old), operands);
                case OPERAND_OPTIONAL -> mapOptional((Optional<?>) old, operands);
                case RESULT -> results.apply((Value) old);
                case RESULT_LIST -> mapList(valueList(old), results);
                case BODY -> bodies.apply((Body) old);
                case ATTRIBUTE -> old;
            };
            changed |= values[i] != old;
        }
        return changed ? schema.create(values) : op;
    }

    private static Object mapList(List<Value> values, UnaryOperator<Value> mapping) {
        List<Value> mapped = null;
        for (int i = 0; i < values.size(); i++) {
            var value = mapping.apply(values.get(i));
            if (mapped == null && value != values.get(i)) {
                mapped = new ArrayList<>(values);
            }
            if (mapped != null) {
                mapped.set(i, value);
            }
        }
        return mapped == null ? values : mapped;
    }

    private static Object mapOptional(Optional<?> value, UnaryOperator<Value> mapping) {
        if (value.isEmpty()) {
            return value;
        }
        var mapped = mapping.apply((Value) value.get());
        return mapped == value.get() ? value : Optional.of(mapped);
    }

    @SuppressWarnings("unchecked")
    private static List<Value> valueList(Object value) {
        return (List<Value>) value;
    }

    private static Role role(RecordComponent component) {
        boolean result = component.isAnnotationPresent(Op.Out.class);
        if (component.getType() == Value.class) {
            return result ? Role.RESULT : Role.OPERAND;
        }
        if (component.getType() == Body.class) {
            return Role.BODY;
        }
        if (component.getGenericType() instanceof ParameterizedType generic
                && generic.getActualTypeArguments()[0] == Value.class) {
            if (generic.getRawType() == List.class) {
                return result ? Role.RESULT_LIST : Role.OPERAND_LIST;
            }
            return Role.OPERAND_OPTIONAL;
        }
        return Role.ATTRIBUTE;
    }

    private static String snakeCase(String name) {
        return name.replaceAll("(?<!^)([A-Z])", "_$1").toLowerCase(Locale.ROOT);
    }
}
