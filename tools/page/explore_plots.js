/* The three plots, by uPlot: the heap over time, GC CPU over GOGC, the peak over GOGC. */
"use strict";
globalThis.gaitPlots = (function () {

const { size, percent, time } = globalThis.gaitWords;
const STATUS = globalThis.gaitModel.STATUS;

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
}

/* ---- GOGC as an axis: even steps for even factors, and a place for "off" beyond the end ---- */

const OFF = Math.log2(2100);
const TICKS = [10, 25, 50, 100, 200, 400, 1000];
function placeOf(gogc) { return gogc === "off" ? OFF : Math.log2(gogc); }

/* Units: used from the first number on, and worth the second. */
const SIZES = [[0, 1024, "KiB"], [2 ** 20, 2 ** 20, "MiB"], [2 ** 32, 2 ** 30, "GiB"],
  [2 ** 42, 2 ** 40, "TiB"]];
const TIMES = [[0, 1e-6, "µs"], [2e-3, 1e-3, "ms"], [2, 1, "s"], [300, 60, "min"]];
function unitFor(most, units) {
  const [, worth, name] = units.filter(([from]) => most >= from).pop();
  return { worth, name };
}

function axis(label, more) {
  const line = { stroke: colour("line"), width: 1 };
  return Object.assign({ label, stroke: colour("text"), grid: line, ticks: line, labelSize: 20,
    font: "12px system-ui, sans-serif", labelFont: "12px system-ui, sans-serif", size: 56 }, more);
}

function series(label, hue, text, more) {
  return Object.assign({ label, stroke: colour(hue), width: 2, points: { show: false },
    value: (plot, value) => value === null || value === undefined ? "–" : text(value) }, more);
}

/* The legend's marks are drawn as the lines are. */
const LEGEND = { markers: { width: 3, fill: () => "transparent",
  dash: (plot, i) => !plot.series[i].dash ? "solid" : plot.series[i].dash[0] > 4 ? "dashed" : "dotted" } };

function fromZero(plot, low, high) { return [0, high > 0 ? high * 1.08 : 1]; }

/* A place on the page that holds one plot; made anew only when what `key` tells has changed. */
function holder(element, height) {
  let plot = null, made = "";
  return function show(key, options, data) {
    const width = Math.max(240, element.clientWidth);
    if (plot && made === key) {
      if (plot.width !== width) plot.setSize({ width, height });
      plot.setData(data);
    } else {
      if (plot) plot.destroy();
      plot = new uPlot(Object.assign({ width, height }, options()), data, element);
      made = key;
    }
    return plot;
  };
}

/* ---- The heap over time ---- */

function heapData(cycles, limit) {
  const data = { at: [], heap: [], trigger: [], goal: [], spans: [] };
  const put = (at, heap, cycle) => {
    data.at.push(at);
    data.heap.push(heap);
    data.trigger.push(Number.isFinite(cycle.trigger_bytes) ? cycle.trigger_bytes : null);
    data.goal.push(Number.isFinite(cycle.end_goal_bytes) && cycle.end_goal_bytes > 0
      ? cycle.end_goal_bytes : Number.isFinite(cycle.goal_bytes) ? cycle.goal_bytes : null);
  };
  for (const cycle of cycles) {
    put(cycle.begin_s, cycle.marked_before_bytes, cycle);
    put(cycle.start_s, cycle.start_bytes, cycle);
    if (cycle.status !== STATUS.CYCLE_ENDED) continue;
    put(cycle.end_s, cycle.peak_bytes, cycle);
    data.spans.push([cycle.start_s, cycle.end_s]);
  }
  const most = Math.max(...data.heap.map(Number), 1);
  const near = Number.isFinite(limit) && limit < most * 1.6;
  data.limit = near ? [data.at.map(() => limit)] : [];
  data.goal = data.goal.map(value => value > most * 2 ? null : value);
  data.trigger = data.trigger.map(value => value > most * 2 ? null : value);
  data.most = near ? Math.max(most, limit) : most;
  return data;
}

/* Marking as a tint behind the lines; the chosen cycle's stronger. */
function tint(state) {
  return plot => {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    state.spans.forEach(([from, to], i) => {
      const left = plot.valToPos((from - state.zero) / state.per_s, "x", true);
      const right = plot.valToPos((to - state.zero) / state.per_s, "x", true);
      ctx.globalAlpha = i === state.chosen ? 0.38 : 0.13;
      ctx.fillStyle = colour("four");
      ctx.fillRect(left, bbox.top, Math.max(right - left, i === state.chosen ? 2 : 1), bbox.height);
    });
    ctx.restore();
  };
}

function heapOptions(state, choose) {
  const bytes = value => size(value * state.per_byte);
  return {
    scales: { x: { time: false }, y: { range: fromZero } },
    axes: [axis("time, " + state.time_unit, { size: 36 }), axis("heap, " + state.size_unit)],
    series: [
      { label: "time", value: (plot, value) => value === null || value === undefined ? "–"
        : time(value * state.per_s) },
      series("heap", "one", bytes, { fill: colour("one") + "1c" }),
      series("goal", "two", bytes, { dash: [8, 4], width: 1.5 }),
      series("trigger", "three", bytes, { dash: [2, 3], width: 1.5 })]
      .concat(state.near ? series("memory limit", "limit", bytes, { width: 1.5 }) : []),
    legend: LEGEND,
    hooks: {
      drawClear: [tint(state)],
      ready: [plot => plot.over.addEventListener("click", event =>
        choose(plot.posToVal(event.offsetX, "x") * state.per_s + state.zero))],
    },
    cursor: { drag: { x: false, y: false } },
  };
}

function heapPlot(element, height, choose) {
  const show = holder(element, height), state = {};
  return (look, cycles, limit, chosen) => {
    const data = heapData(cycles, limit);
    const zero = data.at[0], last = data.at[data.at.length - 1];
    const sizes = unitFor(data.most, SIZES), times = unitFor(last - zero, TIMES);
    Object.assign(state, { near: data.limit.length > 0, spans: data.spans, chosen, zero,
      per_byte: sizes.worth, size_unit: sizes.name, per_s: times.worth, time_unit: times.name });
    const scaled = values => values.map(value => value === null ? null : value / state.per_byte);
    return show([look, state.near, sizes.name, times.name].join(), () => heapOptions(state, choose), [
      data.at.map(at => (at - zero) / state.per_s),
      ...[data.heap, data.goal, data.trigger, ...data.limit].map(scaled)]);
  };
}

/* ---- Anything over GOGC ---- */

function gogcAxis() {
  return axis("GOGC", { size: 36, splits: () => TICKS.map(placeOf).concat(OFF),
    values: (plot, splits) => splits.map(at => at === OFF ? "off" : String(Math.round(2 ** at))) });
}

function overGogcOptions(label, lines, state) {
  return {
    scales: { x: { time: false, range: [placeOf(9), OFF + 0.25] }, y: { range: fromZero } },
    axes: [gogcAxis(), axis(label)],
    series: [{ label: "GOGC", value: (plot, at) => at === null || at === undefined ? "–"
      : at === OFF ? "off" : String(Math.round(2 ** at)) }]
      .concat(lines.map(line => series(line.label, line.hue, line.text, line.more))),
    cursor: { drag: { x: false, y: false } },
    legend: LEGEND,
    hooks: { ready: [plot => plot.over.addEventListener("click", event =>
      state.choose(2 ** plot.posToVal(event.offsetX, "x")))] },
  };
}

/* The curve, the points in the order of GOGC, and the present setting as a dot upon it. */
function columns(points, here, value) {
  const all = points.concat(Object.assign({ here: true }, here))
    .sort((a, b) => placeOf(a.gogc) - placeOf(b.gogc));
  const at = [], line = [], present = [];
  for (const point of all) {
    if (point.gogc === "off") { at.push(OFF - 0.3); line.push(null); present.push(null); }
    at.push(placeOf(point.gogc));
    line.push(point.gogc === "off" ? null : value(point.totals));
    present.push(point.here ? value(point.totals) : null);
  }
  return [at, line, present];
}

function dot(hue) {
  return { width: 0, points:
    { show: true, size: 12, fill: colour(hue), stroke: colour("panel"), width: 2 } };
}

function cpuPlot(element, height, choose) {
  const show = holder(element, height), state = { choose };
  const text = value => percent(value / 100);
  return (look, points, here) => show(look, () => overGogcOptions("% of all CPU", [
    { label: "GC CPU", hue: "four", text, more: {} },
    { label: "this setting", hue: "four", text, more: dot("four") }], state),
  columns(points, here, totals => totals.unbounded ? 0 : totals.gc_share * 100));
}

function peakPlot(element, height, choose) {
  const show = holder(element, height), state = { choose };
  return (look, points, here, limit) => {
    const peaks = points.concat(here).filter(point => !point.totals.unbounded)
      .map(point => point.totals.peak_bytes);
    const most = Math.max(...peaks, 1), unit = unitFor(most, SIZES), per = unit.worth;
    const near = limit < most * 1.6, text = value => size(value * per);
    const data = columns(points, here, totals => totals.unbounded ? null : totals.peak_bytes / per);
    const lines = [{ label: "peak heap", hue: "one", text, more: {} },
      { label: "this setting", hue: "one", text, more: dot("one") }];
    if (near) {
      data.push(data[0].map(() => limit / per));
      lines.push({ label: "memory limit", hue: "limit", text, more: { width: 1.5 } });
    }
    const options = () => overGogcOptions("heap, " + unit.name, lines, state);
    return show([look, near, unit.name].join(), options, data);
  };
}

return { heapPlot, cpuPlot, peakPlot };
})();
