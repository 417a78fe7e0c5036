/* What the pages that show rows share: each stands behind this in one function, see frame.html. */
const data = JSON.parse(document.getElementById("data").textContent);
const MIB = 1048576;
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

function absent(value) { return value === null || value === undefined; }

function fixed(digits) { return value => absent(value) ? "–" : value.toFixed(digits); }

/* The start of a long line. */
function brief(text, characters) {
  return text.length > characters ? text.slice(0, characters) + " …" : text;
}

function size(bytes) {
  return absent(bytes) ? "none" : (bytes / MIB).toFixed(0) + " MiB";
}

/* `columns` are pairs of a heading and what gives a row's text. */
function table(parent, columns, rows) {
  const made = element("table", parent);
  const head = element("tr", element("thead", made));
  for (const [name] of columns) element("th", head, name);
  const body = element("tbody", made);
  for (const row of rows) {
    const line = element("tr", body);
    for (const [, text] of columns) element("td", line, text(row));
  }
}

/* ---- Plots ---- */

function axis(text, more) {
  const line = { stroke: colour("line"), width: 1 };
  return Object.assign({ label: text, stroke: colour("text"), grid: line, ticks: line,
    labelSize: 22, size: 62 }, more);
}

function series(text, hue, digits, more) {
  return Object.assign({ label: text, stroke: colour(hue), width: 2, points: { show: true, size: 7 },
    value: (plot, value) => fixed(digits)(value) }, more);
}

function fromZero(plot, low, high) { return [0, high > 0 ? high * 1.08 : 1]; }

/* Lines over rows, which are no scale: they stand at 0, 1, 2 ..., with a gap where a row and the one
   before it are `apart`.  `name` tells a row in the legend, `tick` below the plot.  A line is
   { text, hue, digits, value } and `more` for uPlot. */
function overRows(rows, { apart, label, name, tick }, unit, lines, range) {
  const places = rows.map((row, i) => i);
  const at = [], of = [];
  rows.forEach((row, i) => {
    if (i > 0 && apart(row, rows[i - 1])) {
      at.push(i - 0.5);
      of.push(null);
    }
    at.push(i);
    of.push(row);
  });
  return () => [{
    scales: { x: { time: false, range: [-0.3, rows.length - 0.7] }, y: { range } },
    axes: [axis("GOGC", { size: 40, splits: () => places,
      values: (plot, splits) => splits.map(i => tick(rows[i])) }), axis(unit)],
    series: [{ label, value: (plot, i) => i in rows ? name(rows[i]) : "–" }]
      .concat(lines.map(line => series(line.text, line.hue, line.digits, line.more))),
  }, [at].concat(lines.map(line => of.map(row => row === null ? null : line.value(row))))];
}

/* `describe()` gives uPlot's options and data; called again whenever the plot must be drawn anew. */
function figure(parent, title, note, full, describe) {
  const box = element("figure", parent, undefined, full ? "full" : "");
  const caption = element("figcaption", box);
  element("span", caption, title);
  if (note) element("small", caption, note);
  const place = element("div", box);
  let plot = null;
  const draw = () => {
    if (plot) plot.destroy();
    const [options, values] = describe();
    options.width = Math.max(260, place.clientWidth);
    options.height = full ? 320 : 260;
    plot = new uPlot(options, values, place);
  };
  plots.push(draw);
  return { caption, draw };
}

/* ---- The page ---- */

document.title = data.title;
document.getElementById("title").textContent = data.title;
document.getElementById("command").textContent = brief(data.command, 400);
document.getElementById("version").textContent = data.version;

/* Draws every plot, now that the page is laid out and every width final. */
function start() {
  const redraw = () => plots.forEach(draw => draw());
  redraw();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  let waiting = 0;
  addEventListener("resize", () => { clearTimeout(waiting); waiting = setTimeout(redraw, 150); });
}
