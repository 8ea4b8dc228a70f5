"use strict";
// The verdict over time: how near each kind of fault is, where 1 is its threshold. A click goes to the frame.

(() => {
  const own = window.voidReview;
  const node = () => document.getElementById("graph");
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  const line = (frame) => ({ type: "line", x0: frame, x1: frame, yref: "paper", y0: 0, y1: 1, line: { color: colour("--ink"), width: 1 } });
  const threshold = (first, last) => ({ type: "line", x0: first, x1: last, y0: 1, y1: 1, line: { color: colour("--red"), width: 1, dash: "dot" } });

  own.graph = (shot, verdict, goTo) => {
    const graph = node();
    graph.hidden = !verdict?.frames.length;
    if (!verdict || !verdict.frames.length || !window.Plotly) {
      if (window.Plotly) Plotly.purge(graph);
      graph.replaceChildren();
      return;
    }
    const x = verdict.frames.map((one) => one.frame);
    const kinds = [...new Set(verdict.frames.flatMap((one) => Object.keys(one.severity)))].sort();
    const worst = (kind) => Math.max(...verdict.frames.map((one) => one.severity[kind] ?? 0));
    const traces = kinds.map((kind) => ({
      name: kind, x, y: verdict.frames.map((one) => one.severity[kind] ?? null), mode: "lines+markers",
      marker: { size: 3 }, line: { width: 1.5 }, visible: worst(kind) > 0.5 ? true : "legendonly",
      hovertemplate: `%{x} ${kind} %{y:.2f}<extra></extra>`,
    }));
    if (verdict.frames.some((one) => one.invented != null)) {
      traces.push({ name: "invented", x, y: verdict.frames.map((one) => one.invented), mode: "lines", line: { width: 1, dash: "dash" },
        hovertemplate: "%{x} %{y:.0%} invented<extra></extra>" });
    }
    const top = Math.min(6, Math.max(1.3, ...kinds.map(worst)) * 1.05);
    Plotly.react(graph, traces, {
      margin: { l: 36, r: 8, t: 6, b: 24 }, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { color: colour("--ink"), size: 11 }, xaxis: { range: [shot.first - 0.5, shot.last + 0.5], gridcolor: colour("--line"), tickformat: "d" },
      yaxis: { range: [0, top], gridcolor: colour("--line"), title: { text: "of threshold" } }, shapes: [threshold(shot.first, shot.last), line(shot.first)], hovermode: "closest",
    }, { displayModeBar: false, responsive: true });
    graph.removeAllListeners?.("plotly_click");
    graph.on("plotly_click", (event) => goTo(event.points[0].x));
  };

  own.graphFrame = (shot, frame) => {
    const graph = node();
    if (graph.layout?.shapes) Plotly.relayout(graph, { shapes: [threshold(shot.first, shot.last), line(frame)] });
  };
})();
