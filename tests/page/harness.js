/* What the page's tests share: their arguments, the page itself, and a list of checks. */
"use strict";
const { spawnSync } = require("node:child_process");
const fs = require("node:fs"), path = require("node:path");

const SKIPPED = 77;

/* `ROOT GAIT NATIVE [OUT]`: the sources, the command, the native model, where to leave files. */
function readArguments() {
  const [root, gait, native, out = "."] = process.argv.slice(2);
  return { root, gait, native, out };
}

/* Writes the page; ends the test as skipped where the build has none. */
function writePage({ gait, out }, name) {
  fs.mkdirSync(out, { recursive: true });
  const file = path.resolve(out, name);
  const made = spawnSync(gait, ["page", file], { encoding: "utf8" });
  if (made.status === 1 && made.stderr.includes("built without the page")) skip(made.stderr.trim());
  if (made.status !== 0) throw new Error(made.stderr);
  return file;
}

function skip(why) {
  console.log(why);
  process.exit(SKIPPED);
}

let failed = 0;
function check(good, what, ...seen) {
  if (!good) failed++;
  if (!good) console.log("FAILED:", what, ...seen);
}

/* Runs the test and ends with its verdict. */
function run(test) {
  test().then(() => process.exit(failed > 0 ? 1 : 0),
    error => { console.log(error); process.exit(1); });
}

module.exports = { readArguments, writePage, skip, check, run };
