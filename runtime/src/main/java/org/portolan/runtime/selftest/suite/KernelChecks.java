package org.portolan.runtime.selftest.suite;

import static org.portolan.runtime.selftest.suite.Expect.equal;
import static org.portolan.runtime.selftest.suite.Expect.fails;
import static org.portolan.runtime.selftest.suite.Expect.holds;

import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.portolan.runtime.PortolanException;
import org.portolan.runtime.PortolanException.BadProgramFile;
import org.portolan.runtime.device.Kernel;
import org.portolan.runtime.device.KernelError;
import org.portolan.runtime.device.KernelImage;
import org.portolan.runtime.device.Queue;
import org.portolan.runtime.device.SynchronousQueue;

/// Images, launches and the errors of kernels.
final class KernelChecks {
    private KernelChecks() {}

    static List<Check> all() {
        return List.of(
                new Check("a bad image is refused", KernelChecks::badImages),
                new Check("a kernel that is not there is named", KernelChecks::unknownKernel),
                new Check("two images may have kernels of one name", KernelChecks::twoImages),
                new Check("an image can be loaded again and again", KernelChecks::reload),
                new Check("sizes from nothing to many", KernelChecks::sizes),
                new Check("grids of three axes", KernelChecks::grids),
                new Check("a grid without points runs nothing", KernelChecks::emptyGrids),
                new Check("a kernel without a grid runs once", KernelChecks::single),
                new Check("many parameters", KernelChecks::manyParameters),
                new Check("extents are 64 bits wide", KernelChecks::extents),
                new Check("launches see what came before them", KernelChecks::chain),
                new Check("parameters are read before a launch returns", KernelChecks::parameters),
                new Check("an error is reported once", KernelChecks::errors),
                new Check("an error belongs to its queue", KernelChecks::errorOfAQueue),
                new Check("a stop signal ends waiting", KernelChecks::stop));
    }

    /// Starts a kernel over a grid with the buffers and then the extents.
    static void launch(Rig rig, Queue queue, Kernel kernel, long[] grid, long... words) {
        queue.launch(kernel, rig.copy(words), words.length, grid, 0);
    }

    private static void badImages(Rig rig) {
        for (var image : List.of(new byte[0], new byte[] {1}, new byte[16], new byte[5000], "no kernels".getBytes())) {
            fails(PortolanException.class, () -> rig.device.load(rig.copy(image)), image.length + " bytes");
        }
        rig.load().close();
    }

    private static void unknownKernel(Rig rig) {
        try (var image = rig.load()) {
            var error = fails(BadProgramFile.class, () -> image.kernel("no_such_kernel"));
            holds(error.getMessage().contains("no_such_kernel"), error.getMessage());
            equal("add", image.kernel("add").name());
        }
    }

    private static void twoImages(Rig rig) {
        try (var all = rig.load(); var others = rig.loadOthers(); var queue = rig.queue()) {
            long x = rig.in(queue, rig.copy(5f));
            long y = rig.in(queue, rig.copy(3f));
            long sum = rig.allocate(4);
            long difference = rig.allocate(4);
            launch(rig, queue, all.kernel("add"), new long[] {1}, x, y, sum, 1);
            launch(rig, queue, others.kernel("add"), new long[] {1}, x, y, difference, 1);
            equal(new float[] {8}, rig.floats(queue, sum, 1));
            equal(new float[] {2}, rig.floats(queue, difference, 1));
        }
    }

    private static void reload(Rig rig) {
        for (int round = 0; round < 20; round++) {
            try (var image = rig.load(); var queue = rig.queue()) {
                long x = rig.in(queue, rig.copy((float) round));
                launch(rig, queue, image.kernel("add"), new long[] {1}, x, x, x, 1);
                equal(new float[] {2 * round}, rig.floats(queue, x, 1));
            }
        }
    }

    private static void sizes(Rig rig) {
        try (var image = rig.load(); var queue = rig.queue()) {
            for (int n : new int[] {1, 2, 31, 32, 33, 127, 255, 256, 257, 1000, 4099, 70_001}) {
                var x = new float[n];
                var expected = new float[n];
                for (int i = 0; i < n; i++) {
                    x[i] = i + 1;
                    expected[i] = 3 * (i + 1);
                }
                long first = rig.in(queue, rig.copy(x));
                long second = rig.allocate(4L * n + 4);
                // What lies behind must stay as it is.
                queue.copyIn(rig.copy(-1f), second + 4L * n, 4);
                launch(rig, queue, image.kernel("add"), new long[] {n}, first, first, second, n);
                launch(rig, queue, image.kernel("add"), new long[] {n}, first, second, second, n);
                var found = rig.floats(queue, second, n + 1);
                equal(-1, found[n], "behind " + n);
                equal(expected, Arrays.copyOf(found, n), "size " + n);
            }
        }
    }

    private static void grids(Rig rig) {
        try (var image = rig.load(); var queue = rig.queue()) {
            for (long[] grid : new long[][] {{1, 1, 1}, {3, 5, 7}, {2, 1, 999}, {70_000, 1, 1}, {1, 66_000, 2}, {300, 3, 40}}) {
                int points = (int) (grid[0] * grid[1] * grid[2]);
                long y = rig.allocate(4L * points);
                launch(rig, queue, image.kernel("number"), grid, y, grid[0], grid[1], grid[2]);
                var found = rig.out(queue, y, 4L * points);
                for (int i = 0; i < points; i++) {
                    equal(i, found.getAtIndex(ValueLayout.JAVA_INT, i), () -> Arrays.toString(grid));
                }
            }
        }
    }

    private static void emptyGrids(Rig rig) {
        try (var image = rig.load(); var queue = rig.queue()) {
            long y = rig.in(queue, rig.copy(77L));
            for (long[] grid : new long[][] {{0, 5, 5}, {5, 0, 5}, {5, 5, 0}, {0, 0, 0}}) {
                launch(rig, queue, image.kernel("number"), grid, y, grid[0], grid[1], grid[2]);
            }
            equal(0, queue.takeError());
            equal(77, rig.out(queue, y, 8).get(ValueLayout.JAVA_LONG, 0));
        }
    }

    private static void single(Rig rig) {
        try (var image = rig.load(); var queue = rig.queue()) {
            long x = rig.in(queue, rig.copy(21L));
            long y = rig.allocate(4);
            for (long[] grid : new long[][] {{}, {1}}) {
                launch(rig, queue, image.kernel("single"), grid, x, y);
                equal(42, rig.out(queue, y, 4).get(ValueLayout.JAVA_INT, 0));
            }
        }
    }

    private static void manyParameters(Rig rig) {
        try (var image = rig.load(); var queue = rig.queue()) {
            var words = new long[SuiteImages.BUFFERS + 2];
            for (int i = 0; i < SuiteImages.BUFFERS; i++) {
                words[i] = rig.in(queue, rig.copy(1f, 1 << i, i));
            }
            words[SuiteImages.BUFFERS] = rig.allocate(12);
            words[SuiteImages.BUFFERS + 1] = 3;
            launch(rig, queue, image.kernel("many"), new long[] {3}, words);
            int n = SuiteImages.BUFFERS;
            equal(new float[] {n, (1 << n) - 1, n * (n - 1) / 2}, rig.floats(queue, words[n], 3));
        }
    }

    private static void extents(Rig rig) {
        try (var image = rig.load(); var queue = rig.queue()) {
            var words = new long[SuiteImages.EXTENTS + 1];
            var expected = new long[SuiteImages.EXTENTS];
            words[0] = rig.allocate(8L * SuiteImages.EXTENTS);
            for (int i = 0; i < expected.length; i++) {
                expected[i] = (1L << 5 * i) + i;
                words[i + 1] = expected[i];
            }
            launch(rig, queue, image.kernel("extents"), new long[0], words);
            equal(expected, rig.out(queue, words[0], 8L * expected.length).toArray(ValueLayout.JAVA_LONG));
        }
    }

    private static void chain(Rig rig) {
        try (var image = rig.load(); var queue = rig.queue()) {
            long x = rig.in(queue, rig.copy(1f, 2f, 3f));
            long y = rig.in(queue, rig.copy(0f, 0f, 0f));
            for (int i = 0; i < 500; i++) {
                launch(rig, queue, image.kernel("add"), new long[] {3}, x, y, y, 3);
            }
            equal(new float[] {500, 1000, 1500}, rig.floats(queue, y, 3));
        }
    }

    private static void parameters(Rig rig) {
        try (var image = rig.load(); var queue = rig.queue()) {
            long x = rig.in(queue, rig.copy(1f, 2f));
            long y = rig.in(queue, rig.copy(0f, 0f));
            var words = rig.host(8 * 4);
            for (int i = 0; i < 50; i++) {
                long[] values = {x, y, y, 2};
                for (int word = 0; word < values.length; word++) {
                    words.setAtIndex(ValueLayout.JAVA_LONG, word, values[word]);
                }
                long[] grid = {2};
                queue.launch(image.kernel("add"), words, 4, grid, 0);
                words.fill((byte) 0);
                grid[0] = 0;
            }
            equal(new float[] {50, 100}, rig.floats(queue, y, 2));
        }
    }

    private static void errors(Rig rig) {
        try (var image = rig.load(); var queue = rig.queue()) {
            long x = rig.in(queue, rig.copy(10f, 20f, 30f));
            long good = rig.in(queue, rig.copy(2L, 0L, 1L, 2L));
            long y = rig.in(queue, rig.copy(0f, 0f, 0f, 0f));
            for (long[] ids : new long[][] {{0, 3, 1, 1}, {-1, 0, 0, 2}, {1, 1, 1, Long.MAX_VALUE}, {Long.MIN_VALUE, 9, -5, 0}}) {
                long bad = rig.in(queue, rig.copy(ids));
                gather(rig, queue, image, x, bad, y);
                if (queue instanceof SynchronousQueue synchronous) {
                    holds(synchronous.failed());
                }
                var error = KernelError.ofWord(queue.takeError());
                equal(KernelError.INDEX_OUT_OF_RANGE, error.code());
                holds(error.operation() >= 1, () -> "operation " + error.operation());
                equal(0, queue.takeError());
                gather(rig, queue, image, x, good, y);
                equal(new float[] {30, 10, 20, 30}, rig.floats(queue, y, 4));
                equal(0, queue.takeError());
            }
        }
    }

    private static void gather(Rig rig, Queue queue, KernelImage image, long x, long ids, long y) {
        launch(rig, queue, image.kernel("gather"), new long[] {4}, x, ids, y, 3, 4);
    }

    private static void errorOfAQueue(Rig rig) {
        try (var image = rig.load(); var first = rig.queue(); var second = rig.queue()) {
            long x = rig.in(first, rig.copy(10f, 20f, 30f));
            long bad = rig.in(first, rig.copy(7L, 7L, 7L, 7L));
            long y = rig.in(first, rig.copy(0f, 0f, 0f, 0f));
            first.record().await();
            gather(rig, first, image, x, bad, y);
            launch(rig, second, image.kernel("add"), new long[] {3}, x, x, x, 3);
            equal(0, second.takeError());
            equal(KernelError.INDEX_OUT_OF_RANGE, KernelError.ofWord(first.takeError()).code());
        }
    }

    /// How soon is not measured; that it ends is.
    private static void stop(Rig rig) {
        var stopped = new AtomicBoolean();
        try (var image = rig.load(); var queue = rig.device.openQueue(stopped::get)) {
            long y = rig.in(queue, rig.copy(new float[64]));
            for (int i = 0; i < 100; i++) {
                launch(rig, queue, image.kernel("slow"), new long[] {64}, y, 64, 200);
                stopped.set(i > 5);
            }
            queue.record().await();
            equal(0, queue.takeError());
            stopped.set(false);
            queue.copyIn(rig.copy(new float[64]), y, 4 * 64);
            launch(rig, queue, image.kernel("slow"), new long[] {64}, y, 64, 200);
            equal(200, rig.floats(queue, y, 64)[63]);
        }
    }
}
