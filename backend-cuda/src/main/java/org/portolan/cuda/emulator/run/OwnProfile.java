package org.portolan.cuda.emulator.run;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/// Copies of a class, one for each function that its instances call in a loop. The virtual machine decides for each
/// class what such a call may be compiled to: with a class of its own the function is compiled into the loop, while
/// in a class that all functions share it is called, lane by lane.
final class OwnProfile {
    private static final Map<Key, MethodHandle> CONSTRUCTORS = new ConcurrentHashMap<>();

    /// @param function whose copy it is: a lambda has a class of its own
    private record Key(Class<?> original, Class<?> function) {}

    private OwnProfile() {}

    /// An instance of the class's copy for a function.
    ///
    /// @param types of the constructor's parameters; the first is the function's
    /// @param arguments the function first
    static Instruction create(Class<?> original, Class<?>[] types, Object... arguments) {
        var constructor = CONSTRUCTORS.computeIfAbsent(
                new Key(original, arguments[0].getClass()), key -> constructor(key.original(), types));
        try {
            return (Instruction) constructor.invokeWithArguments(arguments);
        } catch (Throwable e) {
            throw new IllegalStateException("an instance of " + original + " cannot be made", e);
        }
    }

    private static MethodHandle constructor(Class<?> original, Class<?>[] types) {
        var file = original.getName().substring(original.getPackageName().length() + 1) + ".class";
        try (var stream = original.getResourceAsStream(file)) {
            var copy = MethodHandles.lookup().defineHiddenClass(stream.readAllBytes(), true);
            return copy.findConstructor(copy.lookupClass(), MethodType.methodType(void.class, types));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (IllegalAccessException | NoSuchMethodException e) {
            throw new IllegalStateException("a copy of " + original + " cannot be made", e);
        }
    }
}
