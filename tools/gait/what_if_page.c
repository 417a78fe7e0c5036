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

/* Settings are no scale: they stand at 0, 1, 2 ..., in the order of the rows. */
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
    "function label(row) {\n"
    "  const name = row.program ? row.program + \" \" : \"\";\n"
    "  return name + (off(row.gogc) ? \"off\" : row.gogc) +\n"
    "    (off(row.memlimit) ? \"\" : \", \" + (row.memlimit / MIB).toFixed(0) + \" MiB\");\n"
    "}\n"
    "function plot(name, title, unit, digits) {\n"
    "  if (!rows.some(row => typeof row[name] === \"number\")) return;\n"
    "  const figure = document.createElement(\"figure\");\n"
    "  figure.appendChild(document.createElement(\"figcaption\")).textContent = title;\n"
    "  const place = figure.appendChild(document.createElement(\"div\"));\n"
    "  document.getElementById(\"plots\").appendChild(figure);\n"
    "  const values = suffix => rows.map(row => typeof row[name + suffix] === \"number\"\n"
    "    ? row[name + suffix] / unit : null);\n"
    "  const text = (u, value) => off(value) ? \"-\" : value.toFixed(digits);\n"
    "  let drawn = null;\n"
    "  draws.push(() => {\n"
    "    if (drawn) drawn.destroy();\n"
    "    const line = { stroke: colour(\"line\"), width: 1 };\n"
    "    const axis = more => Object.assign({ stroke: colour(\"text\"), grid: line, ticks: line }, "
    "more);\n"
    "    const edge = { stroke: colour(\"two\"), width: 1, dash: [5, 4], value: text };\n"
    "    const shown = [values(\"\")], series = [{ label: \"GOGC\", value: (u, i) =>\n"
    "      i in rows ? label(rows[i]) : \"-\" }, { label: \"estimate\", stroke: colour(\"one\"),\n"
    "      width: 2, points: { show: true, size: 7 }, value: text }];\n"
    "    for (const suffix of [\"low\", \"high\"]) {\n"
    "      if (off(rows[0][name + \"_\" + suffix])) continue;\n"
    "      shown.push(values(\"_\" + suffix));\n"
    "      series.push(Object.assign({ label: suffix }, edge));\n"
    "    }\n"
    "    drawn = new uPlot({ width: Math.max(260, place.clientWidth), height: 260, series,\n"
    "      scales: { x: { time: false, range: [-0.3, rows.length - 0.7] },\n"
    "        y: { range: (u, low, high) => [0, high > 0 ? high * 1.08 : 1] } },\n"
    "      axes: [axis({ splits: () => rows.map((row, i) => i), values: (u, at) => at.map(i =>\n"
    "        rows.length > 8 ? \"\" : label(rows[i])) }), axis({ size: 62 })] },\n"
    "      [rows.map((row, i) => i)].concat(shown), place);\n"
    "  });\n"
    "}\n"
    "plot(\"cycles\", \"Cycles\", 1, 0);\n"
    "plot(\"gc_cpu_seconds\", \"GC CPU, seconds\", 1, 3);\n"
    "plot(\"gc_cpu_share\", \"GC share of all CPU, %\", 0.01, 2);\n"
    "plot(\"peak_heap_bytes\", \"Peak heap at the end of marking, MiB\", MIB, 1);\n"
    "const table = document.getElementById(\"table\"), keys = rows.length ? Object.keys(rows[0]) : "
    "[];\n"
    "const head = table.createTHead().insertRow();\n"
    "for (const key of keys)\n"
    "  head.appendChild(document.createElement(\"th\")).textContent = key.replaceAll(\"_\", \" "
    "\");\n"
    "const body = table.createTBody();\n"
    "for (const row of rows) {\n"
    "  const line = body.insertRow();\n"
    "  for (const key of keys) {\n"
    "    const value = row[key];\n"
    "    line.insertCell().textContent = off(value) ? \"off\" : typeof value === \"number\"\n"
    "      ? Number(value.toPrecision(6)).toLocaleString(\"en\") : String(value);\n"
    "  }\n"
    "}\n"
    "const redraw = () => draws.forEach(draw => draw());\n"
    "redraw();\n"
    "matchMedia(\"(prefers-color-scheme: dark)\").addEventListener(\"change\", redraw);\n"
    "let waiting = 0;\n"
    "addEventListener(\"resize\", () => { clearTimeout(waiting); waiting = setTimeout(redraw, "
    "150); "
    "});\n"
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
