/* A headless Chromium, driven over its debugging pipe: no package is needed for it. */
"use strict";
const { spawn } = require("node:child_process");
const fs = require("node:fs"), os = require("node:os"), path = require("node:path");

const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
  "--hide-scrollbars", "--remote-debugging-pipe", "about:blank"];

/* Messages are JSON, each ended by a zero byte. */
function connection(child) {
  const waiting = new Map(), errors = [];
  const [, , , toBrowser, fromBrowser] = child.stdio;
  let number = 0, rest = Buffer.alloc(0);
  fromBrowser.on("data", bytes => {
    rest = Buffer.concat([rest, bytes]);
    for (let end; (end = rest.indexOf(0)) >= 0; rest = rest.subarray(end + 1)) {
      const message = JSON.parse(rest.subarray(0, end).toString());
      if (message.method === "Runtime.exceptionThrown")
        errors.push(message.params.exceptionDetails.exception?.description || "an exception");
      if (!waiting.has(message.id)) continue;
      const { resolve, reject } = waiting.get(message.id);
      waiting.delete(message.id);
      if (message.error) reject(new Error(message.error.message));
      else resolve(message.result);
    }
  });
  toBrowser.on("error", () => {}); // a browser that has died is told by its exit
  child.on("exit", () => {
    for (const { reject } of waiting.values()) reject(new Error("the browser has ended"));
  });
  const send = (method, params = {}, sessionId = undefined) => new Promise((resolve, reject) => {
    waiting.set(++number, { resolve, reject });
    toBrowser.write(JSON.stringify({ id: number, method, params, sessionId }) + "\0");
  });
  return { send, errors };
}

/* Opens `program` with one page; `close` ends it and removes what it wrote. */
async function open(program) {
  const profile = fs.mkdtempSync(path.join(os.tmpdir(), "gait-page-"));
  const child = spawn(program, FLAGS.concat("--user-data-dir=" + profile),
    { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
  const { send, errors } = connection(child);
  const { targetInfos } = await send("Target.getTargets");
  const { targetId } = targetInfos.find(target => target.type === "page");
  const { sessionId } = await send("Target.attachToTarget", { targetId, flatten: true });
  const tell = (method, params) => send(method, params, sessionId);
  await tell("Page.enable");
  await tell("Runtime.enable");
  const ended = new Promise(resolve => child.on("exit", resolve));
  return {
    errors, tell,
    async evaluate(expression) {
      const made = await tell("Runtime.evaluate",
        { expression, awaitPromise: true, returnByValue: true });
      if (made.exceptionDetails)
        throw new Error(made.exceptionDetails.exception?.description || expression);
      return made.result.value;
    },
    async size(width, height, dark) {
      await tell("Emulation.setDeviceMetricsOverride",
        { width, height, deviceScaleFactor: 1, mobile: width < 600 });
      await tell("Emulation.setEmulatedMedia",
        { features: [{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }] });
    },
    async key(name) {
      const key = { key: name, code: name, windowsVirtualKeyCode: { ArrowRight: 39, ArrowLeft: 37,
        Tab: 9, Home: 36, End: 35 }[name] };
      await tell("Input.dispatchKeyEvent", Object.assign({ type: "keyDown" }, key));
      await tell("Input.dispatchKeyEvent", Object.assign({ type: "keyUp" }, key));
    },
    async screenshot(file) {
      const { data } = await tell("Page.captureScreenshot", { format: "png", captureBeyondViewport: true });
      fs.writeFileSync(file, Buffer.from(data, "base64"));
      return Buffer.from(data, "base64");
    },
    async close() {
      await send("Browser.close").catch(() => child.kill());
      await ended;
      fs.rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/* The first of the names that is a program here, or null. */
function find(names) {
  for (const name of names.filter(Boolean))
    for (const folder of name.includes("/") ? [""] : (process.env.PATH || "").split(":")) {
      const file = path.join(folder, name);
      if (fs.existsSync(file)) return file;
    }
  return null;
}

module.exports = { open, find };
