#include "what_if_page.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "assets.h"
#include "gait/gait.h"

static const char page_head[] =
    "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta name=\"color-scheme\" content=\"light dark\">\n<title>Gait</title>\n<style>\n";

static const char page_body[] =
    "</style>\n</head>\n<body>\n<main>\n<h1 id=\"title\"></h1>\n"
    "<p class=\"quiet\"><code id=\"command\"></code></p>\n<p id=\"text\"></p>\n"
    "<div id=\"plots\" class=\"plots\"></div>\n<div class=\"wide\"><table "
    "id=\"table\"></table></div>\n"
    "<footer class=\"quiet\">Written by gait <span id=\"version\"></span>. Plots by uPlot (MIT "
    "licence).</footer>\n</main>\n<script id=\"data\" type=\"application/json\">";

/* Settings are no scale: they stand at 0, 1, 2 ..., in the order of the rows, with a gap where the
 * limit or the program changes. */
static const char page_script[] =
    "(function () {\n"
    "\"use strict\";\n"
    "const data = JSON.parse(document.getElementById(\"data\").textContent), rows = data.rows;\n"
    "const MIB = 1048576, draws = [];\n"
    "for (const id of [\"title\", \"command\", \"text\", \"version\"])\n"
    "  document.getElementById(id).textContent = data[id];\n"
    "document.title = data.title;\n"
    "function colour(name) {\n"
    "  return getComputedStyle(document.documentElement).getPropertyValue(\"--\" + name).trim();\n"
    "}\n"
    "function off(value) { return value === null || value === undefined; }\n"
    "function gogc(row) { return off(row.gogc) ? \"off\" : String(row.gogc); }\n"
    "function group(row) {\n"
    "  return (row.program ? row.program + \", \" : \"\") +\n"
    "    (off(row.memlimit) ? \"no limit\" : (row.memlimit / MIB).toFixed(0) + \" MiB\");\n"
    "}\n"
    "const at = [], of = [];\n"
    "rows.forEach((row, i) => {\n"
    "  if (i > 0 && group(row) !== group(rows[i - 1])) { at.push(i - 0.5); of.push(null); }\n"
    "  at.push(i);\n"
    "  of.push(row);\n"
    "});\n"
    "function plot(name, title, unit, digits) {\n"
    "  if (!rows.some(row => typeof row[name] === \"number\")) return;\n"
    "  const figure = document.createElement(\"figure\");\n"
    "  figure.appendChild(document.createElement(\"figcaption\")).textContent = title;\n"
    "  const place = figure.appendChild(document.createElement(\"div\"));\n"
    "  document.getElementById(\"plots\").appendChild(figure);\n"
    "  const values = key => of.map(row => row && typeof row[key] === \"number\" ? row[key] / unit "
    ": null);\n"
    "  const text = (u, value) => off(value) ? \"-\" : value.toFixed(digits);\n"
    "  let drawn = null;\n"
    "  draws.push(() => {\n"
    "    if (drawn) drawn.destroy();\n"
    "    const line = { stroke: colour(\"line\"), width: 1 };\n"
    "    const axis = more =>\n"
    "      Object.assign({ stroke: colour(\"text\"), grid: line, ticks: line }, more);\n"
    "    const shown = [values(name)], series = [\n"
    "      { label: \"GOGC\", value: (u, i) => i in rows ? gogc(rows[i]) + \", \" + group(rows[i]) "
    ": \"-\" },\n"
    "      { label: \"estimate\", stroke: colour(\"one\"), width: 2, points: { show: true, size: 7 "
    "},\n"
    "        value: text }];\n"
    "    for (const key of [name + \"_low\", name + \"_high\"]) {\n"
    "      if (off(rows[0][key])) continue;\n"
    "      shown.push(values(key));\n"
    "      series.push({ label: key.slice(name.length + 1), stroke: colour(\"two\"), width: 1,\n"
    "        dash: [5, 4], points: { show: true, size: 4 }, value: text });\n"
    "    }\n"
    "    drawn = new uPlot({ width: Math.max(260, place.clientWidth), height: 260, series,\n"
    "      scales: { x: { time: false, range: [-0.3, rows.length - 0.7] },\n"
    "        y: { range: (u, low, high) => [0, high > 0 ? high * 1.08 : 1] } },\n"
    "      axes: [axis({ label: \"GOGC\", labelSize: 22, size: 40,\n"
    "          splits: () => rows.map((row, i) => i),\n"
    "          values: (u, places) => places.map(i => rows.length > 16 ? \"\" : gogc(rows[i])) "
    "}),\n"
    "        axis({ size: 62 })] },\n"
    "      [at].concat(shown), place);\n"
    "  });\n"
    "}\n"
    "plot(\"cycles\", \"Cycles\", 1, 0);\n"
    "plot(\"gc_cpu_seconds\", \"GC CPU, seconds\", 1, 3);\n"
    "plot(\"gc_cpu_share\", \"GC share of all CPU, %\", 0.01, 2);\n"
    "plot(\"peak_heap_bytes\", \"Peak heap at the end of marking, MiB\", MIB, 1);\n"
    "const table = document.getElementById(\"table\"), keys = rows.length ? Object.keys(rows[0]) : "
    "[];\n"
    "const sizes = key => key === \"memlimit\" || key.includes(\"_bytes\");\n"
    "const head = table.createTHead().insertRow();\n"
    "for (const key of keys)\n"
    "  head.appendChild(document.createElement(\"th\")).textContent =\n"
    "    key.replace(\"_bytes\", \"\").replaceAll(\"_\", \" \") + (sizes(key) ? \", MiB\" : "
    "\"\");\n"
    "const body = table.createTBody();\n"
    "for (const row of rows) {\n"
    "  const line = body.insertRow();\n"
    "  for (const key of keys) {\n"
    "    const value = sizes(key) && !off(row[key]) ? row[key] / MIB : row[key];\n"
    "    line.insertCell().textContent = off(value) ? \"off\" : typeof value === \"number\"\n"
    "      ? Number(value.toPrecision(4)).toLocaleString(\"en\") : String(value);\n"
    "  }\n"
    "}\n"
    "const redraw = () => draws.forEach(draw => draw());\n"
    "redraw();\n"
    "matchMedia(\"(prefers-color-scheme: dark)\").addEventListener(\"change\", redraw);\n"
    "let waiting = 0;\n"
    "addEventListener(\"resize\", () => { clearTimeout(waiting); waiting = setTimeout(redraw, "
    "150); });\n"
    "})();\n";

static void page_asset(FILE *out, const char *name) {
  for (const struct asset *asset = assets; asset->name != NULL; asset++)
    if (strcmp(asset->name, name) == 0) fwrite(asset->text, 1, asset->bytes, out);
}

/* With `/` escaped, no text in the data can end the element that holds it. */
static int page_put(FILE *out, const json_t *data) {
  fputs(page_head, out);
  page_asset(out, "uPlot.min.css");
  page_asset(out, "page.css");
  fputs(page_body, out);
  if (json_dumpf(data, out, JSON_ESCAPE_SLASH | JSON_REAL_PRECISION(10)) != 0) return -1;
  fputs("</script>\n<script>\n", out);
  page_asset(out, "uPlot.iife.min.js");
  fputs("\n</script>\n<script>\n", out);
  fputs(page_script, out);
  return fputs("</script>\n</body>\n</html>\n", out) < 0 ? -1 : 0;
}

int what_if_page_write(const char *path, const char *title, const char *text, const char *command,
                       json_t *rows) {
  char version[32];
  snprintf(version, sizeof version, "%d.%d.%d", GAIT_VERSION_MAJOR, GAIT_VERSION_MINOR,
           GAIT_VERSION_PATCH);
  json_t *data = json_pack("{s:s, s:s, s:s, s:s, s:O}", "title", title, "text", text, "command",
                           command, "version", version, "rows", rows);
  FILE *out = data == NULL ? NULL : fopen(path, "w");
  int failed = out == NULL ? -1 : page_put(out, data);
  if (out != NULL && fclose(out) != 0) failed = -1;
  json_decref(data);
  if (failed) fprintf(stderr, "gait: %s could not be written: %s\n", path, strerror(errno));
  return failed;
}
