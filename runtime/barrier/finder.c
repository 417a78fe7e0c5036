/* Each call compares the objects that were allocated last; and all of them as long as they are few,
 * or else each so-manieth call does, so that one compares FINDER_STEP words by the mean.  The two
 * calls between which a store came name its function.
 *
 * Which words count.  In an object with a pointer map, those of the map; in a conservative one, a
 * word that is the start of an object, or was.  An object that a function traces is asked for its
 * references by that function; this is done while every thread is stopped, at the end of marking.
 *
 * gait_store_init does not name its slot (include/gait/inline.h).  A slot that was zero may so have
 * any value that the function stores since the last cycle, as often as it stored it.  A program
 * with GAIT_CHECKED names the slot. */
#include "barrier/finder.h"

#include <string.h>

#include "base/check.h"
#include "os/guard.h"

#define FINDER_STEP   ((size_t)1024)
#define FINDER_LATEST ((size_t)32)
#define FINDER_FIRST  ((size_t)256)
/* The work that an object is beside its words. */
#define FINDER_OBJECT_WORDS ((size_t)4)

/* Pages are watched where the machine has the means, and nothing of Gait's fills free slots. */
static void finder_watch(gait_heap *heap) {
  heap->finder->guards =
      !heap->options.debug.poison && gaiti_guard_add(heap->map.base, heap->map.bytes);
  if (!heap->finder->guards)
    gaiti_log(heap, "gait: find_missing=stores: this build or machine cannot watch stores, or the "
                    "option poison is on; as find_missing=on");
}

bool gaiti_finder_init(gait_heap *heap) {
  if (!heap->options.debug.find_missing) return true;
  struct gaiti_finder *finder = gaiti_os_alloc(sizeof *finder);
  if (!finder) return false;
  if (!gaiti_lock_init(&finder->lock, GAITI_RANK_FINDER)) {
    gaiti_os_free(finder);
    return false;
  }
  heap->finder = finder;
  if (heap->options.debug.find_missing == GAIT_FIND_STORES) finder_watch(heap);
  return true;
}

void gaiti_finder_destroy(gait_heap *heap) {
  struct gaiti_finder *finder = heap->finder;
  if (!finder) return;
  heap->finder = NULL;
  if (finder->guards) gaiti_guard_remove(heap->map.base);
  for (size_t i = 0; i < finder->count; i++)
    gaiti_os_free(finder->objects[i].shadow);
  gaiti_os_free(finder->objects);
  gaiti_os_free(finder->sites);
  gaiti_os_free(finder->threads);
  gaiti_word_map_destroy(&finder->site_index);
  gaiti_word_map_destroy(&finder->index);
  gaiti_word_map_destroy(&finder->pendings);
  gaiti_word_map_destroy(&finder->raced);
  gaiti_word_map_destroy(&finder->inits);
  gaiti_lock_destroy(&finder->lock);
  gaiti_os_free(finder);
}

/* ---- Objects ---- */

static struct gaiti_finder_object *finder_object(const struct gaiti_finder *finder,
                                                 uintptr_t start) {
  const uintptr_t *place = start ? gaiti_word_map_find(&finder->index, start) : NULL;
  return place ? &finder->objects[*place] : NULL;
}

/* The object that the address points to or into. */
static struct gaiti_finder_object *finder_object_at(const gait_heap *heap, uintptr_t address) {
  gaiti_ref ref = gaiti_map_find(&heap->map, address);
  return ref ? finder_object(heap->finder, gaiti_ref_start(&heap->map, ref)) : NULL;
}

/* Guards the pages of an object, or opens them, with those of its neighbours there. */
static void finder_guard(const struct gaiti_finder *finder,
                         const struct gaiti_finder_object *object) {
  uintptr_t end = object->start + object->words * sizeof(uintptr_t);
  if (finder->guards && object->shadow) gaiti_guard_close(object->start, end);
}

static void finder_open(const struct gaiti_finder *finder, uintptr_t start, size_t bytes) {
  if (finder->guards) gaiti_guard_open(start, start + bytes);
}

static void finder_remove(struct gaiti_finder *finder, struct gaiti_finder_object *object) {
  finder_open(finder, object->start, object->words * sizeof(uintptr_t));
  const struct gaiti_finder_object *last = &finder->objects[--finder->count];
  finder->words -= object->words;
  gaiti_os_free(object->shadow);
  gaiti_word_map_remove(&finder->index, object->start);
  if (object == last) return;
  *object = *last;
  *gaiti_word_map_find(&finder->index, object->start) = (uintptr_t)(object - finder->objects);
}

/* Makes room for one more in an array. */
static bool finder_reserve(void **array, size_t count, size_t *capacity, size_t bytes) {
  if (count < *capacity) return true;
  size_t more = *capacity ? *capacity * 2 : FINDER_FIRST;
  void *larger = gaiti_os_alloc(more * bytes);
  if (!larger) return false;
  if (count > 0) memcpy(larger, *array, count * bytes);
  gaiti_os_free(*array);
  *array = larger;
  *capacity = more;
  return true;
}

static uintptr_t finder_hash(const struct gaiti_site *site) {
  uint64_t hash = 1;
  for (int i = 0; i < site->count; i++)
    hash = (hash ^ site->frames[i]) * 0x9E3779B97F4A7C15u;
  return (uintptr_t)hash | 1;
}

/* The place of a site in the table; false: out of memory. */
static bool finder_intern(struct gaiti_finder *finder, const struct gaiti_site *site,
                          size_t *place) {
  uintptr_t key = finder_hash(site);
  for (const uintptr_t *known; (known = gaiti_word_map_find(&finder->site_index, key)); key += 2) {
    *place = *known;
    if (memcmp(&finder->sites[*place], site, sizeof *site) == 0) return true;
  }
  void *sites = finder->sites;
  if (!finder_reserve(&sites, finder->sites_count, &finder->sites_capacity, sizeof *site))
    return false;
  finder->sites = sites;
  *place = finder->sites_count++;
  finder->sites[*place] = *site;
  return gaiti_word_map_set(&finder->site_index, key, *place);
}

static bool finder_append(struct gaiti_finder *finder, const struct gaiti_finder_object *object) {
  void *objects = finder->objects;
  if (!finder_reserve(&objects, finder->count, &finder->capacity, sizeof *object)) return false;
  finder->objects = objects;
  if (!gaiti_word_map_set(&finder->index, object->start, finder->count)) return false;
  finder->words += object->words;
  finder->objects[finder->count++] = *object;
  return true;
}

/* Without memory nothing can be told apart any more. */
static void finder_turn_off(struct gaiti_finder *finder) {
  finder->off = true;
}

/* A new object is zero, and so is its shadow.  Where there are no barriers none is missing. */
static void finder_add(gait_heap *heap, uintptr_t start, const struct gaiti_site *site) {
  struct gaiti_finder *finder = heap->finder;
  struct gaiti_finder_object *known = finder_object(finder, start);
  if (known) finder_remove(finder, known);
  gaiti_ref ref = gaiti_map_find(&heap->map, start);
  bool barrierless = heap->options.barrierless;
  struct gaiti_finder_object object = {.start = start,
                                       .kind = &heap->kinds.table[gaiti_ref_kind(ref)]};
  if (!(ref & GAITI_REF_LEAF)) {
    object.words = gaiti_ref_bytes(&heap->map, ref) / sizeof(uintptr_t);
    if (!barrierless) object.shadow = gaiti_os_alloc(object.words * sizeof *object.shadow);
  }
  if (!object.shadow) finder_open(finder, start, gaiti_ref_bytes(&heap->map, ref));
  finder_guard(finder, &object);
  if ((object.words == 0 || object.shadow || barrierless) &&
      finder_intern(finder, site, &object.site) && finder_append(finder, &object))
    return;
  gaiti_os_free(object.shadow);
  finder_turn_off(finder);
}

/* ---- Words ---- */

GAITI_RACY static uintptr_t finder_load(uintptr_t slot) {
  return *(const volatile uintptr_t *)slot;
}

/* The start of the object to which a word of that place refers; 0: to none. */
static uintptr_t finder_referent(const gait_heap *heap, const struct gaiti_kind *kind, size_t place,
                                 uintptr_t word) {
  if (kind->form != GAIT_KIND_POINTERS) {
    uintptr_t address = gaiti_tags_plain_or_tagged(&heap->tags, &heap->map, word);
    const struct gaiti_finder_object *object = finder_object(heap->finder, address);
    return object ? object->start : 0;
  }
  if (gaiti_kind_is_tagged(kind, place))
    word = gaiti_tags_address(&heap->tags, word);
  else if (!gaiti_kind_is_plain(kind, place))
    return 0;
  gaiti_ref ref = gaiti_map_resolve(&heap->map, word);
  return ref ? gaiti_ref_start(&heap->map, ref) : 0;
}

/* ---- Comparing ---- */

/*   refers  not NULL: every thread is stopped, so that no store is under way, and objects that a
 *           function traces are compared as well
 *   since   the last call before the last comparison of the same, and how many there were since
 *   call    the one that looks */
struct finder_look {
  gait_heap *heap;
  gaiti_finder_refers_fn *refers;
  const struct gaiti_finder_call *since;
  uint64_t calls;
  struct gaiti_finder_call call;
  struct gaiti_finding finding;
};

/* Whether gait_store_init may have stored it. */
static bool finder_take_init(struct gaiti_finder *finder, uintptr_t word) {
  uintptr_t *count = gaiti_word_map_find(&finder->inits, word);
  if (!count) return false;
  if (--*count == 0) gaiti_word_map_remove(&finder->inits, word);
  return true;
}

/* Whether a store that is under way explains the word, which may come or go. */
static bool finder_is_underway(const struct gaiti_finder *finder, uintptr_t slot, uintptr_t word) {
  if (gaiti_word_map_find(&finder->raced, slot)) return true;
  const uintptr_t *before = gaiti_word_map_find(&finder->pendings, slot);
  return before && *before == word;
}

static void finder_find_store(struct finder_look *look, const struct gaiti_finder_object *object,
                              size_t place, uintptr_t word, uintptr_t referent) {
  struct gaiti_finder *finder = look->heap->finder;
  const struct gaiti_finder_object *other = finder_object(finder, referent);
  uintptr_t slot = object->start + place * sizeof(uintptr_t);
  look->finding = (struct gaiti_finding){.is = GAITI_FOUND_STORE,
                                         .object = *object,
                                         .made = finder->sites[object->site],
                                         .slot = (const void *)slot,
                                         .old = object->shadow[place],
                                         .now = word,
                                         .from = *look->since,
                                         .calls = look->calls};
  if (finder->guards) gaiti_guard_find(slot, &look->finding.stored);
  if (!other) return;
  look->finding.referent = *other;
  look->finding.referent_made = finder->sites[other->site];
}

static bool finder_kind_is_due(const struct finder_look *look, const struct gaiti_kind *kind) {
  return look->refers || !gaiti_kind_has_function(kind);
}

/* Whether the word of an object that a function traces, which was stored without the barrier, is a
 * reference: without it the function finds the referent no more.  One that is gone cannot be asked
 * for.  Every thread is stopped. */
static bool finder_is_traced(const struct finder_look *look, const struct gaiti_kind *kind,
                             const struct gaiti_finder_object *object, uintptr_t slot,
                             uintptr_t referent) {
  if (!gaiti_kind_has_function(kind)) return true;
  if (!referent || !look->refers(look->heap, object->start, referent)) return false;
  volatile uintptr_t *word = (volatile uintptr_t *)slot;
  uintptr_t now = *word;
  finder_open(look->heap->finder, slot, sizeof slot);
  *word = 0;
  bool refers = look->refers(look->heap, object->start, referent);
  *word = now;
  finder_guard(look->heap->finder, object);
  return !refers;
}

/* Compares one word with its shadow. */
static void finder_compare_word(struct finder_look *look, struct gaiti_finder_object *object,
                                size_t place) {
  struct gaiti_finder *finder = look->heap->finder;
  const struct gaiti_kind *kind = object->kind;
  uintptr_t slot = object->start + place * sizeof(uintptr_t), word = finder_load(slot);
  uintptr_t *shadow = &object->shadow[place];
  if (word == *shadow || look->finding.is != GAITI_FOUND_NOTHING) return;
  bool underway = finder_is_underway(finder, slot, word);
  if (underway && !look->refers) return;
  uintptr_t now = finder_referent(look->heap, kind, place, word);
  uintptr_t old = finder_referent(look->heap, kind, place, *shadow);
  bool known = underway || (!now && !old) || (*shadow == 0 && finder_take_init(finder, word));
  if (known || !finder_is_traced(look, kind, object, slot, now))
    *shadow = word;
  else
    finder_find_store(look, object, place, word, now ? now : old);
}

GAITI_RACY static void finder_compare_object(struct finder_look *look,
                                             struct gaiti_finder_object *object) {
  if (!object->shadow || !finder_kind_is_due(look, object->kind)) return;
  const volatile uintptr_t *word = (const volatile uintptr_t *)object->start;
  for (size_t place = 0; place < object->words; place++)
    if (word[place] != object->shadow[place]) finder_compare_word(look, object, place);
}

/* Forgets the stores that have come to their end. */
static void finder_settle(gait_heap *heap) {
  struct gaiti_finder *finder = heap->finder;
  for (size_t i = 0; i < finder->pendings.capacity && finder->pendings.count > 0; i++) {
    uintptr_t slot = finder->pendings.pairs[i].key;
    const struct gaiti_finder_object *object = slot ? finder_object_at(heap, slot) : NULL;
    size_t place = object ? (slot - object->start) / sizeof(uintptr_t) : 0;
    if (!slot || (object && object->shadow && place < object->words &&
                  finder_load(slot) != object->shadow[place]))
      continue;
    gaiti_word_map_remove(&finder->pendings, slot);
    i--; /* another may have moved there */
  }
}

/* Compares the last `count` objects. */
static void finder_compare(struct finder_look *look, size_t count) {
  struct gaiti_finder *finder = look->heap->finder;
  for (size_t i = finder->count > count ? finder->count - count : 0; i < finder->count; i++)
    finder_compare_object(look, &finder->objects[i]);
}

/* The latest objects were compared by the last call.  Returns whether all have been now. */
static bool finder_compare_due(struct finder_look *look) {
  struct gaiti_finder *finder = look->heap->finder;
  look->since = &finder->latest;
  look->calls = 1;
  finder_compare(look, FINDER_LATEST);
  look->since = &finder->before;
  look->calls = ++finder->owed;
  if (finder->owed * FINDER_STEP < finder->words + finder->count * FINDER_OBJECT_WORDS)
    return false;
  finder_compare(look, finder->count);
  finder->owed = 0;
  return true;
}

/* ---- Calls ---- */

static struct gaiti_finder_thread *finder_thread(struct gaiti_finder *finder,
                                                 const gait_thread *thread) {
  for (size_t i = 0; i < finder->threads_count; i++)
    if (finder->threads[i].thread == thread) return &finder->threads[i];
  size_t count = finder->threads_count + 1;
  struct gaiti_finder_thread *threads = gaiti_os_alloc(count * sizeof *threads);
  if (!threads) return NULL;
  if (count > 1) memcpy(threads, finder->threads, (count - 1) * sizeof *threads);
  gaiti_os_free(finder->threads);
  finder->threads = threads;
  finder->threads_count = count;
  threads[count - 1].thread = thread;
  return &threads[count - 1];
}

static void finder_call_begin(struct gaiti_finder_call *call, const gait_thread *thread,
                              const void *caller) {
  gaiti_site_take(&call->site, caller);
  memcpy(call->thread, thread->name, sizeof call->thread);
  call->tid = thread->tid;
}

/* Takes the lock, and compares where that is due. */
static void finder_begin(struct finder_look *look, gait_thread *thread, const void *caller) {
  struct gaiti_finder *finder = thread->heap->finder;
  memset(look, 0, sizeof *look);
  look->heap = thread->heap;
  finder_call_begin(&look->call, thread, caller);
  gaiti_lock(&finder->lock);
  if (finder->off) return;
  finder_settle(look->heap);
  bool all = finder_compare_due(look);
  struct gaiti_finder_thread *own = finder_thread(finder, thread);
  if (own) own->last = look->call;
  finder->latest = look->call;
  if (all) finder->before = look->call;
}

static void finder_end(struct finder_look *look, gait_thread *thread) {
  struct gaiti_finding *finding = &look->finding;
  finding->to = look->call;
  gaiti_unlock(&look->heap->finder->lock);
  if (finding->is != GAITI_FOUND_NOTHING) gaiti_finding_report(look->heap, thread, finding);
}

/* The thread has a reference to an object that was found dead. */
static void finder_find_loss(struct finder_look *look, gait_thread *thread,
                             const struct gaiti_finder_object *object, const void *slot) {
  struct gaiti_finding *finding = &look->finding;
  if (finding->is != GAITI_FOUND_NOTHING) return;
  finding->is = GAITI_FOUND_LOSS;
  finding->object = *object;
  finding->made = look->heap->finder->sites[object->site];
  finding->slot = slot;
  const struct gaiti_finder_thread *own = finder_thread(look->heap->finder, thread);
  for (int i = 0; own && i < GAITI_FINDER_STOPS; i++)
    if (own->stops[i].cycle == object->lost) finding->lost_at = own->stops[i].call;
}

/* Whether a word of an object of any kind, or of none, that is stored there by itself, is a
 * reference to a lost object. */
static const struct gaiti_finder_object *finder_lost(const gait_heap *heap,
                                                     const struct gaiti_finder_object *target,
                                                     size_t place, uintptr_t word) {
  uintptr_t start;
  if (target && target->words > place)
    start = finder_referent(heap, target->kind, place, word);
  else
    start = gaiti_tags_plain_or_tagged(&heap->tags, &heap->map, word);
  const struct gaiti_finder_object *object = finder_object(heap->finder, start);
  return object && object->lost ? object : NULL;
}

/* A store that was noted and has not come to its end: another thread's. */
static void finder_pend(struct gaiti_finder *finder, uintptr_t slot, uintptr_t now) {
  bool raced = gaiti_word_map_find(&finder->pendings, slot) != NULL;
  if (!gaiti_word_map_set(&finder->pendings, slot, now) ||
      (raced && !gaiti_word_map_set(&finder->raced, slot, 1)))
    finder_turn_off(finder);
}

static void finder_note(struct finder_look *look, gait_thread *thread, uintptr_t slot,
                        uintptr_t value) {
  gait_heap *heap = look->heap;
  struct gaiti_finder *finder = heap->finder;
  struct gaiti_finder_object *target = finder_object_at(heap, slot);
  size_t place = target ? (slot - target->start) / sizeof(uintptr_t) : 0;
  const struct gaiti_finder_object *lost = finder_lost(heap, target, place, value);
  if (target && target->lost) finder_find_loss(look, thread, target, NULL);
  if (lost) finder_find_loss(look, thread, lost, (const void *)slot);
  if (!target || !target->shadow || place >= target->words) return;
  if (finder_kind_is_due(look, target->kind)) finder_compare_word(look, target, place);
  if (look->finding.is != GAITI_FOUND_NOTHING) return;
  uintptr_t now = finder_load(slot);
  if (now != value) finder_pend(finder, slot, now);
  target->shadow[place] = value;
}

void gaiti_finder_pass(gait_thread *thread, const void *caller, struct gaiti_site *site) {
  struct finder_look look;
  finder_begin(&look, thread, caller);
  if (site) *site = look.call.site;
  finder_end(&look, thread);
}

void gaiti_finder_note_object(gait_thread *thread, const void *object,
                              const struct gaiti_site *site) {
  struct gaiti_finder *finder = thread->heap->finder;
  gaiti_lock(&finder->lock);
  if (!finder->off) finder_add(thread->heap, (uintptr_t)object, site);
  gaiti_unlock(&finder->lock);
}

void gaiti_finder_note_store(gait_thread *thread, const void *slot, const void *value,
                             const void *caller) {
  gaiti_finder_note_stores(thread, slot, value ? &value : NULL, 1, caller);
}

void gaiti_finder_note_stores(gait_thread *thread, const void *slots, const void *values,
                              size_t count, const void *caller) {
  struct finder_look look;
  uintptr_t to = (uintptr_t)slots, from = (uintptr_t)values;
  finder_begin(&look, thread, caller);
  for (size_t i = 0; i < count && !thread->heap->finder->off; i++)
    finder_note(&look, thread, to + i * sizeof(void *),
                values ? finder_load(from + i * sizeof(void *)) : 0);
  finder_end(&look, thread);
}

void gaiti_finder_note_init(gait_thread *thread, const void *value, const void *caller) {
  struct gaiti_finder *finder = thread->heap->finder;
  struct finder_look look;
  finder_begin(&look, thread, caller);
  const struct gaiti_finder_object *lost = finder_lost(look.heap, NULL, 0, (uintptr_t)value);
  if (lost) finder_find_loss(&look, thread, lost, NULL);
  const uintptr_t *before = value ? gaiti_word_map_find(&finder->inits, (uintptr_t)value) : NULL;
  if (value && !gaiti_word_map_set(&finder->inits, (uintptr_t)value, before ? *before + 1 : 1))
    finder_turn_off(finder);
  finder_end(&look, thread);
}

void gaiti_finder_forget(gait_heap *heap, uintptr_t start) {
  struct gaiti_finder *finder = heap->finder;
  gaiti_lock(&finder->lock);
  struct gaiti_finder_object *object = finder_object(finder, start);
  if (object) finder_remove(finder, object);
  gaiti_unlock(&finder->lock);
}

/* ---- The cycle ---- */

static void finder_note_stops(struct gaiti_finder *finder, uint64_t cycle) {
  for (size_t i = 0; i < finder->threads_count; i++) {
    struct gaiti_finder_thread *thread = &finder->threads[i];
    thread->stops[cycle % GAITI_FINDER_STOPS].cycle = cycle;
    thread->stops[cycle % GAITI_FINDER_STOPS].call = thread->last;
  }
}

/* An object may have grown in its slot: the new part is watched from now on. */
static void finder_resize(gait_heap *heap, struct gaiti_finder_object *object) {
  if (!object->shadow) return;
  gaiti_ref ref = gaiti_map_find(&heap->map, object->start);
  size_t words = gaiti_ref_bytes(&heap->map, ref) / sizeof(uintptr_t);
  if (words <= object->words) return;
  uintptr_t *shadow = gaiti_os_alloc(words * sizeof *shadow);
  if (!shadow) return;
  memcpy(shadow, object->shadow, object->words * sizeof *shadow);
  for (size_t place = object->words; place < words; place++)
    shadow[place] = finder_load(object->start + place * sizeof *shadow);
  gaiti_os_free(object->shadow);
  object->shadow = shadow;
  heap->finder->words += words - object->words;
  object->words = words;
}

void gaiti_finder_check(gait_heap *heap, uint64_t cycle, gaiti_finder_refers_fn *refers) {
  struct gaiti_finder *finder = heap->finder;
  struct finder_look look = {.heap = heap, .refers = refers};
  gaiti_lock(&finder->lock);
  look.call = finder->latest;
  if (!finder->off) {
    for (size_t i = 0; i < finder->count; i++)
      finder_resize(heap, &finder->objects[i]);
    look.since = &finder->checked;
    look.calls = 0;
    finder_compare(&look, finder->count);
    gaiti_word_map_clear(&finder->pendings);
    gaiti_word_map_clear(&finder->raced);
    gaiti_word_map_clear(&finder->inits);
    finder_note_stops(finder, cycle);
    finder->checked = finder->before = finder->latest;
    finder->owed = 0;
  }
  finder_end(&look, NULL);
}

/* The age of a lost object, in cycles; one that is older than the last is of no interest. */
static uint64_t finder_age(const struct gaiti_finder_object *object, uint64_t cycle) {
  uint64_t age = cycle - object->lost;
  return age < GAITI_FINDER_STOPS ? age : GAITI_FINDER_STOPS;
}

static size_t finder_bytes(const gait_heap *heap, const struct gaiti_finder_object *object) {
  return gaiti_ref_bytes(&heap->map, gaiti_map_find(&heap->map, object->start));
}

/* Notes which objects are lost; returns the age with which they are more than `most_bytes`. */
static uint64_t finder_note_lost(gait_heap *heap, uint64_t cycle, size_t most_bytes) {
  struct gaiti_finder *finder = heap->finder;
  size_t bytes[GAITI_FINDER_STOPS + 1] = {0}, sum = 0;
  for (size_t i = 0; i < finder->count; i++) {
    struct gaiti_finder_object *object = &finder->objects[i];
    if (gaiti_ref_is_marked(&heap->map, gaiti_map_find(&heap->map, object->start))) {
      object->lost = 0;
      continue;
    }
    if (!object->lost) object->lost = cycle;
    bytes[finder_age(object, cycle)] += finder_bytes(heap, object);
  }
  uint64_t age = 0;
  for (; age < GAITI_FINDER_STOPS && sum + bytes[age] <= most_bytes; age++)
    sum += bytes[age];
  return age;
}

size_t gaiti_finder_lose(gait_heap *heap, uint64_t cycle, size_t most_bytes, uintptr_t **starts) {
  struct gaiti_finder *finder = heap->finder;
  size_t kept = 0, bytes = 0;
  gaiti_lock(&finder->lock);
  uint64_t age = finder_note_lost(heap, cycle, most_bytes);
  *starts = gaiti_os_alloc((finder->count + 1) * sizeof **starts);
  for (size_t i = 0; *starts && i < finder->count; i++) {
    const struct gaiti_finder_object *object = &finder->objects[i];
    if (!object->lost || finder_age(object, cycle) > age) continue;
    bytes += finder_bytes(heap, object);
    if (bytes <= most_bytes) (*starts)[kept++] = object->start;
  }
  gaiti_unlock(&finder->lock);
  return kept;
}

void gaiti_finder_forget_dead(gait_heap *heap) {
  struct gaiti_finder *finder = heap->finder;
  gaiti_lock(&finder->lock);
  for (size_t i = finder->count; i-- > 0;) {
    struct gaiti_finder_object *object = &finder->objects[i];
    if (!gaiti_ref_is_marked(&heap->map, gaiti_map_find(&heap->map, object->start)))
      finder_remove(finder, object);
  }
  for (size_t i = 0; i < finder->count; i++)
    finder_guard(finder, &finder->objects[i]);
  gaiti_unlock(&finder->lock);
}

void gaiti_finder_describe(gait_heap *heap, uintptr_t start, char *text, size_t bytes) {
  struct gaiti_site site = {.count = 0};
  gaiti_lock(&heap->finder->lock);
  const struct gaiti_finder_object *object = finder_object(heap->finder, start);
  if (object) site = heap->finder->sites[object->site];
  gaiti_unlock(&heap->finder->lock);
  text[0] = '\0';
  if (site.count > 0) gaiti_site_describe(&site, text, bytes);
}
