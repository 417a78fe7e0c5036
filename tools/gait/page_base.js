/* What the pages share: they stand behind this in one function. */
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

function fixed(digits) {
  return value => value === null || value === undefined ? "–" : value.toFixed(digits);
}

/* The start of a long line. */
function brief(text, characters) {
  return text.length > characters ? text.slice(0, characters) + " …" : text;
}

function size(bytes) {
  return bytes === null || bytes === undefined ? "none" : (bytes / MIB).toFixed(0) + " MiB";
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
document.getElementById("command").textContent = brief(data.command, 200);
document.getElementById("version").textContent = data.version;

/* Draws every plot, now that the page is laid out and every width final. */
function start() {
  const redraw = () => plots.forEach(draw => draw());
  redraw();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  let waiting = 0;
  addEventListener("resize", () => { clearTimeout(waiting); waiting = setTimeout(redraw, 150); });
}
