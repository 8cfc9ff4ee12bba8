package org.portolan.llvm;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;

/// What was compiled lately in this process, by its text: models of one family, and one model for several devices, have many
/// kernels in common.
final class KernelCache {
    private static final int MOST = 2048;

    private static final Map<Key, String> COMPILED = new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Key, String> eldest) {
            return size() > MOST;
        }
    };

    /// The whole text is compared, so that two kernels are never taken for one.
    private record Key(String text, LlvmTarget target) {}

    private KernelCache() {}

    /// The assembly of a module, compiled if it is not there; two threads may both compile it, and get the same.
    static String get(String text, LlvmTarget target, Supplier<String> compiling) {
        var key = new Key(text, target);
        synchronized (COMPILED) {
            var found = COMPILED.get(key);
            if (found != null) {
                return found;
            }
        }
        var assembly = compiling.get();
        synchronized (COMPILED) {
            COMPILED.put(key, assembly);
        }
        return assembly;
    }
}
