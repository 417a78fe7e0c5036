#include "top_view.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "explain_record.h"
#include "explain_text.h"

/* ---- Numbers ---- */

static const char *view_size(char text[32], double bytes) {
  struct explain_text to = explain_text_begin(text, 32);
  explain_put_size(&to, bytes);
  return text;
}

static const char *view_time(char text[32], double ns) {
  struct explain_text to = explain_text_begin(text, 32);
  explain_put_time(&to, ns / 1e9);
  return text;
}

/* What happened between the two looks; all since the heap was made, where this is the first. */
struct view_rates {
  double alloc;                         /* bytes a second */
  double cycles;                        /* a second */
  double gc, assists, background, idle; /* shares of all CPUs */
};

static double view_since(uint64_t now, uint64_t before) {
  return now > before ? (double)(now - before) : 0;
}

static struct view_rates view_rates_of(const struct top_look *look, double ago_seconds) {
  const gait_record_now *now = &look->now, *before = &look->before;
  bool first = before->updated_ns == 0;
  double seconds = view_since(now->updated_ns, before->updated_ns) / 1e9;
  if (!first && seconds < ago_seconds) seconds = ago_seconds; /* nothing has moved since */
  double cpu_ns = seconds * 1e9 * (now->cpus > 0 ? now->cpus : 1);
  struct view_rates rates = {0};
  if (!(seconds > 0)) return rates;
  rates.alloc = view_since(now->alloc_bytes, before->alloc_bytes) / seconds;
  rates.cycles = view_since(now->cycles_written, before->cycles_written) / seconds;
  rates.assists = view_since(now->gc_assist_ns, before->gc_assist_ns) / cpu_ns;
  rates.background = view_since(now->gc_background_ns, before->gc_background_ns) / cpu_ns;
  rates.idle = view_since(now->gc_idle_ns, before->gc_idle_ns) / cpu_ns;
  rates.gc = rates.assists + rates.background;
  return rates;
}

static const char *view_state(const struct top_look *look) {
  switch (look->state) {
  case TOP_ENDED: return "ended";
  case TOP_GONE: return "the process is gone";
  default: return "runs";
  }
}

static const char *view_phase(const struct top_source *source, const struct top_look *look) {
  const char *word = record_reader_word(source->reader, "phase", look->now.phase);
  return word != NULL ? word : "?";
}

static double view_limit(const gait_record_now *now) {
  return now->memory_limit_bytes < 0 ? INFINITY : (double)now->memory_limit_bytes;
}

/* ---- Lines ---- */

static void view_add(struct top_view *view, enum top_mark mark, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void view_add(struct top_view *view, enum top_mark mark, const char *format, ...) {
  va_list arguments;
  if (view->count == TOP_LINES) return;
  va_start(arguments, format);
  vsnprintf(view->lines[view->count], TOP_COLUMNS, format, arguments);
  va_end(arguments);
  view->marks[view->count++] = mark;
}

static void view_mark(char *bar, size_t width, double at, char character) {
  if (at >= 0 && at < 1) bar[1 + (size_t)(at * (double)width)] = character;
}

/* [####..T..G....L] : bytes, trigger, goal and limit on one scale. */
static void view_add_bar(struct top_view *view, const char *name, double bytes, double trigger,
                         double goal, double limit, size_t columns) {
  char bar[TOP_COLUMNS];
  size_t most = columns < TOP_COLUMNS ? columns : TOP_COLUMNS - 1;
  if (most < 16) return;
  size_t width = most - 10;
  double scale = fmax(bytes, fmax(isfinite(goal) && goal < 9e18 ? goal : 0, 1));
  if (isfinite(limit)) scale = fmax(scale, fmin(limit, scale * 4));
  scale *= 1.02;
  size_t filled = (size_t)(bytes / scale * (double)width);
  bar[0] = '[';
  for (size_t i = 0; i < width; i++)
    bar[i + 1] = i < filled ? '#' : '.';
  bar[width + 1] = ']';
  bar[width + 2] = '\0';
  view_mark(bar, width, trigger / scale, 'T');
  view_mark(bar, width, goal / scale, 'G');
  view_mark(bar, width, limit / scale, 'L');
  view_add(view, TOP_BAR, "%-7s %s", name, bar);
}

static void view_add_sizes(struct top_view *view, const struct top_look *look, size_t columns) {
  const gait_record_now *now = &look->now;
  char a[32], b[32], c[32], d[32];
  double goal = now->goal_bytes >= INT64_MAX ? INFINITY : (double)now->goal_bytes;
  double trigger = now->trigger_bytes >= INT64_MAX ? INFINITY : (double)now->trigger_bytes;
  double limit = view_limit(now), live = (double)now->heap_live_bytes;
  view_add_bar(view, "heap", live, trigger, goal, INFINITY, columns);
  view_add(view, TOP_PLAIN, "        %s, trigger (T) %s, goal (G) %s, live after the last cycle %s",
           view_size(a, live), view_size(b, trigger), view_size(c, goal),
           view_size(d, (double)now->marked_bytes));
  view_add_bar(view, "mapped", (double)now->mapped_bytes, -1, -1, limit, columns);
  view_add(view, TOP_PLAIN, "        %s, at most %s, outside %s, limit (L) %s",
           view_size(a, (double)now->mapped_bytes), view_size(b, (double)now->mapped_peak_bytes),
           view_size(c, (double)now->external_bytes),
           isfinite(limit) ? view_size(d, limit) : "off");
}

static void view_add_rates(struct top_view *view, const struct top_look *look, double ago_seconds) {
  const gait_record_now *now = &look->now;
  struct view_rates rates = view_rates_of(look, ago_seconds);
  char a[32], b[32], c[32], d[32], e[32];
  view_add(view, TOP_PLAIN, "rate    %s/s allocated, %.2f cycles/s", view_size(a, rates.alloc),
           rates.cycles);
  view_add(view, TOP_PLAIN,
           "GC CPU  %.1f %%: assists %.1f %%, background %.1f %%; idle CPUs help with %.1f %%",
           100 * rates.gc, 100 * rates.assists, 100 * rates.background, 100 * rates.idle);
  view_add(view, TOP_PLAIN,
           "pauses  %llu, p50 %s, p99 %s, longest %s; threads answer within %s (p99), at most %s",
           (unsigned long long)now->pauses, view_time(a, (double)now->pause_p50_ns),
           view_time(b, (double)now->pause_p99_ns), view_time(c, (double)now->pause_max_ns),
           view_time(d, (double)now->late_p99_ns), view_time(e, (double)now->late_max_ns));
}

/* Words, broken between words. */
static void view_wrap(struct top_view *view, enum top_mark mark, const char *indent,
                      const char *text, size_t columns) {
  size_t width = columns > strlen(indent) + 8 ? columns - strlen(indent) : 8;
  if (width >= TOP_COLUMNS - 8) width = TOP_COLUMNS - 9;
  while (*text != '\0') {
    size_t length = strlen(text), part = length;
    if (length > width) {
      for (part = width; part > 0 && text[part] != ' ';)
        part--;
      if (part == 0) part = width;
    }
    view_add(view, mark, "%s%.*s", indent, (int)part, text);
    text += part;
    while (*text == ' ')
      text++;
  }
}

static void view_add_cycle(struct top_view *view, const gait_cycle_record *record, size_t columns) {
  struct explain_cycle cycle;
  struct explanation explanation;
  explain_take_record(&cycle, record);
  explain_cycle(&cycle, &explanation);
  bool warning = cycle.limit_unreachable || cycle.limiter_on;
  view_wrap(view, TOP_PLAIN, "", explanation.why, columns);
  view_wrap(view, warning ? TOP_WARNING : TOP_PLAIN, "  ", explanation.outcome, columns);
}

void top_view_fill(struct top_view *view, const struct top_source *source,
                   const struct top_look *look, double ago_seconds, size_t columns, size_t lines) {
  const gait_record_header *header = record_reader_header(source->reader);
  const gait_record_now *now = &look->now;
  view->count = 0;
  view_add(view, TOP_TITLE, "%s (%lld), heap %llu, %s: %s, %.1f s", header->program,
           (long long)header->process, (unsigned long long)header->heap, header->library,
           view_state(look), (double)now->updated_ns / 1e9);
  char gogc[32] = "off";
  if (now->gogc_percent >= 0) snprintf(gogc, sizeof gogc, "%lld", (long long)now->gogc_percent);
  view_add(view, TOP_PLAIN, "phase   %s, %llu cycles so far, %llu threads, GOGC %s",
           view_phase(source, look), (unsigned long long)now->cycles_written,
           (unsigned long long)now->threads, gogc);
  view_add_sizes(view, look, columns);
  view_add_rates(view, look, ago_seconds);
  view_add(view, TOP_PLAIN, "%s", "");
  for (size_t i = look->cycle_count; i > 0 && view->count < lines; i--)
    view_add_cycle(view, &look->cycles[i - 1], columns);
  if (view->count > lines) view->count = lines;
}

void top_view_line(const struct top_source *source, const struct top_look *look, double ago_seconds,
                   char *line, size_t bytes) {
  const gait_record_now *now = &look->now;
  struct view_rates rates = view_rates_of(look, ago_seconds);
  char a[32], b[32], c[32], d[32], e[32];
  double goal = now->goal_bytes >= INT64_MAX ? INFINITY : (double)now->goal_bytes;
  snprintf(line, bytes,
           "%.1f s %s, %s after %llu cycles: heap %s of %s, mapped %s, limit %s, %s/s, %.2f "
           "cycles/s, GC "
           "CPU %.1f %%, pauses p99 %s",
           (double)now->updated_ns / 1e9, view_state(look), view_phase(source, look),
           (unsigned long long)now->cycles_written, view_size(a, (double)now->heap_live_bytes),
           view_size(b, goal), view_size(c, (double)now->mapped_bytes),
           now->memory_limit_bytes < 0 ? "off" : view_size(d, view_limit(now)),
           view_size(e, rates.alloc), rates.cycles, 100 * rates.gc,
           view_time((char[32]){0}, (double)now->pause_p99_ns));
}
