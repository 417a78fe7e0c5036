/* The pacer in the page computes what the native one does, bit by bit; and recordings are read. */
"use strict";
const fs = require("node:fs"), path = require("node:path"), vm = require("node:vm");
const { readArguments, writePage, check, run } = require("./harness.js");
const cases = require("./cases.js");

const given = readArguments();

function load(...names) {
  for (const name of names)
    vm.runInThisContext(fs.readFileSync(path.join(given.root, "tools/page", name), "utf8"), name);
}

/* As it stands in the page, not as it lies in the build. */
function wasmOf(page) {
  const found = /<script id="wasm"[^>]*>([^<]*)<\/script>/.exec(fs.readFileSync(page, "utf8"));
  return Buffer.from(found[1], "base64");
}

function testEquality(model, track) {
  const folder = name => cases.scenarios(path.join(given.root, "tests/pacer", name));
  const all = [...folder("reference"), ...folder("scenarios"), cases.grid(), cases.recording(track, 2)];
  let numbers = 0;
  for (const { name, commands } of all)
    numbers += cases.compare(name, cases.runOnModel(model, commands),
      cases.runNative(given.native, model, commands));
  console.log(`${all.length} cases, ${numbers} numbers: the same in both`);
}

/* The sentences of both about the first cycles of each scenario, at each cycle's settings. */
function testSentences(model) {
  const folder = name => cases.scenarios(path.join(given.root, "tests/pacer", name));
  let count = 0, kinds = new Set();
  for (const { name, commands } of [...folder("reference"), ...folder("scenarios")]) {
    const here = [], wanted = [];
    let settings;
    for (const command of commands.slice(0, 60)) {
      wanted.push(command);
      if (command.op === "set") { settings = command.settings; model.set(settings, command.track); }
      if (command.op === "begin") model.begin(command.points, command.ready);
      if (command.op !== "next") continue;
      const made = model.next(command.steps);
      here.push(...model.explain(settings, made, here.length / 2 + 1, made.status === 0));
      wanted.push({ op: "explain", number: here.length / 2, ran: made.status === 0 ? 1 : 0 });
    }
    const there = cases.nativeLines(given.native, model, wanted).filter(line => /^[A-Z]/.test(line));
    check(here.length === there.length, "as many sentences", name, here.length, there.length);
    here.forEach((text, i) => check(text === there[i], "the same sentence", name, text, there[i]));
    here.forEach(text => kinds.add(text.replace(/[0-9.]+/g, "")));
    count += here.length;
  }
  check(kinds.size > 20, "sentences of many kinds", kinds.size);
  console.log(`${count} sentences of ${kinds.size} kinds: the same in both`);
}

function testRecording(made) {
  check(made.cycles.length === 13, "cycles read", made.cycles.length);
  check(made.gogc === "100" && made.limit === "off", "settings told", made.gogc, made.limit);
  check(made.gogc_guess === 100, "GOGC by the goals", made.gogc_guess);
  check(made.forced === 1, "forced cycles", made.forced);
  check(made.cpus === 2, "cpus", made.cpus);
  check(made.cycles[8].number === 9 && made.cycles[8].roots_bytes === 0, "an older version's line");
  check(Math.abs(made.recorded.seconds - 1.53024) < 1e-9, "seconds", made.recorded.seconds);
  check(made.recorded.peak_bytes === 135.5 * cases.MIB, "peak", made.recorded.peak_bytes);
}

/* At its own setting the model does what the program did. */
function testPrediction(model, made) {
  const totals = model.measure(cases.settingsOf({ cpus: made.cpus }), made.track);
  const near = (name, share) => check(Math.abs(totals[name] / made.recorded[name] - 1) <= share,
    "prediction of " + name, totals[name], made.recorded[name]);
  near("cycles", 0.1);
  near("peak_bytes", 0.1);
  near("gc_cpu_s", 0.15);
  near("seconds", 0.1);
}

function testNoRecording() {
  const line = "gc 1 @0.1s 1%: 0.1+1+0.1 ms clock, 0.1+1/1/1+0.1 ms cpu, 4->4->2 MB, 4 MB goal, 2 P";
  for (const text of ["", "hello\nworld", line, "\0\u0001".repeat(5000), "gc " + "9".repeat(5000)]) {
    let said = "";
    try { globalThis.gaitRecording.read(text); } catch (error) { said = error.message; }
    check(/^No recording: it has (no|only one) line/.test(said), "what is no recording", said);
  }
}

function testWords() {
  const { size, bytesOf, time, percent } = globalThis.gaitWords;
  for (const bytes of [0, 512, 1024, 1.5 * 2 ** 20, 448 * 2 ** 20, 2 ** 30, 1.75 * 2 ** 40])
    check(bytesOf(size(bytes)) === bytes, "a size read back", bytes, size(bytes));
  for (const text of ["", "x", "-1", "1 2", "1MM", "MiB"])
    check(Number.isNaN(bytesOf(text)), "no size", text);
  check(bytesOf("1.5g") === 1.5 * 2 ** 30 && bytesOf("512MB") === 2 ** 29, "short forms");
  check(time(0.0125) === "12.5 ms" && time(90) === "90 s" && time(300) === "5 min", "times");
  check(percent(0.25) === "25 %" && percent(0.012) === "1.2 %" && percent(0) === "0 %", "shares");
}

run(async () => {
  load("explore_model.js", "explore_recording.js", "explore_words.js");
  const model = await globalThis.gaitModel.load(wasmOf(writePage(given, "model-test.html")));
  const made = globalThis.gaitRecording.read(
    fs.readFileSync(path.join(given.root, "tests/page/recording.txt"), "utf8"));
  testRecording(made);
  testEquality(model, made.track);
  testSentences(model);
  testPrediction(model, made);
  testNoRecording();
  testWords();
});
