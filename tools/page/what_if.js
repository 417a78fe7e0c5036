/* Predicted and simulated settings: a row has `gogc` and `memory_limit`, and numbers of which some have
   NAME_low and NAME_high beside them. */
function gogc(row) { return absent(row.gogc) ? "off" : String(row.gogc); }

function group(row) {
  return (row.program ? row.program + ", " : "") +
    (absent(row.memory_limit) ? "no limit" : size(row.memory_limit));
}

const over = {
  apart: (row, before) => group(row) !== group(before),
  label: "GOGC",
  name: row => gogc(row) + ", " + group(row),
  tick: row => data.rows.length > 16 ? "" : gogc(row),
};

/* Of one quantity, with its range where the rows have one. */
function plot(name, title, unit, digits) {
  if (!data.rows.some(row => typeof row[name] === "number")) return;
  const value = key => row => typeof row[key] === "number" ? row[key] / unit : null;
  const lines = [{ text: "estimate", hue: "one", digits, value: value(name) }];
  for (const end of ["low", "high"])
    if (!absent(data.rows[0][name + "_" + end]))
      lines.push({ text: end, hue: "two", digits, value: value(name + "_" + end),
        more: { width: 1, dash: [5, 4], points: { show: true, size: 4 } } });
  figure(document.getElementById("plots"), title, "", false,
    overRows(data.rows, over, undefined, lines, fromZero));
}

/* A column for every number of the first row, sizes in MiB. */
function column(key) {
  const isSize = key === "memory_limit" || key.includes("_bytes");
  return [key.replace("_bytes", "").replaceAll("_", " ") + (isSize ? ", MiB" : ""), row => {
    const value = isSize && !absent(row[key]) ? row[key] / MIB : row[key];
    return absent(value) ? "off" : typeof value === "number"
      ? Number(value.toPrecision(4)).toLocaleString("en") : String(value);
  }];
}

document.getElementById("text").textContent = data.text;
plot("cycles", "Cycles", 1, 0);
plot("gc_cpu_seconds", "GC CPU, seconds", 1, 3);
plot("gc_cpu_share", "GC share of all CPU, %", 0.01, 2);
plot("peak_heap_bytes", "Peak heap at the end of marking, MiB", MIB, 1);
table(document.getElementById("table"), Object.keys(data.rows[0] || {}).map(column), data.rows);

start();
