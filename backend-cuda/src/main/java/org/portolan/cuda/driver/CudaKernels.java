package org.portolan.cuda.driver;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import org.portolan.cuda.image.CudaImage;
import org.portolan.runtime.PortolanException.BadProgramFile;
import org.portolan.runtime.PortolanException.Cancelled;
import org.portolan.runtime.PortolanException.DeviceFailed;
import org.portolan.runtime.device.Kernel;
import org.portolan.runtime.device.KernelImage;

/// Kernels loaded into a context. The driver compiles PTX text for its device here and keeps what it made on disk, so that
/// the next process finds it.
final class CudaKernels implements KernelImage {
    private static final int INFO_LOG = 3;
    private static final int INFO_LOG_BYTES = 4;
    private static final int ERROR_LOG = 5;
    private static final int ERROR_LOG_BYTES = 6;
    /// Only with {@code -Dportolan.cuda.lines=true}, for a profiler: what the driver compiles keeps the lines of the kernels' text.
    private static final int GENERATE_LINE_INFO = 12;
    private static final String LINES = "portolan.cuda.lines";
    private static final int LOG_BYTES = 16 << 10;
    private static final int DYNAMIC_SHARED_BYTES = 8;
    /// A launch has that much shared memory without being allowed more.
    private static final long PLAIN_SHARED_BYTES = 48 << 10;

    private final CudaContext context;
    private final List<Long> modules = Collections.synchronizedList(new ArrayList<>());
    private final Map<String, CudaKernel> kernels = new ConcurrentHashMap<>();

    private CudaKernels(CudaContext context) {
        this.context = context;
    }

    static CudaKernels load(CudaContext context, MemorySegment bytes) {
        var image = CudaImage.read(bytes);
        context.enter();
        var loaded = new CudaKernels(context);
        try {
            int threads = Math.min(image.modules().size(), Runtime.getRuntime().availableProcessors());
            if (threads > 1) {
                loaded.addByThreads(image, threads);
            } else {
                for (var module : image.modules()) {
                    loaded.add(module, image.machine());
                }
            }
            return loaded;
        } catch (RuntimeException | Error e) {
            loaded.close();
            throw e;
        }
    }

    /// The driver compiles on the thread that calls it, so that many kernels are done sooner by many threads. The first kernel
    /// that fails is the one that is told of.
    private void addByThreads(CudaImage image, int threads) {
        var failed = new AtomicBoolean();
        try (var pool = Executors.newFixedThreadPool(threads)) {
            var under = image.modules().stream()
                    .map(module -> pool.submit(() -> {
                        if (!failed.get()) {
                            try {
                                context.enter();
                                add(module, image.machine());
                            } catch (RuntimeException | Error e) {
                                failed.set(true);
                                throw e;
                            }
                        }
                    }))
                    .toList();
            try {
                for (var one : under) {
                    one.get();
                }
            } catch (InterruptedException e) {
                // Closing the pool waits for what is under way, and need not for the rest.
                failed.set(true);
                throw e;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new Cancelled("the thread was interrupted while kernels were loaded");
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RuntimeException cause) {
                throw cause;
            }
            throw (Error) e.getCause();
        }
    }

    private void add(CudaImage.Module module, String machine) {
        var entry = module.entry();
        try (var arena = Arena.ofConfined()) {
            long handle = loadModule(arena, module, machine);
            modules.add(handle);
            var function = arena.allocate(ValueLayout.JAVA_LONG);
            var doing = "finding the kernel " + entry.name();
            context.check(context.calls.moduleGetFunction(function, handle, arena.allocateFrom(entry.name())), doing);
            long address = function.get(ValueLayout.JAVA_LONG, 0);
            if (entry.sharedBytes() > PLAIN_SHARED_BYTES) {
                context.check(
                        context.calls.functionSetAttribute(
                                address, DYNAMIC_SHARED_BYTES, Math.toIntExact(entry.sharedBytes())),
                        "asking for " + entry.sharedBytes() + " bytes of shared memory for the kernel " + entry.name());
            }
            kernels.put(entry.name(), new CudaKernel(entry, address));
        }
    }

    private long loadModule(Arena arena, CudaImage.Module module, String machine) {
        var handle = arena.allocate(ValueLayout.JAVA_LONG);
        if (module.cubin().isPresent()) {
            var code = arena.allocateFrom(ValueLayout.JAVA_BYTE, module.cubin().get());
            int status = context.calls.moduleLoad(handle, code, 0, MemorySegment.NULL, MemorySegment.NULL);
            if (status == CudaStatus.SUCCESS) {
                return handle.get(ValueLayout.JAVA_LONG, 0);
            }
            if (status != CudaStatus.NO_BINARY_FOR_GPU) {
                context.check(status, "loading the machine code of the kernel " + module.entry().name());
            }
            // Machine code is for one architecture only; the text beside it is for every later one.
        }
        var log = arena.allocate(LOG_BYTES);
        var text = arena.allocateFrom(module.ptx(), StandardCharsets.UTF_8);
        var keys = arena.allocateFrom(
                ValueLayout.JAVA_INT, ERROR_LOG, ERROR_LOG_BYTES, INFO_LOG, INFO_LOG_BYTES, GENERATE_LINE_INFO);
        var ignored = arena.allocate(LOG_BYTES);
        var values = arena.allocateFrom(
                ValueLayout.JAVA_LONG, log.address(), LOG_BYTES, ignored.address(), LOG_BYTES, 1);
        int options = (int) keys.byteSize() / 4 - (Boolean.getBoolean(LINES) ? 0 : 1);
        int status = context.calls.moduleLoad(handle, text, options, keys, values);
        if (status != CudaStatus.SUCCESS) {
            var doing = "compiling the kernel " + module.entry().name() + ", made for " + machine + ", for " + context.name();
            if (status == CudaStatus.UNSUPPORTED_PTX) {
                throw new DeviceFailed(CudaStatus.of(status).message(doing) + "; " + tooOld(module.ptx(), machine), null);
            }
            var said = said(log);
            if (said.isEmpty() || CudaStatus.of(status).lost()) {
                context.check(status, doing);
            }
            throw new DeviceFailed(CudaStatus.of(status).message(doing) + "; the driver's compiler says: " + said, null);
        }
        return handle.get(ValueLayout.JAVA_LONG, 0);
    }

    /// Which version the kernels need and which one the driver has, and what can be done.
    private String tooOld(String ptx, String machine) {
        return PtxVersion.of(ptx)
                .map(needed -> "the kernels are PTX " + needed.text() + ", which drivers of CUDA " + needed.toolkit()
                        + " and later take, and " + version() + " is here; install a newer driver, or compile for an older"
                        + " architecture than " + machine + ", whose PTX is older: --target cuda:sm_75 is PTX 6.5 at most")
                .orElseGet(() -> version() + " is here");
    }

    /// The driver's own version, for a message.
    private String version() {
        try (var arena = Arena.ofConfined()) {
            var version = arena.allocate(ValueLayout.JAVA_INT);
            int status = context.calls.driverGetVersion(version);
            int number = version.get(ValueLayout.JAVA_INT, 0);
            return status == CudaStatus.SUCCESS
                    ? "a driver of CUDA " + number / 1000 + "." + number % 1000 / 10
                    : "a driver of an unknown version";
        }
    }

    /// The log in one line, without what only repeats the file's name.
    private static String said(MemorySegment log) {
        var bytes = log.toArray(ValueLayout.JAVA_BYTE);
        int length = 0;
        while (length < bytes.length && bytes[length] != 0) {
            length++;
        }
        return new String(bytes, 0, length, StandardCharsets.UTF_8).strip().replaceAll("\\s*\\R\\s*", "; ");
    }

    @Override
    public Kernel kernel(String name) {
        var kernel = kernels.get(name);
        if (kernel == null) {
            throw new BadProgramFile("the kernels have no '" + name + "'; compile the model again");
        }
        return kernel;
    }

    @Override
    public void close() {
        if (context.enterToRelease()) {
            modules.forEach(module -> context.succeeded(context.calls.moduleUnload(module)));
        }
        modules.clear();
    }
}
