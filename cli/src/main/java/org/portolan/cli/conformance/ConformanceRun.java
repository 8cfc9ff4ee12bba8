package org.portolan.cli.conformance;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.Function;
import org.portolan.cli.report.JunitXml.Outcome;
import org.portolan.onnx.UnsupportedOperators;
import org.portolan.onnx.UnsupportedType;
import org.portolan.onnx.conformance.Comparison;
import org.portolan.onnx.conformance.OnnxCase;

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
        try {
            var read = candidate.read();
            try (var ready = compiler.prepare(read.model())) {
                var problem = problem(read, ready);
                var outcome = problem.isEmpty() ? Outcome.PASSED : Outcome.FAILED;
                return new CaseResult(
                        candidate.name(), device, outcome, problem, ready.deviceKernels(), ready.hostKernels(), seconds(start));
            }
        } catch (UnsupportedOperators | UnsupportedType unsupported) {
            return CaseResult.skipped(candidate.name(), device, explain.apply(unsupported), seconds(start));
        } catch (Exception | StackOverflowError | OutOfMemoryError | LinkageError problem) {
            return CaseResult.failed(candidate.name(), device, explain.apply(problem), seconds(start));
        }
    }

    /// The first disagreement with what is recorded; empty where there is none.
    private static String problem(OnnxCase candidate, CaseCompiler.ReadyCase ready) {
        if (candidate.dataSets().isEmpty()) return "there is no test_data_set";
        if (ready.hostKernels() > 0 && !ready.needsHost()) {
            return ready.hostKernels() + " kernels run on the host although the device has every element type of the model";
        }
        for (var set : candidate.dataSets()) {
            var difference = Comparison.ONNX.difference(set.outputs(), ready.run(set.inputs()));
            if (difference.isPresent()) return difference.get();
        }
        return "";
    }

    private static double seconds(long start) {
        return (System.nanoTime() - start) / 1e9;
    }
}
