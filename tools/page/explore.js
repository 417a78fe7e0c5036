/* The page: sliders and recordings in, a program under the pacer, plots and sentences out.  All that
   can be chosen stands in the address's fragment. */
"use strict";
(async function () {

const words = globalThis.gaitWords, plots = globalThis.gaitPlots;
const { STATUS } = globalThis.gaitModel;
const MIB = 2 ** 20, GIB = 2 ** 30, TIB = 2 ** 40;
const place = id => document.getElementById(id);

/* ---- What can be chosen ---- */

const GOGC_STOPS = [10, 15, 20, 25, 30, 40, 50, 60, 75, 100, 125, 150, 175, 200, 250, 300, 400, 500, 600,
  800, 1000, "off"];
const CPU_STOPS = [0.5, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128];

/* Four steps to each doubling. */
function sizeStops(from, to) {
  const stops = [];
  for (let power = from; power <= to; power *= 2)
    for (const part of [1, 1.25, 1.5, 1.75])
      if (power * part <= to) stops.push(power * part);
  return stops;
}

function readSize(text, most) {
  const bytes = words.bytesOf(text);
  return bytes <= most ? bytes : NaN;
}
function readNumber(text, low, high) {
  const value = /^[0-9.]+$/.test(text.trim()) ? Number(text) : NaN;
  return value >= low && value <= high ? value : NaN;
}
const offOr = read => text => /^\s*off\s*$/i.test(text) ? "off" : read(text);
const sizeText = value => value === "off" ? "off" : words.size(value);
const sizeLink = value => value === "off" ? "off" : words.size(value).replace(" ", "");

const CONTROLS = [
  { name: "gogc", label: "GOGC, %", group: "chosen", start: 100, stops: GOGC_STOPS,
    read: offOr(text => readNumber(text, 1, 100000)), text: String, wants: "1 to 100000, or off" },
  { name: "limit", label: "Memory limit", group: "chosen", start: "off",
    stops: sizeStops(8 * MIB, 64 * GIB).concat("off"),
    read: offOr(text => readSize(text, 64 * TIB)), text: sizeText, link: sizeLink,
    wants: "a size such as 512 MiB, or off" },
  { name: "live", label: "Live heap", group: "given", start: 256 * MIB, recorded: true,
    stops: sizeStops(MIB, 32 * GIB), read: text => readSize(text, 16 * TIB), text: sizeText,
    link: sizeLink, wants: "a size such as 256 MiB" },
  { name: "alloc", label: "Allocated per second", group: "given", start: 256 * MIB, recorded: true,
    stops: sizeStops(MIB, 16 * GIB), read: text => readSize(text, TIB), text: sizeText,
    link: sizeLink, wants: "a size such as 256 MiB" },
  { name: "mark", label: "Marked per CPU second", group: "given", start: 512 * MIB,
    recorded: true, stops: sizeStops(16 * MIB, 16 * GIB), read: text => readSize(text, TIB),
    text: sizeText, link: sizeLink, wants: "a size such as 512 MiB" },
  { name: "procs", label: "CPUs", group: "given", start: 8, stops: CPU_STOPS,
    read: text => readNumber(text, 0.1, 4096), text: String, wants: "0.1 to 4096" },
  { name: "external", label: "External bytes", group: "given", start: 0,
    stops: [0].concat(sizeStops(MIB, 16 * GIB)), read: text => readSize(text, 16 * TIB),
    text: sizeText, link: sizeLink, wants: "a size, or 0" },
];

const chosen = Object.fromEntries(CONTROLS.map(control => [control.name, control.start]));
let stretch = "settled";
let recording = null;
let cycles = [];
let shown = -1; // which of them is explained

function element(name, parent, text, attributes) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  Object.assign(made, attributes);
  parent.appendChild(made);
  return made;
}

/* ---- Controls ---- */

function nearestStop(control, value) {
  const { stops } = control;
  if (value === "off") return stops.length - 1;
  const away = stop => stop === "off" ? Infinity : Math.abs(Math.log((stop + 1) / (value + 1)));
  return stops.reduce((best, stop, i) => away(stop) < away(stops[best]) ? i : best, 0);
}

/* A slider over the stops, and a field for what lies between them. */
function makeControl(control) {
  const row = element("div", place(control.group), undefined, { className: "control" });
  element("label", row, control.label, { htmlFor: control.name });
  const field = element("input", row, undefined, { type: "text", inputMode: "text",
    autocomplete: "off", spellcheck: false });
  field.setAttribute("aria-label", control.label + ", exactly");
  const slider = element("input", row, undefined, { type: "range", id: control.name, min: 0,
    max: control.stops.length - 1, step: 1 });
  const wrong = element("span", row, "", { className: "wrong", hidden: true });
  wrong.setAttribute("role", "alert");
  slider.addEventListener("input", () => set({ [control.name]: control.stops[slider.value] }));
  field.addEventListener("change", () => {
    const value = control.read(field.value), good = value === "off" || value >= 0;
    field.setAttribute("aria-invalid", String(!good));
    wrong.hidden = good;
    wrong.textContent = good ? "" : "Here goes " + control.wants + ".";
    if (good) set({ [control.name]: value });
  });
  field.addEventListener("keydown", event => { if (event.key === "Enter") field.blur(); });
  control.show = () => {
    const value = chosen[control.name], recorded = recording !== null && control.recorded;
    const text = recorded ? "recorded" : control.text(value);
    slider.value = nearestStop(control, value);
    slider.setAttribute("aria-valuetext", text);
    slider.disabled = field.disabled = Boolean(recorded);
    row.classList.toggle("off", Boolean(recorded));
    field.value = text;
    field.setAttribute("aria-invalid", "false");
    wrong.hidden = true;
  };
}

/* ---- The address ---- */

function toLink() {
  return "#" + CONTROLS.map(control => control.name + "=" +
    (control.link || control.text)(chosen[control.name]).replace(/\s/g, "")).join("&") +
    (stretch === "start" ? "&from=start" : "");
}

/* Takes what makes sense of a fragment, and leaves the rest as it is. */
function fromLink(fragment) {
  const wanted = new URLSearchParams(fragment.replace(/^#/, ""));
  for (const control of CONTROLS) {
    const value = wanted.has(control.name) ? control.read(wanted.get(control.name)) : NaN;
    if (value === "off" || value >= 0) chosen[control.name] = value;
  }
  if (wanted.has("from")) stretch = wanted.get("from") === "start" ? "start" : "settled";
}

/* ---- The simulated program ---- */

function settings(more) {
  return Object.assign({
    gc_percent: chosen.gogc === "off" ? -1 : chosen.gogc,
    memory_limit_bytes: chosen.limit === "off" ? Infinity : chosen.limit,
    minimum_heap_bytes: 4 * MIB, cpu_cap: 0.5, cpus: chosen.procs,
    external_bytes: chosen.external, overhead_bytes: 0,
  }, more);
}

function track() {
  if (recording) return recording.track;
  return [{ allocated_bytes: 0, live_bytes: chosen.live, roots_bytes: 0, scan_share: 1,
    alloc_per_s: chosen.alloc, alloc_marking_per_s: chosen.alloc, mark_per_cpu_s: chosen.mark,
    gc_share_least: 0, idle_share: 0 }];
}

const model = await globalThis.gaitModel.load(
  globalThis.gaitModel.fromBase64(place("wasm").textContent.trim()));

/* A heap that nothing bounds is shown for as long as it takes to grow to four times what is live. */
function unbounded(cycle) {
  const grown = Math.max(3 * chosen.live, 64 * MIB);
  return Object.assign(cycle, { start_s: cycle.begin_s + grown / chosen.alloc,
    start_bytes: cycle.marked_before_bytes + grown });
}

function run() {
  const now = settings(), program = track();
  cycles = recording ? model.fromStart(now, program, 20000, 0)
    : stretch === "start" ? model.fromStart(now, program, 400, 4) : model.settled(now, program, 7);
  const last = cycles[cycles.length - 1];
  if (last.status === STATUS.NO_CYCLE) unbounded(last);
}

/* ---- The curves over GOGC: what does not depend on GOGC is kept ---- */

const CURVE = Array.from({ length: 33 }, (unused, i) => Math.round(10 * 10 ** (i / 16)));
const SLICE_MS = 20; // of work on the curves at a time, so that a slider never sticks
let curve = { key: "", points: [], todo: [] };

/* The ends first, then the middles: a rough curve is there at once. */
function spread(count) {
  const order = [0, count - 1];
  for (let step = 16; step >= 1; step /= 2)
    for (let i = 0; i < count; i += step) if (!order.includes(i)) order.push(i);
  return order;
}

function curveFor() {
  const key = JSON.stringify([settings({ gc_percent: 0 }), recording ? recording.track.length : track()]);
  if (curve.key !== key || curve.recording !== recording)
    curve = { key, recording, points: [], todo: spread(CURVE.length) };
}

function workOnCurve() {
  const until = performance.now() + SLICE_MS, program = track();
  model.set(settings(), program);
  while (curve.todo.length > 0 && performance.now() < until) {
    const gogc = CURVE[curve.todo.shift()];
    curve.points.push({ gogc, totals: model.sample(settings({ gc_percent: gogc }), program.length) });
  }
  curve.points.sort((a, b) => a.gogc - b.gogc);
}

/* ---- What is shown ---- */

const draw = {
  heap: plots.heapPlot(place("heap"), 300, explainAt),
  cpu: plots.cpuPlot(place("cpu"), 230, chooseGogc),
  peak: plots.peakPlot(place("peak"), 230, chooseGogc),
};
const dark = matchMedia("(prefers-color-scheme: dark)");

function chooseGogc(gogc) {
  if (gogc > 1450) return set({ gogc: "off" });
  const stops = GOGC_STOPS.slice(0, -1);
  const away = stop => Math.abs(Math.log(stop / gogc));
  return set({ gogc: stops.reduce((best, stop) => away(stop) < away(best) ? stop : best) });
}

function figures(totals) {
  const recorded = recording && recording.recorded;
  const was = text => recorded ? "recorded: " + text : "";
  const none = totals.unbounded === 1;
  const every = totals.seconds / totals.cycles;
  const rows = [
    ["GC CPU", none ? "none" : words.percent(totals.gc_share), recorded
      ? was(words.percent(recorded.gc_share)) : none ? "" : "of all CPU"],
    ["Peak heap", none ? "no bound" : words.size(totals.peak_bytes), recorded
      ? was(words.size(recorded.peak_bytes)) : chosen.external > 0 ? "with external bytes" : ""],
    recording ? ["Cycles", String(totals.cycles), was(String(recorded.cycles))]
      : ["A cycle every", none ? "never" : totals.cycles > 0 ? words.time(every) : "–", ""],
    ["A mark takes", totals.cycles > 0 ? words.time(totals.mark_s / totals.cycles) : "–",
      totals.cycles > 0 ? words.percent(totals.mark_s / totals.seconds) + " of the time" : ""],
    ["Assists", totals.cycles > 0 && totals.assist_cpu_s > 1e-3 * totals.gc_cpu_s
      ? words.percent(totals.assist_cpu_s / totals.gc_cpu_s) : "none",
      totals.assist_cpu_s > 1e-3 * totals.gc_cpu_s ? "of GC CPU" : ""],
  ];
  place("heap").setAttribute("aria-label", "The heap over time, up to " + rows[1][1]);
  place("cpu").setAttribute("aria-label", "GC CPU against GOGC; now " + rows[0][1]);
  place("peak").setAttribute("aria-label", "Peak heap against GOGC; now " + rows[1][1]);
  place("figures").replaceChildren();
  for (const [name, value, note] of rows) {
    const box = element("div", place("figures"));
    element("dt", box, name);
    element("small", element("dd", box, value), note);
  }
}

function rulesTable(cycle) {
  const table = place("rules");
  table.replaceChildren();
  const head = element("tr", element("thead", table));
  for (const name of ["rule", "which says", "goal"]) element("th", head, name).scope = "col";
  const body = element("tbody", table);
  model.rules.forEach((rule, i) => {
    if (cycle.proposals[i] === 0) return;
    const row = element("tr", body, undefined, { className: i === cycle.rule ? "used" : "" });
    for (const text of [rule.name, rule.sentence, words.size(cycle.proposals[i])]) element("td", row, text);
  });
}

function explainable() { return cycles.filter(cycle => cycle.status !== STATUS.PROGRAM_ENDED); }

function explain() {
  const list = explainable();
  place("why").hidden = list.length === 0;
  if (list.length === 0) return;
  shown = shown < 0 ? list.length - 1 : Math.min(shown, list.length - 1);
  const cycle = list[shown], ran = cycle.status === STATUS.CYCLE_ENDED;
  place("cycle").max = list.length;
  place("cycle").value = shown + 1;
  place("cycle").disabled = list.length === 1;
  place("cycle-number").textContent = ran ? (shown + 1) + " of " + list.length : "none";
  place("sentences").replaceChildren();
  const warning = cycle.limit_unreachable !== 0 || cycle.limiting !== 0;
  model.explain(settings(), cycle, shown + 1, ran).forEach((text, i) =>
    element("p", place("sentences"), text, { className: i > 0 && warning ? "warning" : "" }));
  rulesTable(cycle);
}

function explainAt(second) {
  const list = explainable();
  const found = list.findIndex(cycle => second <= (cycle.end_s || cycle.start_s));
  shown = found < 0 ? list.length - 1 : found;
  drawHeap();
  explain();
}

function drawHeap() {
  draw.heap(dark.matches, cycles, chosen.limit === "off" ? Infinity : chosen.limit,
    shown < 0 ? explainable().length - 1 : shown);
}

function drawCurves(totals) {
  const here = { gogc: chosen.gogc, totals };
  const limit = chosen.limit === "off" ? Infinity : chosen.limit;
  draw.cpu(dark.matches, curve.points, here);
  draw.peak(dark.matches, curve.points, here, limit);
}

let waiting = 0, moved_at = 0;

function show() {
  waiting = 0;
  run();
  const totals = model.measure(settings(), track());
  page.totals = totals;
  page.cycles = cycles;
  drawHeap();
  figures(totals);
  explain();
  curveFor();
  workOnCurve();
  drawCurves(totals);
  queueMicrotask(() => queueMicrotask(() => { // uPlot draws in a microtask of its own
    page.took_ms = performance.now() - moved_at;
    place("took").textContent = words.time(page.took_ms / 1e3);
  }));
  if (curve.todo.length > 0) requestAnimationFrame(goOn);
  else page.curve = curve.points;
}

/* The rest of the curves, unless something has moved meanwhile. */
function goOn() {
  if (waiting !== 0 || curve.todo.length === 0) return;
  workOnCurve();
  drawCurves(page.totals);
  if (curve.todo.length > 0) requestAnimationFrame(goOn);
  else page.curve = curve.points;
}

function refresh() {
  if (waiting !== 0) return;
  moved_at = performance.now();
  waiting = requestAnimationFrame(show);
}

let saving = 0;
function set(change) {
  Object.assign(chosen, change);
  shown = -1;
  for (const control of CONTROLS) control.show();
  clearTimeout(saving);
  saving = setTimeout(() => history.replaceState(null, "", toLink()), 150);
  refresh();
}

/* ---- Recordings ---- */

function say(text, wrong) {
  place("recording").hidden = false;
  place("recording").classList.toggle("wrong", wrong);
  place("recording").textContent = text;
}

function forget() {
  recording = null;
  place("recording").hidden = place("forget").hidden = true;
  place("stretch").hidden = false;
  set({});
}

/* GOGC and the limit of the recording itself, where it tells them. */
function recordedSettings(made) {
  const [gogc, limit] = [CONTROLS[0], CONTROLS[1]];
  const asked = { gogc: gogc.read(made.gogc || ""), limit: limit.read(made.limit || "") };
  if (!(asked.gogc === "off" || asked.gogc > 0)) asked.gogc = made.gogc_guess || 100;
  if (!(asked.limit === "off" || asked.limit > 0)) asked.limit = "off";
  return Object.assign(asked, { procs: made.cpus, external: 0 });
}

function take(name, text) {
  try {
    recording = globalThis.gaitRecording.read(text);
  } catch (error) {
    say(error.message, true);
    return;
  }
  const { recorded } = recording;
  say(name + ": " + recorded.cycles + " cycles in " + words.time(recorded.seconds) +
    (recording.forced > 0 ? ", " + recording.forced + " of them forced" : "") +
    (recording.dropped > 0 ? "; the last " + recording.dropped + " are left out" : "") +
    ". The sliders start at its own setting, as far as it tells it.", false);
  place("forget").hidden = false;
  place("stretch").hidden = true;
  set(recordedSettings(recording));
}

async function takeFile(file) {
  if (!file) return;
  if (file.size > 64 * MIB) return say(file.name + " is larger than 64 MiB.", true);
  return take(file.name, await file.text());
}

/* ---- Events ---- */

const page = globalThis.gaitPage = { model, chosen, set, take, toLink, totals: null, cycles, curve: null };

CONTROLS.forEach(makeControl);
place("controls").addEventListener("submit", event => event.preventDefault());
place("cycle").addEventListener("input", event => {
  shown = event.target.value - 1;
  drawHeap();
  explain();
});
for (const radio of document.querySelectorAll("[name=stretch]"))
  radio.addEventListener("change", () => { stretch = radio.value; set({}); });
place("file").addEventListener("change", event => takeFile(event.target.files[0]));
place("forget").addEventListener("click", forget);
place("link").addEventListener("click", async () => {
  const link = location.href.replace(/#.*/, "") + toLink();
  const said = await navigator.clipboard.writeText(link)
    .then(() => "Copied.", () => "It is in the address bar.");
  place("copied").textContent = said;
  setTimeout(() => { place("copied").textContent = ""; }, 3000);
});
addEventListener("dragover", event => { event.preventDefault(); place("drop").hidden = false; });
addEventListener("dragleave", event => { if (!event.relatedTarget) place("drop").hidden = true; });
addEventListener("drop", event => {
  event.preventDefault();
  place("drop").hidden = true;
  takeFile(event.dataTransfer.files[0]);
});

function follow() {
  fromLink(location.hash);
  for (const radio of document.querySelectorAll("[name=stretch]")) radio.checked = radio.value === stretch;
  set({});
}
addEventListener("hashchange", follow);
addEventListener("resize", refresh);
dark.addEventListener("change", refresh);
follow();
})();
