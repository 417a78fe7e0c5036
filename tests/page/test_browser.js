/* The page in a headless Chromium: its numbers, its sliders, its links, its looks. */
"use strict";
const fs = require("node:fs"), path = require("node:path"), url = require("node:url");
const { readArguments, writePage, skip, check, run } = require("./harness.js");
const { open, find } = require("./browser.js");
const cases = require("./cases.js");

const given = readArguments();
const SLIDERS = ["gogc", "limit", "live", "alloc", "mark", "procs", "external"];

/* Infinity is no JSON. */
function script(value) {
  return JSON.stringify(value, (key, part) => part === Infinity ? "inf" : part)
    .replaceAll('"inf"', "Infinity");
}

/* Waits until all of the curves is there. */
function drawn(browser) {
  return browser.evaluate(`new Promise((done, fail) => {
    setTimeout(() => fail(new Error("nothing is drawn")), 60000);
    const look = () => globalThis.gaitPage && gaitPage.curve ? done() : setTimeout(look, 10);
    look(); })`);
}

/* Shows the page with this fragment, and waits until it has drawn everything. */
async function visit(browser, page, fragment) {
  await browser.tell("Page.navigate", { url: "about:blank" });
  await browser.tell("Page.navigate", { url: url.pathToFileURL(page) + fragment });
  await drawn(browser);
}

/* Lets the page draw what was just changed. */
function settle(browser) {
  return browser.evaluate(`new Promise(done => {
    const frame = left => requestAnimationFrame(
      () => left > 0 ? frame(left - 1) : setTimeout(done, 0));
    frame(2); })`);
}

const pictures = `JSON.stringify(["heap", "cpu", "peak"].map(id =>
  document.querySelector("#" + id + " canvas").toDataURL()))`;
const sentences = "document.getElementById('sentences').textContent";

async function testEquality(browser, native) {
  const fields = { fields: await browser.evaluate("gaitPage.model.fields"),
    STEPS: await browser.evaluate("gaitPage.model.STEPS"),
    STEPS_OF_CURVE: await browser.evaluate("gaitPage.model.STEPS_OF_CURVE") };
  const folder = name => cases.scenarios(path.join(given.root, "tests/pacer", name));
  const all = [...folder("reference"), ...folder("scenarios"), cases.grid()];
  let numbers = 0;
  for (const { name, commands } of all) {
    const text = await browser.evaluate(`(${cases.runOnModel})(gaitPage.model, ${script(commands)})
      .map(row => row.map(String).join(" ")).join("\\n")`);
    const rows = text.split("\n").map(line => line.split(" ").map(Number));
    numbers += cases.compare(name, rows, cases.runNative(native, fields, commands));
  }
  console.log(`${all.length} cases, ${numbers} numbers: the same in the browser`);
}

/* With the keyboard alone: each slider moves the plots, and says its value. */
async function testSliders(browser, page) {
  const took = [];
  for (const name of SLIDERS) {
    await visit(browser, page, name === "limit" ? "#limit=640MiB" : "#limit=off");
    const before = JSON.parse(await browser.evaluate(pictures));
    const was = await browser.evaluate(`gaitPage.chosen.${name}`);
    await browser.evaluate(`document.getElementById("${name}").focus()`);
    await browser.evaluate("gaitPage.curve = null");
    for (let i = 0; i < 3; i++) await browser.key(name === "limit" ? "ArrowLeft" : "ArrowRight");
    await drawn(browser);
    await settle(browser);
    const now = await browser.evaluate(`gaitPage.chosen.${name}`);
    check(now !== was, name + " follows the keys", was, now);
    const after = JSON.parse(await browser.evaluate(pictures));
    check(before[0] !== after[0], name + " moves the heap over time");
    /* What a cycle costs and how far apart cycles are both grow with what is live. */
    check((name === "live" || before[1] !== after[1]) && before[2] !== after[2],
      name + " moves the curves over GOGC");
    const said = await browser.evaluate(`document.getElementById("${name}").ariaValueText`);
    check(said.length > 0, name + " says its value");
    took.push(await browser.evaluate("gaitPage.took_ms"));
  }
  console.log("a move took", took.map(ms => ms.toFixed(1)).join(", "), "ms");
}

async function testFields(browser, page) {
  await visit(browser, page, "");
  const type = text => browser.evaluate(`(() => {
    const field = document.getElementById("live").previousSibling;
    field.value = ${JSON.stringify(text)};
    field.dispatchEvent(new Event("change"));
    return field.ariaInvalid + "," + gaitPage.chosen.live; })()`);
  const bytes = Math.round(1.3 * 2 ** 30);
  check(await type("1.3 GiB") === "false," + bytes, "a size is taken");
  check(await type("many") === "true," + bytes, "nonsense is shown and not taken");
}

async function testLinks(browser, page) {
  await visit(browser, page,
    "#gogc=57&limit=300MiB&live=100MiB&alloc=1GiB&mark=1GiB&procs=3&external=20MiB");
  const chosen = await browser.evaluate("gaitPage.chosen");
  check(chosen.gogc === 57 && chosen.limit === 300 * cases.MIB && chosen.live === 100 * cases.MIB &&
    chosen.procs === 3 && chosen.external === 20 * cases.MIB, "a link sets", JSON.stringify(chosen));
  const link = await browser.evaluate("gaitPage.toLink()");
  await visit(browser, page, link);
  const again = await browser.evaluate("gaitPage.chosen");
  check(JSON.stringify(again) === JSON.stringify(chosen), "a link comes back", link);
  await visit(browser, page, "#gogc=banana&limit=-3&live=1e99&procs=%00");
  check(await browser.evaluate("gaitPage.chosen.gogc") === 100, "a bad link is harmless");
  await browser.evaluate("gaitPage.set({ gogc: 150 }); new Promise(done => setTimeout(done, 400))");
  check((await browser.evaluate("location.hash")).includes("gogc=150"), "the address follows");
}

async function testSentences(browser, page) {
  for (const [fragment, ...wanted] of [
    ["#gogc=100&limit=off", /GOGC=100, which adds 280 MiB to .* half of what/, /48 MiB before its goal/,
      /nothing missed; GOGC=200 would have made the goal 864 MiB/],
    ["#gogc=100&limit=off&alloc=4GiB", /the earliest that the pacer allows/,
      /threads that allocate had to mark, .* background=75 would/],
    ["#gogc=100&limit=off&live=1MiB&alloc=16MiB", /goal of 4 MiB is that of min_heap/,
      /always given this much room/],
    ["#gogc=off&limit=384MiB", /all that the memory limit of 384 MiB leaves, less 11.5 MiB of headroom/],
    ["#gogc=100&limit=200MiB", /its cap of 50 % of the CPU/, /limit of 200 MiB cannot be kept/],
    ["#gogc=off&limit=off", /nothing bounds the heap/, /^No cycle will come/]]) {
    await visit(browser, page, fragment);
    const text = await browser.evaluate(sentences);
    for (const pattern of wanted) check(pattern.test(text), fragment, String(pattern), text);
  }
  await visit(browser, page, "#from=start");
  const last = await browser.evaluate(sentences);
  await browser.evaluate("document.getElementById('cycle').focus()");
  await browser.key("Home");
  check(await browser.evaluate(sentences) !== last, "another cycle is explained");
}

async function testRecording(browser, page) {
  await visit(browser, page, "");
  const before = JSON.parse(await browser.evaluate(pictures));
  const text = fs.readFileSync(path.join(given.root, "tests/page/recording.txt"), "utf8");
  await browser.evaluate(`(() => { const data = new DataTransfer();
    data.items.add(new File([${JSON.stringify(text)}], "a.log"));
    dispatchEvent(new DragEvent("drop", { dataTransfer: data, cancelable: true })); })()`);
  await browser.evaluate("new Promise(done => setTimeout(done, 300))");
  const shown = await browser.evaluate("document.getElementById('figures').innerText");
  check(/recorded: 13\b/.test(shown), "a dropped recording is shown beside the model", shown);
  check(JSON.parse(await browser.evaluate(pictures))[0] !== before[0], "and drawn");
  await browser.evaluate("gaitPage.take('b.log', 'nothing of the sort')");
  const said = await browser.evaluate("document.getElementById('recording').textContent");
  check(/No recording/.test(said), "what is none is refused", said);
}

async function testLooks(browser, page) {
  const ground = "getComputedStyle(document.body).backgroundColor";
  const seen = {};
  for (const [name, width, height, dark] of [["light", 1280, 1450, false], ["dark", 1280, 1450, true],
    ["narrow", 390, 2900, false], ["tiny", 320, 3200, true]]) {
    await browser.size(width, height, dark);
    await visit(browser, page, "#gogc=100&limit=640MiB");
    seen[name] = await browser.evaluate(ground);
    const wide = await browser.evaluate("document.documentElement.scrollWidth");
    check(wide <= width, name + ": nothing to the right of the screen", wide);
    const file = path.join(given.out, "page-" + name + ".png");
    const picture = await browser.screenshot(file);
    check(picture.subarray(1, 4).toString() === "PNG" && picture.readUInt32BE(16) === width &&
      picture.length > 20000, "a screenshot", name, picture.length);
  }
  check(seen.light !== seen.dark, "dark mode is dark", seen.light, seen.dark);
}

run(async () => {
  const chromium = find([process.env.CHROMIUM, "chromium", "chromium-browser", "google-chrome"]);
  if (chromium === null) skip("chromium is not here");
  const page = writePage(given, "page-test.html");
  const browser = await open(chromium);
  try {
    await browser.size(1280, 900, false);
    await visit(browser, page, "");
    await testEquality(browser, given.native);
    await testSliders(browser, page);
    await testFields(browser, page);
    await testLinks(browser, page);
    await testSentences(browser, page);
    await testRecording(browser, page);
    await testLooks(browser, page);
    const fetched = await browser.evaluate(
      "performance.getEntriesByType('resource').map(entry => entry.name)");
    check(fetched.length === 0, "the page fetches nothing", fetched);
    check(browser.errors.length === 0, "no exception", browser.errors);
  } finally {
    await browser.close();
  }
});
