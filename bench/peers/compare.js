/* Each contestant's runs of each piece of work, and the goals. */

/* The contestants stand at 0, 1, 2 ...; series are the medians, then the first run of each, the
   second of each ... */
function describe(plot) {
  const bars = plot.bars, places = bars.map((bar, i) => i);
  const runs = Math.max(...bars.map(bar => bar.values.length));
  const name = bar => bar.who + (bar.ratio === null ? "" : "\n" + fixed(2)(bar.ratio));
  const value = (made, number) => fixed(plot.digits)(number);
  const shown = [
    { label: "contestant", value: (made, i) => i in bars ? bars[i].who : "–" },
    { label: "median", stroke: colour("one"), fill: colour("one") + "55", width: 1,
      paths: uPlot.paths.bars({ size: [0.6, 80] }), points: { show: false },
      value }];
  const values = [places, bars.map(bar => bar.median)];
  for (let run = 0; run < runs; run++) {
    shown.push({ label: "run " + (run + 1), stroke: colour("two"), paths: () => null,
      points: { show: true, size: 6, stroke: colour("two"), fill: colour("ground") },
      value });
    values.push(bars.map(bar => run in bar.values ? bar.values[run] : null));
  }
  return [{
    legend: { show: false },
    scales: { x: { time: false, range: [-0.6, bars.length - 0.4] }, y: { range: fromZero } },
    axes: [
      axis(undefined, { grid: { show: false }, size: 48, splits: () => places,
        values: (made, splits) => splits.map(i => name(bars[i])) }),
      axis(undefined)],
    series: shown,
  }, values];
}

document.getElementById("about").textContent =
  data.date + ". " + data.machine + ". " + data.contestants.join(", ") + ".";
const work = document.getElementById("work");
for (const group of data.groups) {
  element("h2", work, group.title);
  const grid = element("div", work, undefined, "plots");
  for (const plot of group.plots) figure(grid, plot.label, "", false, () => describe(plot));
}
const goals = document.getElementById("goals");
for (const goal of data.goals) {
  const row = element("tr", goals);
  element("td", row, goal.goal);
  element("td", row, fixed(2)(goal.value));
  element("td", row, fixed(2)(goal.bound));
  element("td", row, goal.met === null ? "not judged" : goal.met ? "met" : "missed",
    goal.met === false ? "missed" : "");
}

start();
