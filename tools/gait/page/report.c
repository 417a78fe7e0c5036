/* frame.html is a template in which @@NAME@@ stands for the file of that name, @@body@@ and
 * @@script@@ for the two files that the report has to itself, and @@data@@ for what is shown. */
#include "report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assets.h"
#include "gait/gait.h"

#define REPORT_MARK       "@@"
#define REPORT_MARK_BYTES (sizeof REPORT_MARK - 1)

/* The file behind a mark of so many bytes; NULL when it is none. */
static const struct asset *report_part(const struct report *report, const char *mark,
                                       size_t bytes) {
  char name[64];
  snprintf(name, sizeof name, "%.*s", (int)bytes, mark);
  if (strcmp(name, "body") == 0) snprintf(name, sizeof name, "%s.html", report->noun);
  if (strcmp(name, "script") == 0) snprintf(name, sizeof name, "%s.js", report->noun);
  return asset_find(name);
}

static json_t *report_data(const struct report *report, json_t *rows) {
  char version[32];
  snprintf(version, sizeof version, "%d.%d.%d", GAIT_VERSION_MAJOR, GAIT_VERSION_MINOR,
           GAIT_VERSION_PATCH);
  return json_pack("{s:s, s:s, s:s, s:s?, s:O}", "title", report->title, "command", report->command,
                   "version", version, "text", report->text, "rows", rows);
}

/* With `/` escaped, no text in the data can end the element that holds it. */
static int report_put_data(FILE *out, const json_t *data) {
  return json_dumpf(data, out, JSON_ESCAPE_SLASH | JSON_REAL_PRECISION(10));
}

static int report_put(FILE *out, const struct report *report, const json_t *data) {
  const char *at = asset_find("frame.html")->text;
  for (const char *mark; (mark = strstr(at, REPORT_MARK)) != NULL;) {
    fwrite(at, 1, (size_t)(mark - at), out);
    const char *name = mark + REPORT_MARK_BYTES;
    const char *end = strstr(name, REPORT_MARK);
    const struct asset *part = report_part(report, name, (size_t)(end - name));
    if (part != NULL)
      fwrite(part->text, 1, part->bytes, out);
    else if (report_put_data(out, data) != 0)
      return -1;
    at = end + REPORT_MARK_BYTES;
  }
  return fputs(at, out) < 0 ? -1 : 0;
}

int report_write(const char *path, const struct report *report, json_t *rows) {
  json_t *data = report_data(report, rows);
  FILE *out = data == NULL ? NULL : fopen(path, "w");
  int failed = out == NULL ? -1 : report_put(out, report, data);
  if (out != NULL && fclose(out) != 0) failed = -1;
  json_decref(data);
  if (failed) fprintf(stderr, "gait: %s could not be written: %s\n", path, strerror(errno));
  return failed;
}

char *report_command(int argc, char *const *argv) {
  char *line = NULL;
  size_t bytes = 0;
  FILE *out = open_memstream(&line, &bytes);
  if (out == NULL) return NULL;
  for (int i = 0; i < argc; i++)
    fprintf(out, "%s%s", i == 0 ? "" : " ", argv[i]);
  fclose(out);
  return line;
}
