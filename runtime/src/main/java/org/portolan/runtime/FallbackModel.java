package org.portolan.runtime;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.portolan.runtime.PortolanException.DeviceLost;
import org.portolan.runtime.PortolanException.SessionClosed;
import org.portolan.runtime.plan.Port;
import org.portolan.runtime.program.ProgramFile;

/// A model that goes on on the host when its device is lost. The run that meets the loss is repeated there, unless it may
/// have updated its inputs already.
final class FallbackModel implements Model {
    private final ProgramFile file;
    private final Session session;
    private final Supplier<Session> host;
    private final boolean updatesInputs;
    private volatile boolean lost;
    private Session fallback;
    private boolean closed;

    /// @param host loads the model on the host; called at most once
    /// @param updatesInputs whether a run changes what the caller gave it
    FallbackModel(ProgramFile file, Session session, Supplier<Session> host, boolean updatesInputs) {
        this.file = file;
        this.session = session;
        this.host = host;
        this.updatesInputs = updatesInputs;
    }

    @Override
    public List<Port> inputs() {
        return session.inputs();
    }

    @Override
    public List<Port> outputs() {
        return session.outputs();
    }

    @Override
    public Outputs run(Map<String, Tensor> inputs, RunOptions options) {
        if (lost) {
            return fallback().run(inputs, options);
        }
        long start = System.nanoTime();
        try {
            return session.run(inputs, options);
        } catch (DeviceLost e) {
            lost = true;
            if (updatesInputs) {
                throw e;
            }
            return fallback().run(inputs, remaining(options, System.nanoTime() - start));
        }
    }

    @Override
    public boolean fellBack() {
        return lost;
    }

    private static RunOptions remaining(RunOptions options, long passed) {
        return options.timeout()
                .map(timeout -> options.withTimeout(
                        timeout.compareTo(Duration.ofNanos(passed)) > 0 ? timeout.minusNanos(passed) : Duration.ZERO))
                .orElse(options);
    }

    private synchronized Session fallback() {
        if (closed) {
            throw new SessionClosed("the session is closed; open the model again");
        }
        if (fallback == null) {
            fallback = host.get();
        }
        return fallback;
    }

    @Override
    public void close() {
        Session loaded;
        synchronized (this) {
            closed = true;
            loaded = fallback;
        }
        session.close();
        if (loaded != null) {
            loaded.close();
        }
        file.close();
    }
}
