package org.portolan.cli.conformance;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.Function;
import org.portolan.cli.report.Comparison;
import org.portolan.cli.report.Comparison.Tolerance;
import org.portolan.cli.report.JunitXml.Outcome;
import org.portolan.onnx.UnsupportedOperators;
import org.portolan.runtime.Tensor;
import org.portolan.runtime.type.ElementType;

/// Runs cases, several at once in this process. One that takes too long counts as failed and is left behind: its thread
/// cannot be stopped, and ends with the process.
///
/// @param device the device's name in results
/// @param jobs how many cases are under way at once
/// @param limit how long one case may take
/// @param explain a problem in one sentence
public record ConformanceRun(
        CaseCompiler compiler, String device, int jobs, Duration limit, Function<Throwable, String> explain) {

    /// The results in the order of the cases.
    ///
    /// @param finished told of each result as it comes, from several threads
    public List<CaseResult> run(List<ConformanceCase> cases, Consumer<CaseResult> finished) throws InterruptedException {
        var results = new CaseResult[cases.size()];
        var permits = new Semaphore(jobs);
        var open = new CountDownLatch(cases.size());
        for (var i = 0; i < cases.size(); i++) {
            permits.acquire();
            var place = i;
            start(cases.get(i), result -> {
                results[place] = result;
                permits.release();
                finished.accept(result);
                open.countDown();
            });
        }
        open.await();
        return List.of(results);
    }

    /// Starts a case, and a watch beside it; whichever ends first reports.
    private void start(ConformanceCase candidate, Consumer<CaseResult> report) {
        var reported = new AtomicBoolean();
        var worker = Thread.ofPlatform().daemon().name(candidate.name()).unstarted(() -> {
            var result = runCase(candidate);
            if (reported.compareAndSet(false, true)) report.accept(result);
        });
        Thread.ofVirtual().start(() -> {
            worker.start();
            try {
                if (worker.join(limit)) return;
            } catch (InterruptedException _) {
                Thread.currentThread().interrupt();
            }
            if (reported.compareAndSet(false, true)) {
                var seconds = limit.toSeconds();
                report.accept(CaseResult.failed(candidate.name(), device, "not done after " + seconds + " s", seconds));
            }
        });
    }

    private CaseResult runCase(ConformanceCase candidate) {
        var start = System.nanoTime();
        try (var ready = compiler.prepare(candidate)) {
            var problem = problem(candidate, ready);
            var seconds = (System.nanoTime() - start) / 1e9;
            var outcome = problem.isEmpty() ? Outcome.PASSED : Outcome.FAILED;
            return new CaseResult(
                    candidate.name(), device, outcome, problem, ready.deviceKernels(), ready.hostKernels(), seconds);
        } catch (ConformanceCase.UnsupportedValueException unsupported) {
            return CaseResult.skipped(candidate.name(), device, unsupported.getMessage(), seconds(start));
        } catch (Exception | StackOverflowError | OutOfMemoryError | LinkageError problem) {
            var sentence = explain.apply(problem);
            return isUnsupported(problem)
                    ? CaseResult.skipped(candidate.name(), device, sentence, seconds(start))
                    : CaseResult.failed(candidate.name(), device, sentence, seconds(start));
        }
    }

    private static boolean isUnsupported(Throwable problem) {
        return problem instanceof UnsupportedOperators;
    }

    /// The first disagreement with what is recorded; empty where there is none.
    private static String problem(ConformanceCase candidate, CaseCompiler.ReadyCase ready) throws Exception {
        var sets = candidate.dataSets();
        if (sets.isEmpty()) return "there is no test_data_set";
        for (var set : sets) {
            var found = ready.run(set.inputs());
            for (var expected : set.outputs().entrySet()) {
                var problem = problem(expected.getKey(), expected.getValue(), found);
                if (!problem.isEmpty()) return problem;
            }
        }
        return "";
    }

    private static String problem(String name, Tensor expected, Map<String, Tensor> found) {
        var tensor = found.get(name);
        if (tensor == null) return "output '" + name + "' is missing";
        var comparison = Comparison.of(expected, tensor, tolerance(expected.type()));
        return comparison.agrees() ? "" : "output '" + name + "': " + comparison.problem();
    }

    /// ONNX's own tolerance, but for the formats that are coarser than it: those may be one unit in the last place off.
    private static Tolerance tolerance(ElementType type) {
        return switch (type) {
            case F64, F32 -> new Tolerance(1e-3, 1e-7, false);
            case F16 -> new Tolerance(0x1p-9, 1e-7, false);
            case BF16 -> new Tolerance(0x1p-6, 1e-7, false);
            case F8E4M3, F8E4M3FNUZ, F8E5M2, F8E5M2FNUZ, F8E8M0, F4E2M1 -> new Tolerance(0, 0, false);
            case I64, I32, I16, I8, I4, I2, U64, U32, U16, U8, U4, U2, BOOL, INDEX, STRING -> new Tolerance(0, 0, false);
        };
    }

    private static double seconds(long start) {
        return (System.nanoTime() - start) / 1e9;
    }
}
