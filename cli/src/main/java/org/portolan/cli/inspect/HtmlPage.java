package org.portolan.cli.inspect;

import static org.portolan.cli.report.JunitXml.escape;

import java.util.List;
import java.util.Locale;
import org.portolan.cli.report.Sizes;
import org.portolan.runtime.plan.Port;
import org.portolan.runtime.type.Dim;

/// The report as one HTML page that needs nothing beside itself: no network, no script.
public final class HtmlPage {
    private static final String STYLE =
            """
            :root { color-scheme: light dark; --line: #8884; --accent: #2b6cb0; }
            body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem; }
            h1, h2 { line-height: 1.2; } h2 { margin-top: 2.5rem; }
            table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
            th, td { text-align: left; padding: .25rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top; }
            td.n, th.n { text-align: right; }
            code { font: 13px ui-monospace, monospace; overflow-wrap: anywhere; }
            .bar { background: var(--accent); display: inline-block; height: .6rem; }
            svg { width: 100%; height: auto; border: 1px solid var(--line); }
            svg rect { fill: var(--accent); fill-opacity: .45; stroke: var(--accent); stroke-width: .5; }
            svg rect:hover { fill-opacity: .9; }
            .cards { display: flex; flex-wrap: wrap; gap: 1rem; } .cards div { border: 1px solid var(--line); padding: .5rem 1rem; }
            .cards b { display: block; font-size: 1.4rem; }
            """;
    private static final double WIDTH = 1000;
    private static final double HEIGHT = 320;

    private final StringBuilder text = new StringBuilder();

    private HtmlPage() {}

    public static String print(ModelReport report) {
        var page = new HtmlPage();
        page.page(report);
        return page.text.toString();
    }

    private void page(ModelReport report) {
        text.append("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>")
                .append(escape(report.source()))
                .append("</title>\n<style>\n")
                .append(STYLE)
                .append("</style>\n</head>\n<body>\n<h1>")
                .append(escape(report.source()))
                .append("</h1>\n");
        card("program file", Sizes.bytes(report.fileBytes()));
        ports("Inputs", report.manifest().inputs());
        ports("Outputs", report.manifest().outputs());
        operators(report);
        report.targets().forEach(this::target);
        text.append("</body>\n</html>\n");
    }

    private void target(ModelReport.Target target) {
        var plan = target.plan();
        text.append("<h2>Target ").append(escape(target.name())).append("</h2>\n<div class=\"cards\">");
        card("kernels on the device", Long.toString(plan.deviceKernels()));
        card("kernels on the host", Long.toString(plan.hostKernels()));
        card("weights", Sizes.bytes(plan.weightBytes()));
        card("arena of one run", Sizes.bytes(plan.arenaBytes()));
        card("kernel images", Sizes.bytes(target.imageBytes()));
        text.append("</div>\n");
        if (!plan.symbols().isEmpty()) {
            text.append("<p>Sizes are shown for ").append(escape(plan.symbols().toString())).append(".</p>\n");
        }
        memory(plan);
        kernels(target);
    }

    private void memory(PlanView plan) {
        var temporaries = plan.temporaries();
        if (temporaries.isEmpty() || plan.arenaBytes() == 0) return;
        var stepWidth = WIDTH / Math.max(1, plan.steps().size());
        var byteHeight = HEIGHT / plan.arenaBytes();
        var sum = temporaries.stream().mapToLong(PlanView.Temporary::bytes).sum();
        text.append("<h3>Memory plan</h3>\n<p>Steps to the right, addresses upwards: ")
                .append(temporaries.size())
                .append(" temporaries of ")
                .append(Sizes.bytes(sum))
                .append(" together share ")
                .append(Sizes.bytes(plan.arenaBytes()))
                .append(".</p>\n");
        text.append(String.format(
                Locale.ROOT, "<svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"memory plan\">\n", WIDTH, HEIGHT));
        for (var temporary : temporaries) {
            var height = temporary.bytes() * byteHeight;
            text.append(String.format(
                    Locale.ROOT,
                    "<rect x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\"><title>slot %d: %s at %d, steps %d to %d</title></rect>\n",
                    temporary.first() * stepWidth,
                    HEIGHT - temporary.offset() * byteHeight - height,
                    (temporary.last() - temporary.first() + 1) * stepWidth,
                    height,
                    temporary.slot(),
                    Sizes.bytes(temporary.bytes()),
                    temporary.offset(),
                    temporary.first(),
                    temporary.last()));
        }
        text.append("</svg>\n");
    }

    private void kernels(ModelReport.Target target) {
        var plan = target.plan();
        var launches = plan.launches();
        var dearest = launches.stream().mapToLong(launch -> plan.evaluate(launch.cost())).max().orElse(1);
        text.append("<h3>Kernels in the order of launch</h3>\n<table><tr><th class=\"n\">#</th><th>kernel</th><th>stands for</th>")
                .append("<th>where</th><th>grid</th>");
        target.findingNames().forEach(name -> text.append("<th class=\"n\">").append(name).append("</th>"));
        text.append("<th class=\"n\">estimate</th><th></th></tr>\n");
        for (var i = 0; i < launches.size(); i++) {
            var launch = launches.get(i);
            var cost = plan.evaluate(launch.cost());
            var grid = launch.grid().stream().map(Dim::toString).toList();
            text.append("<tr><td class=\"n\">").append(i).append("</td>");
            cell(plan.plan().kernels().get(launch.kernel()));
            cell(launch.origin());
            text.append("<td>").append(launch.device() == 0 ? "device" : "host").append("</td>");
            cell(String.join(" × ", grid));
            var name = launch.device() == 0 ? plan.plan().kernels().get(launch.kernel()) : "";
            target.finding(name).forEach(known -> text.append("<td class=\"n\">").append(known).append("</td>"));
            text.append(String.format(
                    Locale.ROOT,
                    "<td class=\"n\">%.1f µs</td><td><span class=\"bar\" style=\"width:%.1fpx\"></span></td></tr>\n",
                    cost / 1e3,
                    80.0 * cost / Math.max(1, dearest)));
        }
        text.append("</table>\n");
    }

    private void operators(ModelReport report) {
        if (report.operators().isEmpty()) return;
        text.append("<h2>Operators</h2>\n<table><tr><th>operator</th><th class=\"n\">nodes</th></tr>\n");
        report.operators().forEach((operator, count) -> {
            text.append("<tr>");
            cell(operator);
            text.append("<td class=\"n\">").append(count).append("</td></tr>\n");
        });
        text.append("</table>\n");
    }

    private void ports(String title, List<Port> ports) {
        text.append("<h2>").append(title).append("</h2>\n<table><tr><th>name</th><th>type</th><th>shape</th></tr>\n");
        for (var port : ports) {
            text.append("<tr>");
            cell(port.name());
            cell(port.type().text());
            cell(port.dims().toString());
            text.append("</tr>\n");
        }
        text.append("</table>\n");
    }

    private void cell(String code) {
        text.append("<td><code>").append(escape(code)).append("</code></td>");
    }

    private void card(String what, String value) {
        text.append("<div class=\"card\"><b>").append(escape(value)).append("</b> ").append(what).append("</div>\n");
    }
}
