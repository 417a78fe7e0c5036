/* Sizes, times and shares as people read and write them, and the sentences about a decision.  The
   numbers all stand in the decision; no sentence computes what the pacer would do. */
"use strict";
globalThis.gaitWords = (function () {

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/* Three digits that count. */
function figure(value) {
  const digits = value === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : value >= 0.9995 ? 2 : 3;
  return String(Number(value.toFixed(digits)));
}

function size(bytes) {
  if (!Number.isFinite(bytes)) return "without end";
  let unit = 0;
  while (unit + 1 < UNITS.length && Math.abs(bytes) >= 1023.5) { bytes /= 1024; unit++; }
  return figure(bytes) + " " + UNITS[unit];
}

/* The other way round: "1.5 GiB", "512m", "2048"; NaN for what is no size. */
function bytesOf(text) {
  const found = /^([0-9]*\.?[0-9]+(?:e[0-9]+)?)\s*([kmgtp]?)(?:i?b)?(?:\/s)?$/i.exec(text.trim());
  if (!found) return NaN;
  return Math.round(Number(found[1]) * Math.pow(1024, " kmgtp".indexOf(found[2].toLowerCase() || " ")));
}

function time(seconds) {
  if (seconds >= 100) return figure(seconds / 60) + " min";
  if (seconds >= 0.9995) return figure(seconds) + " s";
  if (seconds >= 0.9995e-3) return figure(seconds * 1e3) + " ms";
  return figure(seconds * 1e6) + " µs";
}

function percent(share) {
  const value = share * 100;
  return (value >= 9.95 ? value.toFixed(0) : value >= 0.995 ? value.toFixed(1) : figure(value)) + " %";
}

/* ---- Why the goal is where it is ---- */

function marked(cycle) {
  const roots = cycle.roots_bytes > 0 ? " and " + size(cycle.roots_bytes) + " of roots" : "";
  return size(cycle.marked_before_bytes) + " that the cycle before left" + roots;
}

/* What GOGC adds is less than its share of all that was marked when some of that floats. */
function room(cycle, gogc) {
  const bytes = cycle.goal_bytes - cycle.marked_before_bytes;
  const floats = bytes * 100 < gogc * cycle.marked_before_bytes * 0.99;
  return size(bytes) + (floats ? ", since half of what was allocated while that was marked" +
    " is taken for dead" : "");
}

const GOALS = {
  "off": () => "Nothing bounds the heap: GOGC is off and there is no memory limit, so no cycle will come.",
  "gogc": (cycle, now) => "The goal is " + size(cycle.goal_bytes) + ": to the " + marked(cycle) +
    ", GOGC = " + now.gogc + " adds " + room(cycle, now.gogc) + ".",
  "minimum-heap": (cycle, now, of) => "The goal is " + size(cycle.goal_bytes) +
    ", the smallest heap that is worth a cycle" + (now.gogc === 100 ? "" : " at this GOGC") +
    (of("gogc") > 0 ? "; GOGC alone would have asked for " + size(of("gogc")) : "") + ".",
  "memory-limit": (cycle, now, of) => "The goal is " + size(cycle.goal_bytes) +
    ": the memory limit of " + size(now.limit) + " leaves no more" +
    (cycle.limit_unreachable ? " than is live already" : " once " +
      size(now.limit - cycle.goal_bytes) + " are set aside as headroom") +
    (of("gogc") > 0 ? ". GOGC alone would have let it grow to " + size(of("gogc")) : "") + ".",
  "cpu-cap": (cycle, now, of) => "The goal is " + size(cycle.goal_bytes) +
    ", higher than the " + size(of("memory-limit")) + " that the memory limit asks for: to collect " +
    "that often had cost GC its cap of " + percent(now.cpu_cap) + " of the CPU, and at this goal " +
    "cycles cost just that.",
};

function goal(cycle, now, rules) {
  const of = name => cycle.proposals[rules.findIndex(rule => rule.name === name)];
  const sentence = GOALS[cycle.rule_name];
  if (sentence) return sentence(cycle, now, of);
  return "The goal is " + size(cycle.goal_bytes) + ": " + rules[cycle.rule].sentence + ".";
}

/* ---- Why it starts where it starts ---- */

function way(cycle) {
  return percent((cycle.trigger_bytes - cycle.marked_before_bytes) /
    (cycle.goal_bytes - cycle.marked_before_bytes));
}

const TRIGGERS = {
  "runway": cycle => "It starts at " + size(cycle.trigger_bytes) + ", a runway of " +
    size(cycle.goal_bytes - cycle.trigger_bytes) + " before the goal: so much the program allocates " +
    "while the background workers alone mark the expected " + size(cycle.expected_work_bytes) + ".",
  "earliest": cycle => "It starts at " + size(cycle.trigger_bytes) + ", " + way(cycle) +
    " of the way to the goal and the earliest that the pacer allows. Marking without help would want " +
    "a runway of " + size(cycle.runway_bytes) + ", so threads that allocate will have to assist.",
  "latest": cycle => "It starts at " + size(cycle.trigger_bytes) + ", " +
    size(cycle.goal_bytes - cycle.trigger_bytes) + " before the goal: a runway of " +
    size(cycle.runway_bytes) + " would do, but a start is always given this much room.",
  "no-room": () => "It starts at once, since the live heap is at the goal already.",
  "never": () => "",
};

/* ---- What came of it ---- */

function distance(cycle) {
  const off = cycle.peak_bytes / cycle.end_goal_bytes - 1;
  if (Math.abs(off) < 0.0005) return "at its goal";
  return percent(Math.abs(off)) + (off > 0 ? " over its goal" : " below its goal");
}

function help(cycle) {
  const share = percent(cycle.gc_share) + " of the CPU";
  if (cycle.owed_cpu_s > 1e-3 * cycle.background_cpu_s)
    return "The background workers’ share was not enough: threads that allocate had to mark up to " +
      figure(cycle.assist_ratio_most) + " bytes for each byte they took, and GC had " + share +
      " meanwhile.";
  if (cycle.assist_cpu_s > 1e-3 * cycle.background_cpu_s)
    return "GC had " + share + " meanwhile, as it had in the recording; the pacer asked for no more.";
  return "The background workers’ " + share + " sufficed, and no thread had to assist.";
}

function outcome(cycle) {
  return "Marking " + size(cycle.work_bytes) + " took " + time(cycle.end_s - cycle.start_s) + ". " +
    help(cycle) + " The heap ended at " + size(cycle.peak_bytes) + ", " + distance(cycle) + ".";
}

function moved(cycle, rules) {
  if (cycle.end_rule === cycle.rule || cycle.end_goal_bytes === cycle.goal_bytes) return "";
  return "Once it ran, the goal became " + size(cycle.end_goal_bytes) + ": " +
    rules[cycle.end_rule].sentence + ".";
}

function warnings(cycle) {
  const list = [];
  if (cycle.limit_unreachable)
    list.push("The memory limit cannot be met: what is live leaves no room under it.");
  if (cycle.limiting) list.push("The CPU limiter is at work: no assists are asked for.");
  else if (cycle.limiter_fill >= 0.05)
    list.push("GC has been over its CPU cap: the limiter’s bucket is " + percent(cycle.limiter_fill) +
      " full, and from 25 % on the goal is lifted.");
  return list;
}

/* The sentences about one cycle that ran, or about one that never will.  `now` has gogc, limit and
   cpu_cap, as they are set. */
function explain(cycle, now, rules, ran) {
  const plain = [goal(cycle, now, rules)];
  if (ran) plain.push(TRIGGERS[cycle.bound_name](cycle), moved(cycle, rules), outcome(cycle));
  return plain.filter(text => text !== "").map(text => ({ text, warning: false }))
    .concat(warnings(cycle).map(text => ({ text, warning: true })));
}

return { size, bytesOf, time, percent, figure, explain };
})();
