#include "explained.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cycle_json.h"
#include "explain_record.h"
#include "record_reader.h"
#include "what_if/recording.h"

static bool explained_say(struct explained_error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool explained_say(struct explained_error *error, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(error->text, sizeof error->text, format, arguments);
  va_end(arguments);
  return false;
}

void explained_destroy(struct explained *explained) {
  free(explained->cycles);
  *explained = (struct explained){0};
}

static bool explained_reserve(struct explained *explained, size_t count,
                              struct explained_error *error) {
  *explained = (struct explained){.cycles = calloc(count ? count : 1, sizeof *explained->cycles)};
  return explained->cycles != NULL || explained_say(error, "out of memory");
}

/* ---- A log ---- */

static double explained_seconds(double milliseconds) {
  return milliseconds / 1000;
}

/* Go's goal counts roots beside what the cycle before left. */
static void explained_take_line(struct explain_cycle *cycle, const struct recording_cycle *line,
                                const struct recording_cycle *before,
                                const struct explained_settings *settings) {
  double duration = explained_seconds(line->stop_ms + line->mark_ms);
  double since =
      before ? before->start_seconds + explained_seconds(before->stop_ms + before->mark_ms) : 0;
  double cpu = (line->start_seconds + duration - since) * line->cpus;
  double gc = explained_seconds(line->assist_ms + line->background_ms);
  double counted = before ? before->marked_bytes : 0;
  *cycle = (struct explain_cycle){
      .number = (double)line->number,
      .cause = line->forced ? EXPLAIN_CAUSE_FORCED : EXPLAIN_CAUSE_GOGC,
      .ran = true,
      .gogc_percent = settings->gogc_percent,
      .limit_bytes = settings->limit_bytes,
      .cpu_cap = 0.5,
      .background_share = 0.25,
      .cpus = line->cpus,
      .grain_bytes = 1048576,
      .counted_bytes = counted,
      .goal_bytes = line->goal_bytes,
      .at_trigger_bytes = line->trigger_bytes,
      .peak_bytes = line->peak_bytes,
      .mark_seconds = duration,
      .assist_seconds = explained_seconds(line->assist_ms),
      .background_seconds = explained_seconds(line->background_ms),
      .gc_cpu_share = cpu > 0 && gc <= cpu ? gc / cpu : -1,
  };
  if (settings->gogc_percent >= 0)
    cycle->growth_goal_bytes =
        counted + (counted + line->roots_bytes) * settings->gogc_percent / 100;
  explain_infer(cycle);
}

static bool explained_take_log(struct explained *explained, const struct recording *recording,
                               const struct explained_settings *settings,
                               struct explained_error *error) {
  struct explained_settings known = *settings;
  if (isnan(known.gogc_percent))
    known.gogc_percent = recording->gogc_percent > 0 ? recording->gogc_percent : -1;
  if (!explained_reserve(explained, recording->count, error)) return false;
  for (size_t i = 0; i < recording->count; i++)
    explained_take_line(&explained->cycles[i], &recording->cycles[i],
                        i > 0 ? &recording->cycles[i - 1] : NULL, &known);
  explained->count = recording->count;
  return true;
}

static bool explained_parse_log(struct explained *explained, const char *path, const char *text,
                                size_t bytes, const struct explained_settings *settings,
                                struct explained_error *error) {
  struct recording recording;
  struct recording_error wrong;
  if (!recording_parse(&recording, text, bytes, &wrong))
    return explained_say(error, "%s: %s", path, wrong.text);
  bool taken = explained_take_log(explained, &recording, settings, error);
  recording_destroy(&recording);
  return taken;
}

/* ---- JSON ---- */

static bool explained_take_json(struct explained *explained, const char *path, const json_t *list,
                                struct explained_error *error) {
  size_t index;
  const json_t *object;
  if (!json_is_array(list) || json_array_size(list) == 0)
    return explained_say(error,
                         "%s: it has no list `timeline` of cycles, as `gait run --json "
                         "--cycles` writes it",
                         path);
  if (!explained_reserve(explained, json_array_size(list), error)) return false;
  json_array_foreach(list, index, object) {
    gait_cycle_record record;
    const char *wrong = cycle_json_read(object, &record);
    if (wrong != NULL) {
      explained_destroy(explained);
      return explained_say(error, "%s: cycle %zu of `timeline`: %s is not what it should be", path,
                           index + 1, wrong);
    }
    if (record.cycle == 0) record.cycle = index + 1;
    explain_take_record(&explained->cycles[explained->count++], &record);
  }
  return true;
}

static bool explained_parse_json(struct explained *explained, const char *path, const char *text,
                                 size_t bytes, struct explained_error *error) {
  json_error_t wrong;
  json_t *root = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &wrong);
  if (root == NULL)
    return explained_say(error, "%s: byte %d: %s", path, wrong.position, wrong.text);
  const json_t *run = json_is_array(root) ? json_array_get(root, 0) : root;
  bool taken = explained_take_json(explained, path, json_object_get(run, "timeline"), error);
  json_decref(root);
  return taken;
}

/* ---- Whichever it is ---- */

bool explained_parse(struct explained *explained, const char *path, const char *text, size_t bytes,
                     const struct explained_settings *settings, struct explained_error *error) {
  size_t at = 0;
  *explained = (struct explained){0};
  while (at < bytes && (text[at] == ' ' || text[at] == '\n' || text[at] == '\t'))
    at++;
  if (at < bytes && (text[at] == '{' || text[at] == '['))
    return explained_parse_json(explained, path, text, bytes, error);
  return explained_parse_log(explained, path, text, bytes, settings, error);
}

static char *explained_read_all(FILE *in, size_t *bytes) {
  char *text = NULL;
  FILE *out = open_memstream(&text, bytes);
  char part[65536];
  if (out == NULL) return NULL;
  for (size_t read; (read = fread(part, 1, sizeof part, in)) > 0;)
    fwrite(part, 1, read, out);
  bool whole = !ferror(in) && !ferror(out);
  if (fclose(out) == 0 && whole) return text;
  free(text);
  return NULL;
}

/* ---- A record file ---- */

static bool explained_load_records(struct explained *explained, const char *path,
                                   struct explained_error *error) {
  size_t count = 0;
  struct record_reader *reader = record_reader_open(path, error->text, sizeof error->text);
  if (reader == NULL) return false;
  gait_cycle_record *records = record_reader_all(reader, &count);
  const char *wrong = record_reader_error(reader);
  bool reserved = false;
  if (records == NULL)
    explained_say(error, "%s%s", wrong[0] != '\0' ? wrong : path,
                  wrong[0] != '\0' ? "" : ": it has no cycle yet");
  else
    reserved = explained_reserve(explained, count, error);
  for (size_t i = 0; reserved && i < count; i++)
    explain_take_record(&explained->cycles[explained->count++], &records[i]);
  free(records);
  record_reader_close(reader);
  return reserved;
}

bool explained_load(struct explained *explained, const char *path,
                    const struct explained_settings *settings, struct explained_error *error) {
  bool standard = strcmp(path, "-") == 0;
  if (!standard && record_reader_is_file(path))
    return explained_load_records(explained, path, error);
  FILE *in = standard ? stdin : fopen(path, "rb");
  size_t bytes = 0;
  *explained = (struct explained){0};
  if (in == NULL) return explained_say(error, "%s: %s", path, strerror(errno));
  char *text = explained_read_all(in, &bytes);
  int why = errno;
  if (!standard) fclose(in);
  if (text == NULL) return explained_say(error, "%s: %s", path, strerror(why));
  bool parsed = explained_parse(explained, path, text, bytes, settings, error);
  free(text);
  return parsed;
}
