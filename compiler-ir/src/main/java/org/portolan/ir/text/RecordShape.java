package org.portolan.ir.text;

import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/// The components of a record that is written as {@code {a = 1, b = [x]}}: an attribute, or a pass with its options.
final class RecordShape {

    /// One component under the name that it has in text.
    record Field(String word, Type type, RecordComponent component) {}

    private static final ClassValue<RecordShape> SHAPES = new ClassValue<>() {
        @Override
        protected RecordShape computeValue(Class<?> type) {
            return new RecordShape(type);
        }
    };

    private final List<Field> fields;
    private final Constructor<?> constructor;

    private RecordShape(Class<?> type) {
        var components = type.getRecordComponents();
        fields = Arrays.stream(components)
                .map(component -> new Field(snakeCase(component.getName()), component.getGenericType(), component))
                .toList();
        try {
            constructor = type.getDeclaredConstructor(
                    Arrays.stream(components).map(RecordComponent::getType).toArray(Class<?>[]::new));
        } catch (NoSuchMethodException e) {
            throw new LinkageError("a record without its constructor: " + type, e);
        }
    }

    static RecordShape of(Class<?> type) {
        return SHAPES.get(type);
    }

    List<Field> fields() {
        return fields;
    }

    Object get(Field field, Object owner) {
        try {
            return field.component().getAccessor().invoke(owner);
        } catch (IllegalAccessException e) {
            throw new LinkageError(owner.getClass() + " must be public and its package exported", e);
        } catch (InvocationTargetException e) {
            throw rethrow(e);
        }
    }

    Object create(Object... values) {
        try {
            return constructor.newInstance(values);
        } catch (IllegalAccessException | InstantiationException e) {
            throw new LinkageError(constructor.getDeclaringClass() + " must be public and its package exported", e);
        } catch (InvocationTargetException e) {
            throw rethrow(e);
        }
    }

    private static RuntimeException rethrow(InvocationTargetException e) {
        return switch (e.getCause()) {
            case RuntimeException cause -> cause;
            case Error error -> throw error;
            case null, default -> new IllegalStateException(e);
        };
    }

    private static String snakeCase(String name) {
        return name.replaceAll("(?<!^)([A-Z])", "_$1").toLowerCase(Locale.ROOT);
    }
}
