/* What both forms of the model are made to compute: the pacer's scenarios cycle by cycle, a grid of
   settled programs, and a recording.  A case is a name and a list of commands. */
"use strict";
const { spawnSync } = require("node:child_process");
const fs = require("node:fs"), path = require("node:path");

const MIB = 2 ** 20;
const NO_LIMIT = "9223372036854775807";

function settingsOf(more) {
  return Object.assign({ gc_percent: 100, memory_limit_bytes: Infinity, minimum_heap_bytes: 4 * MIB,
    cpu_cap: 0.5, cpus: 8, external_bytes: 0, overhead_bytes: 0 }, more);
}

function pointOf(live, alloc, mark, more) {
  return Object.assign({ allocated_bytes: 0, live_bytes: live, roots_bytes: 0, scan_share: 1,
    alloc_per_s: alloc, alloc_marking_per_s: alloc, mark_per_cpu_s: mark, gc_share_least: 0,
    idle_share: 0 }, more);
}

/* One cycle for each row, with what the row says. */
function scenario(file) {
  const [head, ...rows] = fs.readFileSync(file, "utf8").trim().split("\n").map(line => line.split(","));
  const commands = [];
  let live = 262144;
  rows.forEach((row, i) => {
    const of = (name, otherwise) => head.includes(name) ? Number(row[head.indexOf(name)]) : otherwise;
    if (i > 0) live = Math.trunc(live * of("growth_rate", 1));
    const cores = of("n_cores", 1);
    const settings = settingsOf({
      gc_percent: of("gc_percent", 100), cpus: cores, cpu_cap: of("cpu_cap", 0) || 0.5,
      memory_limit_bytes: row[head.indexOf("memory_limit")] === NO_LIMIT ? Infinity : of("memory_limit"),
      minimum_heap_bytes: Math.max(of("minimum_heap_bytes", 4 * MIB), 0),
      external_bytes: of("external_bytes", 0), overhead_bytes: of("overhead_bytes", 0) });
    const alloc = of("alloc_rate", 1) * 1024e3 * cores;
    const point = pointOf(live, alloc, of("scan_rate", 1) * 1024e3, {
      roots_bytes: of("stack_bytes", 0) + of("globals_bytes", 0),
      scan_share: of("scannable_frac", 1), idle_share: of("idle_share", 0) });
    commands.push({ op: "set", settings, track: [point] });
    if (i === 0) commands.push({ op: "begin", points: 1, ready: 0 });
    commands.push({ op: "next", steps: 64 });
  });
  return { name: path.basename(file, ".csv"), commands };
}

function scenarios(folder) {
  const named = file => /^[A-Z].*\.csv$/.test(file);
  return fs.readdirSync(folder).filter(named).map(file => scenario(path.join(folder, file)));
}

function grid() {
  const commands = [];
  for (const gc_percent of [-1, 10, 100, 700])
    for (const memory_limit_bytes of [Infinity, 100 * MIB, 270 * MIB, 400 * MIB])
      for (const cpus of [0.5, 8])
        for (const alloc of [10 * MIB, 4096 * MIB])
          commands.push({ op: "measure", points: 1,
            settings: settingsOf({ gc_percent, memory_limit_bytes, cpus, external_bytes: 7 * MIB }),
            track: [pointOf(256 * MIB, alloc, 512 * MIB)] });
  return { name: "a grid of settings", commands };
}

function recording(track, cpus) {
  const commands = [];
  for (const gc_percent of [20, 100, 400])
    for (const memory_limit_bytes of [Infinity, 90 * MIB])
      commands.push({ op: "measure", points: track.length, track,
        settings: settingsOf({ gc_percent, memory_limit_bytes, cpus }) });
  return { name: "a recording", commands };
}

/* A row of numbers for each command that yields some.  Its text is also sent to the browser, so it
   uses nothing from outside. */
function runOnModel(model, commands) {
  const rows = [];
  for (const { op, settings, track, points, ready, steps } of commands) {
    if (op === "set") model.set(settings, track);
    if (op === "begin") model.begin(points, ready);
    if (op === "next") {
      const made = model.next(steps);
      rows.push([made.status, ...model.fields.cycle.map(name => made[name]), ...made.proposals]);
    }
    if (op === "measure") {
      const made = model.measure(settings, track);
      rows.push(model.fields.totals.map(name => made[name]));
    }
  }
  return rows;
}

function nativeText(model, commands) {
  const lines = [];
  const put = (op, ...numbers) => lines.push([op, ...numbers.map(number =>
    Number.isFinite(number) ? String(number) : "inf")].join(" "));
  const set = ({ settings, track }) => {
    put("set", ...model.fields.settings.map(name => settings[name]));
    track.forEach((point, i) => put("point", i, ...model.fields.point.map(name => point[name])));
  };
  for (const command of commands) {
    if (command.op === "set") set(command);
    if (command.op === "begin") put("begin", command.points, command.ready);
    if (command.op === "next") put("next", command.steps, 0);
    if (command.op === "explain") put("explain", command.number, command.ran);
    if (command.op === "measure") {
      set(command);
      put("measure", command.points, command.points > 1 ? model.STEPS_OF_CURVE : model.STEPS);
    }
  }
  return lines.join("\n") + "\n";
}

function nativeLines(program, model, commands) {
  const made = spawnSync(program, { input: nativeText(model, commands), encoding: "utf8",
    maxBuffer: 256 * MIB });
  if (made.status !== 0) throw new Error(program + ": " + (made.stderr || made.error));
  return made.stdout.trimEnd().split("\n");
}

/* The same rows by the native program; `model` tells the order of fields. */
function runNative(program, model, commands) {
  const number = text => text === "inf" ? Infinity : Number(text);
  return nativeLines(program, model, commands).map(line => line.trim().split(" ").map(number));
}

/* How many numbers were compared; throws at the first that differs. */
function compare(name, wasm, native) {
  let count = 0;
  if (wasm.length === 0 || wasm.length !== native.length)
    throw new Error(`${name}: ${wasm.length} rows by wasm, ${native.length} by the native program`);
  wasm.forEach((row, i) => row.forEach((value, j) => {
    if (row.length !== native[i].length || !Object.is(value + 0, native[i][j] + 0))
      throw new Error(`${name}, row ${i + 1}, number ${j + 1}: ${value} by wasm, ${native[i][j]} natively`);
    count++;
  }));
  return count;
}

module.exports = { MIB, settingsOf, pointOf, scenarios, grid, recording, runOnModel, nativeLines, runNative,
  compare };
