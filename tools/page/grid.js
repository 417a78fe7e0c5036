/* Rows as `gait run --json --cycles` prints them, by their workload. */
function label(row) {
  const gogc = row.gogc_percent === null ? "off" : String(row.gogc_percent);
  return row.memory_limit_bytes === null ? gogc : gogc + ", limit " + size(row.memory_limit_bytes);
}

/* Settings with another memory limit are another line. */
function overSettings(rows, unit, lines) {
  const tick = row => row.memory_limit_bytes === null ? label(row)
    : rows.length > 5 ? size(row.memory_limit_bytes) : "limit";
  const apart = (row, before) => row.memory_limit_bytes !== before.memory_limit_bytes;
  return overRows(rows, { apart, label: "GOGC", name: label, tick }, unit, lines, fromZero);
}

/* Each setting as a point: memory to the right, CPU time upwards. */
function trade(rows) {
  return () => {
    const sorted = rows.slice().sort((a, b) => a.peak_rss_bytes - b.peak_rss_bytes);
    return [{
      scales: { x: { time: false, range: fromZero }, y: { range: fromZero } },
      axes: [axis("peak memory, MiB", { size: 40 }), axis("GC share of CPU, %")],
      series: [{ label: "MiB", value: (plot, value, s, i) => absent(i) ? "–"
          : fixed(0)(value) + " (" + label(sorted[i]) + ")" },
        series("share", "four", 1)],
    }, [sorted.map(row => row.peak_rss_bytes / MIB), sorted.map(row => row.gc_cpu_share * 100)]];
  };
}

/* The heap over time: up while the program allocates, down to what was live at each cycle's end. */
function sawtooth(row) {
  const at = [], heap = [], goal = [];
  for (const cycle of row.timeline) {
    at.push(cycle.seconds, cycle.seconds + cycle.mark_ns * 1e-9,
      cycle.seconds + cycle.mark_ns * 1e-9);
    heap.push(cycle.at_trigger_bytes / MIB, cycle.at_mark_end_bytes / MIB, cycle.marked_bytes / MIB);
    goal.push(cycle.goal_bytes / MIB, cycle.goal_bytes / MIB, cycle.goal_bytes / MIB);
  }
  const top = Math.max(1, ...heap) * 1.15;
  const near = goal.map(value => value > top * 4 ? null : value);
  return [{
    scales: { x: { time: false }, y: { range: fromZero } },
    axes: [axis("seconds", { size: 40 }), axis("MiB")],
    series: [{ label: "s", value: (plot, value) => fixed(3)(value) },
      series("heap", "one", 1, { width: 1.5, points: { show: false } }),
      series("goal", "two", 1, { width: 1.5, points: { show: false }, dash: [6, 4] })],
  }, [at, heap, near]];
}

/* ---- The page ---- */

const COLUMNS = [
  ["GOGC", label], ["cycles predicted", row => fixed(1)(row.cycles_by_law)],
  ["cycles measured", row => row.cycles],
  ["GC CPU share, %", row => fixed(1)(row.gc_cpu_share * 100)],
  ["peak memory, MiB", row => fixed(1)(row.peak_rss_bytes / MIB)],
  ["peak heap, MiB", row => fixed(1)(row.mapped_peak_bytes / MIB)],
  ["longest pause, ms", row => fixed(3)(row.pause_max_ns / 1e6)],
  ["time, s", row => fixed(3)(row.seconds)], ["ns per operation", row => fixed(1)(row.ns_per_op)],
];

function timeline(parent, rows) {
  const with_cycles = rows.filter(row => row.timeline && row.timeline.length > 0);
  if (with_cycles.length === 0) return;
  let chosen = with_cycles[0];
  const made = figure(parent, "The heap over time", "It grows until a cycle ends, then falls to " +
    "what that cycle found live. The goal is where marking should have ended. Drag to enlarge.",
    true, () => sawtooth(chosen));
  const select = element("select", made.caption);
  select.setAttribute("aria-label", "Which run");
  with_cycles.forEach((row, i) => element("option", select, "GOGC " + label(row)).value = i);
  select.addEventListener("change", () => { chosen = with_cycles[select.value]; made.draw(); });
}

function workload(parent, name, rows) {
  element("h2", parent, brief(name + " " + rows[0].arguments.join(" "), 100));
  table(element("div", parent, undefined, "wide"), COLUMNS, rows);
  const plots = element("div", parent, undefined, "plots");
  figure(plots, "Cycles", "Measured, and as the law predicts them.", false,
    overSettings(rows, "cycles", [
      { text: "measured", hue: "one", digits: 0, value: row => row.cycles },
      { text: "predicted", hue: "two", digits: 1, value: row => row.cycles_by_law,
        more: { dash: [6, 4] } }]));
  figure(plots, "The trade", "CPU time against memory, a point for each setting.", false,
    trade(rows));
  figure(plots, "Memory", "The most that the process and the heap held.", false,
    overSettings(rows, "MiB", [
      { text: "process", hue: "three", digits: 1, value: row => row.peak_rss_bytes / MIB },
      { text: "heap", hue: "one", digits: 1, value: row => row.mapped_peak_bytes / MIB }]));
  figure(plots, "Pauses", "Every time for which the collector held a thread.", false,
    overSettings(rows, "ms", [
      { text: "longest", hue: "two", digits: 3, value: row => row.pause_max_ns / 1e6 },
      { text: "99.99%", hue: "three", digits: 3, value: row => row.pause_p9999_ns / 1e6 }]));
  timeline(plots, rows);
}

const groups = new Map();
for (const row of data.rows) {
  if (!groups.has(row.workload)) groups.set(row.workload, []);
  groups.get(row.workload).push(row);
}
const runs = document.getElementById("runs");
if (groups.size === 0) element("p", runs, "No run ended well: there is nothing to show.");
for (const [name, rows] of groups) workload(runs, name, rows);

start();
