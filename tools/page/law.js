/* Rows of `gait law`: the collector beside the formula and the simulator. */
const sorted = data.rows.slice().sort((a, b) =>
  a.interval_formula_seconds - b.interval_formula_seconds);

function rate(row) { return (row.rate_bytes_per_second / MIB).toFixed(0) + " MiB/s"; }

function name(row) { return size(row.live_bytes) + ", " + rate(row) + ", GOGC " + row.gogc; }

function named(rows) {
  return (plot, value, s, i) => absent(i) || !rows[i] ? "–" : name(rows[i]);
}

/* Interval against the formula's, both on a logarithmic scale: the law is the diagonal. */
function intervals() {
  const ms = key => sorted.map(row => row[key] * 1e3);
  const dots = { width: 0, paths: () => null };
  const log = { distr: 3, time: false };
  return [{
    scales: { x: log, y: { distr: 3 } },
    axes: [axis("by the formula, ms", { size: 40 }), axis("ms")],
    series: [{ label: "point", value: named(sorted) },
      series("formula", "line", 1, { points: { show: false }, dash: [6, 4] }),
      series("simulator", "two", 1, dots),
      series("shortest", "three", 1, Object.assign({}, dots, { points: { show: true, size: 4 } })),
      series("longest", "three", 1, Object.assign({}, dots, { points: { show: true, size: 4 } })),
      series("collector", "one", 1, dots)],
  }, [ms("interval_formula_seconds"), ms("interval_formula_seconds"),
    ms("interval_simulator_seconds"), ms("interval_min_seconds"), ms("interval_max_seconds"),
    ms("interval_collector_seconds")]];
}

/* Each point at its place in the table; lines join those that differ in GOGC alone. */
function overPoints(unit, lines, range) {
  const apart = (row, before) => row.live_bytes !== before.live_bytes ||
    row.rate_bytes_per_second !== before.rate_bytes_per_second;
  const tick = row => data.rows.length > 40 ? "" : row.gogc;
  return overRows(data.rows, { apart, label: "point", name, tick }, unit, lines, range);
}

function around(plot, low, high) {
  const most = Math.max(Math.abs(low), Math.abs(high), 1) * 1.1;
  return [-most, most];
}

function besideOne(plot, low, high) { return [Math.min(low, 0.97) - 0.01, Math.max(high, 1.03) + 0.01]; }

const wide = data.rows.length > 9; // so that the values of GOGC have room
const thin = { width: 1, dash: [5, 4], points: { show: true, size: 4 } };

function plot_all(parent) {
  figure(parent, "From one collection to the next", "Each point of the grid; small ones are the " +
    "shortest and the longest interval of its run.", true, intervals);
  figure(parent, "Off the law", "How much longer an interval is. Lines join settings of GOGC of one " +
    "live heap and rate.", wide, overPoints("%", [
      { text: "collector over formula", hue: "one", digits: 1,
        value: row => (row.collector_over_formula - 1) * 100 },
      { text: "simulator over collector", hue: "two", digits: 1,
        value: row => (row.simulator_over_collector - 1) * 100 }], around));
  figure(parent, "GC share of the CPUs", "Assists and background workers; idle apart.", wide,
    overPoints("%", [
      { text: "collector", hue: "one", digits: 2, value: row => row.gc_cpu_share * 100 },
      { text: "simulator", hue: "two", digits: 2, value: row => row.gc_cpu_share_simulator * 100 }],
      fromZero));
  figure(parent, "Peak over goal", "The heap when marking ended.", wide, overPoints("", [
    { text: "mean", hue: "one", digits: 3, value: row => row.peak_over_goal },
    { text: "least", hue: "three", digits: 3, value: row => row.peak_over_goal_min, more: thin },
    { text: "most", hue: "three", digits: 3, value: row => row.peak_over_goal_max, more: thin }],
    besideOne));
  figure(parent, "Spread of the intervals", "Their standard deviation, as a share of their mean.",
    wide, overPoints("%", [
      { text: "spread", hue: "four", digits: 1, value: row => row.interval_spread * 100 }],
      fromZero));
}

const COLUMNS = [
  ["live", row => size(row.live_bytes)], ["rate", rate],
  ["measured, MiB/s", row => fixed(1)(row.rate_measured_bytes_per_second / MIB) +
    (row.rate_reached ? "" : " *")],
  ["GOGC", row => row.gogc],
  ["formula, ms", row => fixed(1)(row.interval_formula_seconds * 1e3)],
  ["simulator, ms", row => fixed(1)(row.interval_simulator_seconds * 1e3)],
  ["collector, ms", row => fixed(1)(row.interval_collector_seconds * 1e3)],
  ["collector over formula", row => fixed(3)(row.collector_over_formula)],
  ["simulator over collector", row => fixed(3)(row.simulator_over_collector)],
  ["spread, %", row => fixed(1)(row.interval_spread * 100)],
  ["GC CPU, %", row => fixed(2)(row.gc_cpu_share * 100)],
  ["simulated, %", row => fixed(2)(row.gc_cpu_share_simulator * 100)],
  ["peak over goal", row => fixed(3)(row.peak_over_goal)],
];

const place = document.getElementById("plots");
if (data.rows.length === 0) element("p", place, "No run ended well: there is nothing to show.");
else {
  plot_all(place);
  const below = document.getElementById("table");
  table(below, COLUMNS, data.rows);
  if (data.rows.some(row => !row.rate_reached))
    element("p", below, "* not the rate that was asked for: formula and simulator take this one.",
      "quiet");
}

start();
