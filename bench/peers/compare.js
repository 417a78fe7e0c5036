(function () {
"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const plots = []; // what to draw again when the colours or the width change

function element(name, parent, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  parent.appendChild(made);
  return made;
}

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
}

function fixed(value, digits) {
  return value === null || value === undefined ? "–" : value.toFixed(digits);
}

/* The contestants stand at 0, 1, 2 ...; series are the medians, then the first run of each, the
   second of each ... */
function describe(plot) {
  const bars = plot.bars, places = bars.map((bar, i) => i);
  const runs = Math.max(...bars.map(bar => bar.values.length));
  const line = { stroke: colour("line"), width: 1 };
  const name = bar => bar.who + (bar.ratio === null ? "" : "\n" + fixed(bar.ratio, 2));
  const series = [
    { label: "contestant", value: (made, i) => i in bars ? bars[i].who : "–" },
    { label: "median", stroke: colour("one"), fill: colour("one") + "55", width: 1,
      paths: uPlot.paths.bars({ size: [0.6, 80] }), points: { show: false },
      value: (made, value) => fixed(value, plot.digits) }];
  const values = [places, bars.map(bar => bar.median)];
  for (let run = 0; run < runs; run++) {
    series.push({ label: "run " + (run + 1), stroke: colour("two"), paths: () => null,
      points: { show: true, size: 6, stroke: colour("two"), fill: colour("ground") },
      value: (made, value) => fixed(value, plot.digits) });
    values.push(bars.map(bar => run in bar.values ? bar.values[run] : null));
  }
  return [{
    legend: { show: false },
    scales: { x: { time: false, range: [-0.6, bars.length - 0.4] },
      y: { range: (made, low, high) => [0, high > 0 ? high * 1.08 : 1] } },
    axes: [
      { stroke: colour("text"), grid: { show: false }, ticks: line, size: 48,
        splits: () => places, values: (made, splits) => splits.map(i => name(bars[i])) },
      { stroke: colour("text"), grid: line, ticks: line, size: 62 }],
    series,
  }, values];
}

function figure(parent, plot) {
  const box = element("figure", parent);
  element("span", element("figcaption", box), plot.label);
  const place = element("div", box);
  let made = null;
  plots.push(() => {
    if (made) made.destroy();
    const [options, values] = describe(plot);
    options.width = Math.max(260, place.clientWidth);
    options.height = 240;
    made = new uPlot(options, values, place);
  });
}

document.getElementById("command").textContent = data.command;
document.getElementById("about").textContent =
  data.date + ". " + data.machine + ". " + data.contestants.join(", ") + ".";
const work = document.getElementById("work");
for (const group of data.groups) {
  element("h2", work, group.title);
  const grid = element("div", work, undefined, "plots");
  for (const plot of group.plots) figure(grid, plot);
}
const goals = document.getElementById("goals");
for (const goal of data.goals) {
  const row = element("tr", goals);
  element("td", row, goal.goal);
  element("td", row, fixed(goal.value, 2));
  element("td", row, fixed(goal.bound, 2));
  element("td", row, goal.met === null ? "not judged" : goal.met ? "met" : "missed",
    goal.met === false ? "missed" : "");
}

const redraw = () => plots.forEach(draw => draw());
redraw(); // only now is the page laid out, and every width final
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
let waiting = 0;
addEventListener("resize", () => { clearTimeout(waiting); waiting = setTimeout(redraw, 150); });
})();
