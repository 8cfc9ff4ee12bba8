package org.portolan.cli.conformance;

import java.util.Map;
import org.portolan.cli.report.Document;
import org.portolan.cli.report.JunitXml.Outcome;

/// What became of one case on one device.
///
/// @param reason why it did not pass; empty where it did
/// @param deviceKernels launches in the plan that run on the device
/// @param hostKernels launches in the plan that run on the host beside it
/// @param seconds on the clock, compilation included
public record CaseResult(
        String name, String device, Outcome outcome, String reason, long deviceKernels, long hostKernels, double seconds) {

    public static CaseResult failed(String name, String device, String reason, double seconds) {
        return new CaseResult(name, device, Outcome.FAILED, reason, 0, 0, seconds);
    }

    public static CaseResult skipped(String name, String device, String reason, double seconds) {
        return new CaseResult(name, device, Outcome.SKIPPED, reason, 0, 0, seconds);
    }

    /// Members of a JSON document.
    public Map<String, Object> members() {
        var members = Document.of("case", name, "device", device, "reason", reason);
        if (outcome == Outcome.PASSED) {
            members.put("deviceKernels", deviceKernels);
            members.put("hostKernels", hostKernels);
        }
        members.put("seconds", Math.round(seconds * 1000) / 1000.0);
        return members;
    }
}
