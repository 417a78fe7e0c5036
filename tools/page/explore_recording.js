/* Reads what GODEBUG=gctrace=1 prints, anywhere in a log, and Gait's lines of the same form; makes
   of it a track for the model: what was live, and how fast allocation and marking were. */
"use strict";
globalThis.gaitRecording = (function () {

const MIB = 1048576;
const MOST_CYCLES = 4096; // a track has two points for each, and MODEL_MOST_POINTS are taken
/* N stands for a number.  Older versions of Go tell no stacks and globals. */
const FORM = new RegExp(("\\bgc N @Ns N%: N\\+N\\+N ms clock, N\\+N/N/N\\+N ms cpu, N->N->N MB, " +
  "N MB goal, (?:N MB stacks, N MB globals, )?N P( \\(forced\\))?")
  .replace(/N(?= |s |%|\+|\\|\/|-|>)/g, "(\\d+(?:\\.\\d+)?(?:e[+-]?\\d+)?)"));

/* Sizes are whole megabytes, rounded down. */
function size(text) { return (Number(text) + 0.5) * MIB; }

function readLine(line) {
  const found = FORM.exec(line);
  if (!found) return null;
  const n = found.map(Number);
  return {
    number: n[1], at_s: n[2], mark_s: n[5] / 1e3, clock_s: (n[4] + n[5] + n[6]) / 1e3,
    stop_cpu_s: (n[7] + n[11]) / 1e3, assist_cpu_s: n[8] / 1e3, background_cpu_s: n[9] / 1e3,
    idle_cpu_s: n[10] / 1e3,
    start_bytes: size(n[12]), peak_bytes: size(n[13]), marked_bytes: size(n[14]),
    goal_bytes: size(n[15]), roots_bytes: ((n[16] || 0) + (n[17] || 0)) * MIB,
    cpus: n[18], forced: found[19] !== undefined,
  };
}

/* A log may hold several programs' lines: only the longest stretch of one is read. */
function readCycles(text) {
  const stretches = [[]];
  for (const line of text.split("\n")) {
    if (line.length > 4096 || !line.includes("gc ")) continue;
    const cycle = readLine(line);
    if (!cycle || !(cycle.cpus > 0)) continue;
    const last = stretches[stretches.length - 1], before = last[last.length - 1];
    if (before && (cycle.number <= before.number || cycle.at_s < before.at_s)) stretches.push([cycle]);
    else last.push(cycle);
  }
  return stretches.reduce((a, b) => b.length > a.length ? b : a);
}

function gcCpu(cycle) { return cycle.stop_cpu_s + cycle.assist_cpu_s + cycle.background_cpu_s; }

/* Times are told to a millisecond. */
function rateOf(bytes, seconds) { return bytes / Math.max(seconds, 0.0005); }

/* The program in one cycle: up to its start at one rate, through its mark at another.  What is live
   holds for both ends of the mark. */
function pointsOf(cycle, before) {
  const growth = Math.max(cycle.start_bytes - before.marked, 65536);
  const black = Math.max(cycle.peak_bytes - cycle.start_bytes, 65536);
  const live = Math.max(cycle.marked_bytes - black, 65536);
  const gc_cpu_s = cycle.assist_cpu_s + cycle.background_cpu_s;
  const offered_s = Math.max(cycle.mark_s * cycle.cpus, 1e-9);
  const gc = Math.min(Math.max(gc_cpu_s / offered_s, 0.25), 0.9);
  const idle = Math.min(cycle.idle_cpu_s / offered_s, 0.95 - gc);
  const rate = rateOf(growth, cycle.at_s - before.ended_s);
  const program = {
    live_bytes: live, roots_bytes: cycle.roots_bytes, scan_share: 1,
    alloc_marking_per_s: rateOf(black, cycle.mark_s * (1 - gc - idle)),
    mark_per_cpu_s: (live + cycle.roots_bytes) / Math.max(gc_cpu_s + cycle.idle_cpu_s, 1e-6),
    gc_share_least: gc, idle_share: idle,
  };
  const start = before.allocated + growth, end = start + black;
  const mean = rateOf(growth + black, cycle.at_s + cycle.clock_s - before.ended_s);
  return [Object.assign({ allocated_bytes: start, alloc_per_s: rate }, program),
    Object.assign({ allocated_bytes: end, alloc_per_s: mean }, program)];
}

function trackOf(cycles) {
  const track = [];
  let before = { marked: 0, allocated: 0, ended_s: 0 };
  for (const cycle of cycles) {
    const points = pointsOf(cycle, before);
    track.push(...points);
    before = { marked: cycle.marked_bytes, allocated: points[1].allocated_bytes,
      ended_s: cycle.at_s + cycle.clock_s };
  }
  return track;
}

function median(values) {
  const sorted = values.slice().sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

/* GOGC as the goals show it; null when too few are told. */
function gogcOf(cycles) {
  const ratios = [];
  for (let i = 1; i < cycles.length; i++)
    if (cycles[i - 1].marked_bytes >= 4 * MIB)
      ratios.push((cycles[i].goal_bytes / (cycles[i - 1].marked_bytes + cycles[i].roots_bytes) - 1) * 100);
  if (ratios.length === 0) return null;
  const guess = median(ratios);
  return guess < 1 ? null : guess > 20 ? Math.round(guess / 5) * 5 : Math.round(guess);
}

function totalsOf(cycles) {
  const last = cycles[cycles.length - 1];
  const seconds = last.at_s + last.clock_s;
  const gc_cpu_s = cycles.reduce((sum, cycle) => sum + gcCpu(cycle), 0);
  return {
    cycles: cycles.length, seconds, gc_cpu_s, gc_share: gc_cpu_s / (seconds * last.cpus),
    peak_bytes: cycles.reduce((most, cycle) => Math.max(most, cycle.peak_bytes), 0),
  };
}

/* Throws an Error with a sentence for people when there is nothing to read. */
function read(text) {
  const cycles = readCycles(text);
  if (cycles.length < 2)
    throw new Error("No recording: it has " + (cycles.length === 0 ? "no line" : "only one line") +
      " such as “gc 1 @0.019s 9%: 0.05+10+0.05 ms clock, …”, which GODEBUG=gctrace=1 prints.");
  const kept = cycles.length > MOST_CYCLES ? cycles.slice(0, MOST_CYCLES) : cycles;
  const said = name => { const found = new RegExp(name + "=(\\S+)").exec(text); return found && found[1]; };
  return {
    cycles: kept, track: trackOf(kept), recorded: totalsOf(kept), dropped: cycles.length - kept.length,
    forced: kept.filter(cycle => cycle.forced).length,
    gogc: said("GOGC"), limit: said("GOMEMLIMIT"), gogc_guess: gogcOf(kept),
    cpus: kept[kept.length - 1].cpus,
  };
}

return { read, readLine };
})();
