/* pages.js ROOT GAIT OUT: Chromium shows every page that the command writes with --html, and the
   comparison's: each plot and each row is there, and no script fails. */
"use strict";
const { spawnSync } = require("node:child_process");
const fs = require("node:fs"), path = require("node:path"), url = require("node:url");
const { skip, check, run } = require("../page/harness.js");
const { open, find } = require("../page/browser.js");

const [root, gait, out] = process.argv.slice(2);
const recording = path.join(root, "tests/gctrace/steady-fast.gogc100.nolimit.txt");

const PAGES = [
  { name: "grid", program: gait, plots: 5, rows: 4,
    words: ["grid", "lru", "2000", "200000", "--gogc", "50,off", "--memory-limit", "64MiB,off"] },
  { name: "law", program: gait, plots: 5, rows: 1,
    words: ["law", "--live", "8MiB", "--rate", "100MiB", "--gogc", "100", "--cycles", "5"] },
  { name: "what-if", program: gait, plots: 4, rows: 4,
    words: ["what-if", recording, "--gogc", "50,off", "--memory-limit", "off,200MiB"] },
];

/* What bench/compare leaves behind, with one piece of work. */
function comparison() {
  const figure = { values: [1e3, 3e3], median: 2e3, min: 1e3, max: 3e3 };
  const file = path.join(out, "compared.json");
  fs.writeFileSync(file, JSON.stringify({
    date: "", command: "bench/compare", machine: "", quick: true, runs: 2,
    contestants: { gait: { version: "0", absent: "" }, go: { version: "", absent: "is not here" } },
    work: [{ name: "start", arguments: ["50"], failed: {},
      figures: { gait: { ns_per_op: figure, peak_rss_bytes: figure } } }],
  }));
  return { name: "compare", program: path.join(root, "bench/compare"), plots: 2,
    words: ["--from", file] };
}

function write({ name, program, words }) {
  const file = path.resolve(out, name + ".html");
  const made = spawnSync(program, [...words, "--html", file], { encoding: "utf8" });
  check(made.status === 0, name, "is written", made.stderr);
  return url.pathToFileURL(file).href;
}

/* Waits until every plot is as wide as its place. */
function drawn(browser) {
  return browser.evaluate(`new Promise((done, fail) => {
    const fits = plot => plot.offsetWidth === Math.max(260, plot.parentNode.clientWidth);
    const all = () => [...document.querySelectorAll(".uplot")];
    setTimeout(() => fail(new Error("plots of " + all().map(plot => plot.offsetWidth))), 600000);
    const look = () => document.readyState === "complete" && all().every(fits)
      ? done() : setTimeout(look, 10);
    look(); })`);
}

/* What stands on the page at this width. */
async function look(browser, width, dark) {
  await browser.size(width, 900, dark);
  await drawn(browser);
  return JSON.parse(await browser.evaluate(`JSON.stringify({
    plots: document.querySelectorAll("figure canvas").length,
    figures: document.querySelectorAll("figure").length,
    rows: document.querySelectorAll("tbody tr:not(.u-series)").length,
    texts: ["title", "command", "version"].map(id => document.getElementById(id).textContent),
    fetched: performance.getEntriesByType("resource").length })`));
}

async function testPage(browser, page) {
  await browser.tell("Page.navigate", { url: "about:blank" });
  await browser.tell("Page.navigate", { url: write(page) });
  for (const [width, dark] of [[1200, false], [500, false], [500, true]]) {
    const seen = await look(browser, width, dark);
    check(seen.plots === page.plots && seen.figures === page.plots, page.name, "plots", seen);
    check(page.rows ? seen.rows === page.rows : seen.rows > 20, page.name, "rows", seen);
    check(seen.texts.every(text => text !== ""), page.name, "texts", seen);
    check(seen.fetched === 0, page.name, "fetches something", seen);
  }
}

run(async () => {
  const chromium = find([process.env.CHROMIUM, "chromium", "chromium-browser", "google-chrome"]);
  if (chromium === null) skip("chromium is not here");
  if (find(["python3"]) !== null) PAGES.push(comparison());
  const browser = await open(chromium);
  try {
    for (const page of PAGES) await testPage(browser, page);
    check(browser.errors.length === 0, "no exception", browser.errors);
  } finally {
    await browser.close();
  }
});
