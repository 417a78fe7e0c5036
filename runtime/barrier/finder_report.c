/* A report names functions and variables by the symbol tables of the program's files, and ends the
 * program: it is made once, so it may take its time. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "barrier/finder.h"
#include "base/check.h"

#define REPORT_TEXT_BYTES 512
/* So many functions of a site are shown. */
#define REPORT_FUNCTIONS 6
/* How far the search for a global goes from a lost object to those that refer to it. */
#define REPORT_CLIMB 32

/* ---- Sites ---- */

/* The functions of a site, from the program's innermost at `first` on. */
struct report_site {
  struct gaiti_symbol functions[GAITI_SITE_FRAMES];
  int first;
  int count;
};

/* A function of Gait's, or of its classes for C++; static ones come before one of these. */
static bool report_is_own(const struct gaiti_symbol *symbol) {
  return strncmp(symbol->name, "gait_", 5) == 0 || strncmp(symbol->name, "_ZN4gait", 8) == 0 ||
         strncmp(symbol->name, "_ZNK4gait", 9) == 0;
}

/* A return address may be that of the next function: the call is before it. */
static void report_name(const struct gaiti_site *site, struct report_site *names) {
  names->first = 0;
  names->count = site->count;
  for (int i = 0; i < site->count; i++) {
    gaiti_symbol_of_function(site->frames[i] - 1, &names->functions[i]);
    if (i + 1 < site->count && i < 4 && report_is_own(&names->functions[i])) names->first = i + 1;
  }
}

static const char *report_function(const struct report_site *names, int frame) {
  const char *name = frame < names->count ? names->functions[frame].name : "";
  return name[0] ? name : "?";
}

static void report_append(char *text, size_t bytes, const char *format, ...) GAITI_PRINTF(3, 4);
static void report_append(char *text, size_t bytes, const char *format, ...) {
  size_t length = strlen(text);
  va_list values;
  va_start(values, format);
  vsnprintf(text + length, bytes - length, format, values);
  va_end(values);
}

void gaiti_site_describe(const struct gaiti_site *site, char *text, size_t bytes) {
  struct report_site names;
  report_name(site, &names);
  text[0] = '\0';
  for (int i = names.first; i < names.count; i++) {
    const struct gaiti_symbol *symbol = &names.functions[i];
    if (i > names.first && !symbol->name[0]) break;
    report_append(text, bytes, "%s%s",
                  i == names.first       ? ""
                  : i == names.first + 1 ? ", called by "
                                         : ", ",
                  report_function(&names, i));
    if (i == names.first)
      report_append(text, bytes, " (%s+0x%zx)", symbol->file, (size_t)symbol->offset);
    if (strcmp(symbol->name, "main") == 0 || i - names.first + 1 == REPORT_FUNCTIONS) break;
  }
}

static void report_site_line(gait_heap *heap, const char *before, const struct gaiti_site *site) {
  char text[REPORT_TEXT_BYTES];
  if (site->count == 0) return;
  gaiti_site_describe(site, text, sizeof text);
  gaiti_log(heap, "gait:   %s %s", before, text);
}

/* A function of the C library's, which may be linked in. */
static bool report_is_of_library(const struct gaiti_symbol *symbol) {
  return strncmp(symbol->file, "libc.", 5) == 0 || strncmp(symbol->name, "__mem", 5) == 0 ||
         strcmp(symbol->name, "memcpy") == 0 || strcmp(symbol->name, "memmove") == 0 ||
         strcmp(symbol->name, "memset") == 0;
}

/* The program's function that has stored: memcpy and its like are called by it. */
static int report_first_of_program(const struct report_site *names) {
  int frame = names->first;
  while (frame + 1 < names->count && report_is_of_library(&names->functions[frame]))
    frame++;
  return frame;
}

/* ---- Objects ---- */

static const char *report_kind(const gait_heap *heap, uintptr_t start) {
  return heap->kinds.table[gaiti_ref_kind(gaiti_map_find(&heap->map, start))].name;
}

/* A word of a slot, and the object to which it refers, if it is one that was handed out. */
static void report_word(gait_heap *heap, const char *before, uintptr_t word,
                        const struct gaiti_finding *finding) {
  gaiti_ref ref =
      gaiti_map_find(&heap->map, gaiti_tags_plain_or_tagged(&heap->tags, &heap->map, word));
  if (word == 0)
    gaiti_log(heap, "gait:   %s NULL", before);
  else if (!ref || gaiti_ref_start(&heap->map, ref) != finding->referent.start)
    gaiti_log(heap, "gait:   %s 0x%zx", before, (size_t)word);
  else {
    char text[REPORT_TEXT_BYTES];
    gaiti_site_describe(&finding->referent_made, text, sizeof text);
    gaiti_log(heap, "gait:   %s 0x%zx, a \"%s\" allocated in %s", before, (size_t)word,
              report_kind(heap, finding->referent.start), text);
  }
}

/* ---- A store without the barrier ---- */

/* Whether two sites go on alike from these frames on, as far as both are known. */
static bool report_meet(const struct gaiti_site *from, int i, const struct gaiti_site *to, int k) {
  if (i == from->count || k == to->count) return false;
  for (; i < from->count && k < to->count; i++, k++)
    if (from->frames[i] != to->frames[k]) return false;
  return true;
}

static bool report_is_same(const struct gaiti_site *from, const struct gaiti_site *to) {
  return from->count == to->count &&
         memcmp(from->frames, to->frames, (size_t)to->count * sizeof to->frames[0]) == 0;
}

/* The frame of `to` in which the two sites part: its callers are the same.  0 where they do not. */
static int report_parting(const struct gaiti_site *from, const struct gaiti_site *to) {
  if (report_is_same(from, to)) return 0;
  for (int k = 0; k < to->count; k++)
    for (int i = 0; i < from->count; i++)
      if (report_meet(from, i + 1, to, k + 1)) return k;
  return 0;
}

/* The function that has stored, as far as the two calls tell: the one in which they part. */
static int report_storer(const struct gaiti_finding *finding, const struct report_site *to) {
  int frame = finding->from.site.count ? report_parting(&finding->from.site, &finding->to.site) : 0;
  return frame < to->first ? to->first : frame;
}

static void report_between(gait_heap *heap, const struct gaiti_finding *finding,
                           const char *function) {
  gaiti_log(heap, "gait:   it was stored in %s, or in %s", function,
            report_is_same(&finding->from.site, &finding->to.site)
                ? "one of its callers: the two calls are the same"
                : "a function that it called");
  report_site_line(heap, "after the call of Gait's in", &finding->from.site);
  report_site_line(heap, "before the call of Gait's in", &finding->to.site);
  if (finding->calls > 1)
    gaiti_log(heap, "gait:   with %llu calls in between", (unsigned long long)finding->calls - 1);
  gaiti_log(heap, "gait:   find_missing=stores finds the instruction");
}

_Noreturn static void report_store(gait_heap *heap, const struct gaiti_finding *finding) {
  const struct gaiti_finder_object *object = &finding->object;
  const char *function = "?";
  struct report_site names;
  bool watched = finding->stored.count > 0;
  report_name(watched ? &finding->stored : &finding->to.site, &names);
  function = report_function(&names, watched ? report_first_of_program(&names)
                                             : report_storer(finding, &names));
  gaiti_log(heap, "gait: find_missing: byte %zu of a \"%s\" was stored to without the barrier",
            (size_t)((uintptr_t)finding->slot - object->start), report_kind(heap, object->start));
  report_site_line(heap, "the object was allocated in", &finding->made);
  report_word(heap, "the slot held", finding->old, finding);
  report_word(heap, "it holds", finding->now, finding);
  if (watched)
    report_site_line(heap, "it was stored in", &finding->stored);
  else
    report_between(heap, finding, function);
  gaiti_check_failed("REQUIRE", "find.barrier", function,
                     "a reference was stored without the barrier");
}

/* ---- An object without a root ---- */

/* A search for the global that refers to an object.
 *   slot   the word in it, once found */
struct report_search {
  gait_heap *heap;
  uintptr_t object;
  const void *slot;
};

static bool report_is_root(gait_heap *heap, const void *slot) {
  struct gaiti_roots *roots = &heap->roots;
  bool found = false;
  gaiti_lock(&roots->lock);
  for (size_t i = 0; i < roots->count && !found; i++) {
    const struct gaiti_root *root = &roots->table[i];
    found = root->start && (void *const *)slot >= root->start &&
            (void *const *)slot < root->start + root->words;
  }
  gaiti_unlock(&roots->lock);
  return found;
}

static bool report_refers(const gait_heap *heap, uintptr_t word, uintptr_t object) {
  gaiti_ref ref =
      gaiti_map_find(&heap->map, gaiti_tags_plain_or_tagged(&heap->tags, &heap->map, word));
  return ref && gaiti_ref_start(&heap->map, ref) == object;
}

GAITI_RACY static bool report_search_segment(const void *start, const void *end, void *arg) {
  struct report_search *search = arg;
  for (const volatile uintptr_t *word = start; (const void *)(word + 1) <= end; word++) {
    if (!report_refers(search->heap, *word, search->object)) continue;
    if (report_is_root(search->heap, (const void *)word)) continue;
    search->slot = (const void *)word;
    return false;
  }
  return true;
}

GAITI_RACY static bool report_has_reference(const gait_heap *heap,
                                            const struct gaiti_finder_object *holder,
                                            uintptr_t object) {
  for (size_t i = 0; i < holder->words; i++)
    if (report_refers(heap, ((const volatile uintptr_t *)holder->start)[i], object)) return true;
  return false;
}

/* A lost object that refers to this one; 0: none. */
static uintptr_t report_holder(gait_heap *heap, uintptr_t object) {
  const struct gaiti_finder *finder = heap->finder;
  for (size_t i = 0; i < finder->count; i++) {
    const struct gaiti_finder_object *holder = &finder->objects[i];
    if (holder->lost && holder->start != object && report_has_reference(heap, holder, object))
      return holder->start;
  }
  return 0;
}

static bool report_global(gait_heap *heap, uintptr_t object) {
  struct report_search search = {heap, object, NULL};
  uintptr_t from = object;
  for (int i = 0; i < REPORT_CLIMB && search.object && !search.slot; i++) {
    from = search.object;
    gaiti_data_segments(report_search_segment, &search);
    if (!search.slot) search.object = report_holder(heap, search.object);
  }
  struct gaiti_symbol symbol;
  if (!search.slot || !gaiti_symbol_of_variable((uintptr_t)search.slot, &symbol)) return false;
  char offset[32] = "";
  size_t bytes = symbol.name[0] ? (uintptr_t)search.slot - symbol.start : 0;
  if (bytes > 0) snprintf(offset, sizeof offset, ", at byte %zu,", bytes);
  if (from != object)
    gaiti_log(heap, "gait:   it is kept by a \"%s\" that is lost as well", report_kind(heap, from));
  gaiti_log(heap, "gait:   the global %s (%s+0x%zx)%s refers to %s and is no root: gait_roots_add",
            symbol.name[0] ? symbol.name : "without a name", symbol.file, (size_t)symbol.offset,
            offset, from == object ? "it" : "that");
  return true;
}

/* Whether the calling thread runs on a stack that is neither its own nor its fiber's. */
static bool report_is_on_foreign_stack(const gait_thread *thread) {
  uintptr_t low, high, place = gaiti_stack_pointer();
  if (thread->fiber || !gaiti_os_stack_now(&low, &high)) return false;
  return place < low || place >= high;
}

static void report_root(gait_heap *heap, const gait_thread *thread, uintptr_t object,
                        const char *function) {
  if (report_global(heap, object)) return;
  if (report_is_on_foreign_stack(thread))
    gaiti_log(heap, "gait:   %s runs on a stack that is no fiber's: gait_fiber_register", function);
  else if (thread->roots == GAIT_STACK_EXACT)
    gaiti_log(heap,
              "gait:   thread \"%s\" has exact frames, and none of them has it: gait_frame_push",
              thread->name);
  else
    gaiti_log(heap, "gait:   it was in memory that is no root: gait_roots_add, gait_handle_create");
}

/* The sentence on the use. */
static void report_use(gait_heap *heap, const struct gaiti_finding *finding, char *text,
                       size_t bytes) {
  const struct gaiti_map *map = &heap->map;
  gaiti_ref target = gaiti_map_find(map, (uintptr_t)finding->slot);
  if (!finding->slot)
    snprintf(text, bytes, "stored to, or stored,");
  else if (target)
    snprintf(text, bytes, "stored in byte %zu of a \"%s\"",
             (size_t)((uintptr_t)finding->slot - gaiti_ref_start(map, target)),
             report_kind(heap, gaiti_ref_start(map, target)));
  else
    snprintf(text, bytes, "stored outside the heap");
}

_Noreturn static void report_loss(gait_heap *heap, const gait_thread *thread,
                                  const struct gaiti_finding *finding) {
  const struct gaiti_finder_object *object = &finding->object;
  char text[REPORT_TEXT_BYTES], use[128];
  struct report_site to;
  report_name(&finding->to.site, &to);
  const char *function = report_function(&to, to.first);
  gaiti_log(heap, "gait: find_missing: a \"%s\" of %zu bytes is used, and cycle %llu found it dead",
            report_kind(heap, object->start),
            gaiti_ref_bytes(&heap->map, gaiti_map_find(&heap->map, object->start)),
            (unsigned long long)object->lost);
  report_site_line(heap, "it was allocated in", &finding->made);
  report_use(heap, finding, use, sizeof use);
  gaiti_site_describe(&finding->to.site, text, sizeof text);
  gaiti_log(heap, "gait:   it is %s in %s", use, text);
  report_site_line(heap, "it was found dead while the thread was in", &finding->lost_at.site);
  report_root(heap, thread, object->start, function);
  gaiti_check_failed("REQUIRE", "find.root", function,
                     "an object is used that was in no root when a cycle looked for it");
}

_Noreturn void gaiti_finding_report(gait_heap *heap, gait_thread *thread,
                                    const struct gaiti_finding *finding) {
  if (finding->is == GAITI_FOUND_STORE) report_store(heap, finding);
  report_loss(heap, thread, finding);
}
