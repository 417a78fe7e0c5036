/* Sizes, times and shares as people read and write them.  Sentences are the module's: explain_text.c
   writes numbers in the same form. */
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

return { size, bytesOf, time, percent };
})();
