/* Cleanups and finalizers.
 *
 * The end of a cycle finds the registrations of dead objects.  Marking has closed then, and:
 *
 * .finalizer.private  No thread can reach an object that is white when marking has closed
 * (.cycle.flush-again), and each object that such a one refers to and that is not white is black.
 * No root refers to a white one, threads allocate black, and a weak reference to one is cleared by
 * then, so it stays so for as long as the runner likes.  To mark from dead objects now is private
 * work: no store changes them, no shade is missed, and no handshake has to follow.  When it is done
 * the second half of the sentence holds again, for the objects that are white still.
 *
 *   look      Registrations whose object is white: `dying` finalizers, and cleanups, `gone`.
 *   children  Marks from the fields of each dying object, but not the object itself.  After it, a
 *             dying object is marked exactly if some dying one leads to it.
 *   settle    One that is not marked, or that has no order, is due: it is marked, and when all such
 *             are, with the values of which they are keys, it goes into the queue.  The others
 *             wait: they are marked, and are looked at anew in the next cycle.
 *   finish    A cleanup whose object is white still is due.  The object is swept.
 *
 * A thread may take a function out of the queue as soon as it is there: its object is marked by
 * then, and all that it leads to is black, so that a weak reference to it is to no dead object.
 *
 * .finalizer.order  This is the order of the Boehm collector: of A that leads to B, A is due first,
 * and B when A's function has run and A is dead again, or was stored nowhere.  An object that leads
 * to itself waits for good.  When nothing becomes due and some wait, each of those is led to by one
 * of them, so there is such a cycle, and the log names the kinds.  For IGNORE_SELF the mark of the
 * object is set while its own fields are traced, and cleared before any other object's are: its own
 * references to itself find it marked.
 *
 * .finalizer.once  A record goes from REGISTERED to DYING to DUE, or back to REGISTERED, and a
 * function is called when it has left the queue, whose lock decides between threads.
 *
 * .finalizer.race  A registration that is made while the runner looks is of an object that a thread
 * has in hand, so it is black.  One that is stopped meanwhile is freed by the thread that stops it,
 * or, when the runner has listed it already, by the runner.  The lock is held for a chunk, or one
 * record, at a time.
 *
 * .finalizer.young  A young cycle looks at those alone whose objects may be young.  An object that
 * two ends of marking in a row have found is old to each young cycle that follows (.young.twice),
 * until a full cycle, which looks at all.
 *
 * .finalizer.freed  An object that the program frees (alloc/freed_slots.h) while a function is
 * registered for it is left to the cycle that finds it dead: its slot would go to the next object,
 * and the record with it.
 *
 * .finalizer.drop  In the child of a fork that gives the cycle up, nothing has been found dead:
 * records that are listed are registered again, and the queue is a root.
 *
 * Models: finalizers. */
#include "weak/finalizers.h"

#include "base/check.h"
#include "mark/trace.h"
#include "mutator/attachments.h"

/* A runner with a deadline looks at no more chunks. */
#define FINALIZERS_LONG_CHUNKS 256u
/* The lock is held for so many chunks without a record that matters. */
#define FINALIZERS_PIECE 1024u

/* ---- The heap's ---- */

/* The queue, as a root.  Thread: any that marks roots; others stop and take functions meanwhile. */
static void finalizers_trace(gait_tracer *tracer, void *arg) {
  struct gaiti_finalizers *finalizers = arg;
  struct gaiti_finalizer_table *table = &finalizers->table;
  gaiti_lock(&finalizers->lock);
  for (uint32_t i = 0; i < table->count; i++) {
    uint64_t due = table->chunks[i].due;
    for (uint64_t bits = due; bits; bits &= bits - 1)
      gait_trace_slot(tracer, &table->chunks[i].records[__builtin_ctzll(bits)].due);
    if (!due && (i + 1) % FINALIZERS_PIECE != 0) continue;
    gaiti_unlock(&finalizers->lock);
    gaiti_lock(&finalizers->lock);
  }
  gaiti_unlock(&finalizers->lock);
}

static bool finalizers_register_root(gait_heap *heap) {
  struct gaiti_root root = {
      .function = finalizers_trace, .arg = heap->finalizers, .discipline = GAIT_ROOTS_BARRIERED};
  struct gaiti_visit visit;
  if (gaiti_roots_insert(&heap->roots, &root, NULL, &visit) != GAIT_OK) return false;
  gaiti_visit_end(&visit);
  return true;
}

bool gaiti_finalizers_is_queue(const gait_heap *heap, const struct gaiti_root *root) {
  return root->function == finalizers_trace && root->arg == heap->finalizers;
}

bool gaiti_finalizers_init(gait_heap *heap) {
  struct gaiti_finalizers *finalizers = heap->finalizers =
      gaiti_structure_alloc(&heap->space, sizeof *finalizers);
  if (!finalizers) return false;
  finalizers->table.space = &heap->space;
  if (!gaiti_lock_init(&finalizers->lock, GAITI_RANK_FINALIZERS)) goto fail_memory;
  if (!gaiti_condition_init(&finalizers->wanted)) goto fail_lock;
  if (!finalizers_register_root(heap)) goto fail_condition;
  return true;
fail_condition:
  gaiti_condition_destroy(&finalizers->wanted);
fail_lock:
  gaiti_lock_destroy(&finalizers->lock);
fail_memory:
  gaiti_structure_free(&heap->space, finalizers, sizeof *finalizers);
  return false;
}

/* No function runs. */
void gaiti_finalizers_destroy(gait_heap *heap) {
  struct gaiti_finalizers *finalizers = heap->finalizers;
  gaiti_finalizer_table_destroy(&finalizers->table);
  gaiti_condition_destroy(&finalizers->wanted);
  gaiti_lock_destroy(&finalizers->lock);
  gaiti_structure_free(&heap->space, finalizers, sizeof *finalizers);
}

bool gaiti_finalizers_may_name(gait_heap *heap, const void *object) {
  return gaiti_finalizer_may_name(&heap->finalizers->table, (uintptr_t)object);
}

bool gaiti_finalizers_add(gait_heap *heap, const struct gaiti_due *due, gait_finalizer_order order,
                          uint32_t *place, uint64_t *serial) {
  struct gaiti_finalizers *finalizers = heap->finalizers;
  gaiti_lock(&finalizers->lock);
  struct gaiti_finalizer *record = gaiti_finalizer_take(&finalizers->table, (uintptr_t)due->object);
  if (record) {
    *place = record->place;
    *serial = record->serial;
    record->cleanup = due->cleanup;
    record->finalizer = due->finalizer;
    record->arg = due->arg;
    record->order = (uint8_t)order;
  }
  gaiti_unlock(&finalizers->lock);
  return record != NULL;
}

void gaiti_finalizers_retire(gait_heap *heap) {
  gaiti_lock(&heap->finalizers->lock);
  heap->finalizers->retire = heap->finalizers->table.serial;
  gaiti_unlock(&heap->finalizers->lock);
}

/* ---- Look ---- */

static gaiti_ref finalizer_ref(const gait_heap *heap, const struct gaiti_finalizer *record) {
  return gaiti_map_find(&heap->map, record->object);
}

static bool finalizer_is_marked(const gait_heap *heap, const struct gaiti_finalizer *record) {
  return gaiti_ref_is_marked(&heap->map, finalizer_ref(heap, record));
}

/* Its function is to become due though the object lives. */
static bool finalizer_retires(const gait_heap *heap, const struct gaiti_finalizer *record) {
  return record->serial <= heap->finalizers->retiring;
}

/* The object is live: it is old when it was found twice. */
static void finalizer_note_found(struct gaiti_finalizer_chunk *chunk,
                                 struct gaiti_finalizer *record) {
  record->waits = false;
  if (record->found < 2) record->found++;
  if (record->found == 2 || MUTANT(MUTANT_FINALIZER_OLD_AT_ONCE))
    chunk->young &= ~gaiti_finalizer_bit(record->place);
}

static void finalizers_look_at(gait_heap *heap, struct gaiti_finalizer *record) {
  struct gaiti_finalizers *finalizers = heap->finalizers;
  if (record->state != GAITI_FINALIZER_REGISTERED) return;
  if (finalizer_is_marked(heap, record) && !finalizer_retires(heap, record)) {
    finalizer_note_found(gaiti_finalizer_chunk(&finalizers->table, record), record);
    return;
  }
  record->state = GAITI_FINALIZER_DYING;
  gaiti_finalizer_list_add(record->finalizer ? &finalizers->dying : &finalizers->gone, record);
}

static void finalizers_look(gait_heap *heap) {
  struct gaiti_finalizers *finalizers = heap->finalizers;
  struct gaiti_finalizer_table *table = &finalizers->table;
  bool young = heap->generation.young;
  gaiti_lock(&finalizers->lock);
  finalizers->retiring = young ? 0 : finalizers->retire;
  for (uint32_t i = 0; i < table->count; i++) {
    uint64_t looked = young ? table->chunks[i].young : table->chunks[i].used;
    for (uint64_t bits = looked; bits; bits &= bits - 1)
      finalizers_look_at(heap, &table->chunks[i].records[__builtin_ctzll(bits)]);
    if (!looked && (i + 1) % FINALIZERS_PIECE != 0) continue;
    gaiti_unlock(&finalizers->lock);
    gaiti_delay(heap);
    gaiti_lock(&finalizers->lock);
  }
  finalizers->looked = true;
  gaiti_unlock(&finalizers->lock);
}

/* ---- Children ---- */

static void finalizer_trace_children(struct gaiti_marker *marker, gaiti_ref ref) {
  size_t bytes = gaiti_ref_bytes(&marker->map, ref);
  gaiti_trace(marker, &marker->kinds[gaiti_ref_kind(ref)], gaiti_ref_start(&marker->map, ref),
              bytes, 0, bytes);
}

/* One that is marked by now waits, and its fields are traced as those of any other.  References of
 * others to it are marked before. */
static void finalizer_trace_ignoring_self(struct gaiti_marker *marker, gaiti_ref ref) {
  gaiti_marker_mark_candidates(marker);
  if (!gaiti_ref_mark(&marker->map, ref)) return;
  finalizer_trace_children(marker, ref);
  gaiti_marker_mark_candidates(marker);
  gaiti_ref_unmark(&marker->map, ref);
}

/* Nothing is traced beyond an object's own fields while the mark of one is set for itself. */
static void finalizers_mark_children(gait_heap *heap, struct gaiti_marker *marker) {
  const struct gaiti_finalizer *record = heap->finalizers->dying.first;
  for (; record; record = record->next) {
    gaiti_ref ref = finalizer_ref(heap, record);
    if (record->order == GAIT_FINALIZER_IGNORE_SELF)
      finalizer_trace_ignoring_self(marker, ref);
    else
      finalizer_trace_children(marker, ref);
  }
  gaiti_marker_drain(marker);
}

/* ---- Settle ---- */

/* Whether another dying object leads to it, and comes first. */
static bool finalizer_waits(const gait_heap *heap, const struct gaiti_finalizer *record) {
  return record->order != GAIT_FINALIZER_UNORDERED && finalizer_is_marked(heap, record) &&
         !finalizer_retires(heap, record);
}

/* Ends the dying of a record: it waits, or becomes due, or is free, since it was stopped.  Returns
 * whether it waits. */
static bool finalizer_settle(gait_heap *heap, struct gaiti_finalizer *record, bool waits) {
  struct gaiti_finalizers *finalizers = heap->finalizers;
  gaiti_lock(&finalizers->lock);
  waits = waits && !record->stopped;
  if (record->stopped)
    gaiti_finalizer_give(&finalizers->table, record);
  else if (waits)
    record->state = GAITI_FINALIZER_REGISTERED;
  else
    gaiti_due_push_locked(heap, record);
  gaiti_unlock(&finalizers->lock);
  return waits;
}

/* Which of them wait is known before any of the others is marked; and all of these are, with the
 * values of which they are keys (mark/ephemerons.c), before a thread can take one. */
static void finalizers_settle(gait_heap *heap, struct gaiti_marker *marker) {
  struct gaiti_finalizers *finalizers = heap->finalizers;
  struct gaiti_finalizer_list others = {NULL, NULL};
  struct gaiti_finalizer *record;
  bool any_waits = false;
  while ((record = gaiti_finalizer_list_take(&finalizers->dying))) {
    if (!finalizer_waits(heap, record)) {
      gaiti_finalizer_list_add(&others, record);
      continue;
    }
    record->waits = true;
    any_waits |= finalizer_settle(heap, record, true);
  }
  AO_store(&finalizers->stuck, any_waits && !others.first);
  for (record = others.first; record && !MUTANT(MUTANT_DUE_NOT_MARKED); record = record->next)
    gaiti_marker_word(marker, record->object);
  gaiti_marker_drain(marker);
  while ((record = gaiti_finalizer_list_take(&others)))
    finalizer_settle(heap, record, false);
}

/* ---- Finish ---- */

static void finalizers_finish(gait_heap *heap) {
  struct gaiti_finalizers *finalizers = heap->finalizers;
  struct gaiti_finalizer *record;
  while ((record = gaiti_finalizer_list_take(&finalizers->gone)))
    finalizer_settle(heap, record,
                     finalizer_is_marked(heap, record) && !finalizer_retires(heap, record));
  gaiti_lock(&finalizers->lock);
  if (finalizers->retire == finalizers->retiring) finalizers->retire = 0;
  gaiti_unlock(&finalizers->lock);
  finalizers->looked = false;
}

static bool finalizers_are_many(struct gaiti_finalizers *finalizers) {
  gaiti_lock(&finalizers->lock);
  bool many = finalizers->table.count > FINALIZERS_LONG_CHUNKS;
  gaiti_unlock(&finalizers->lock);
  return many;
}

static void finalizers_sort(gait_heap *heap) {
  if (heap->finalizers->retiring == 0) return;
  gaiti_finalizer_list_sort(&heap->finalizers->dying);
  gaiti_finalizer_list_sort(&heap->finalizers->gone);
}

bool gaiti_finalizers_close(gait_heap *heap, struct gaiti_marker *marker, bool bounded) {
  struct gaiti_finalizers *finalizers = heap->finalizers;
  if (!finalizers->looked) {
    if (bounded && finalizers_are_many(finalizers)) return false;
    finalizers_look(heap);
  }
  if (finalizers->dying.first || finalizers->retiring > 0) {
    if (bounded) return false;
    finalizers_sort(heap);
    gaiti_marker_resume(marker);
    finalizers_mark_children(heap, marker);
    finalizers_settle(heap, marker);
    gaiti_marker_pause(marker);
  }
  finalizers_finish(heap);
  return true;
}

/* ---- Beside it ---- */

static void finalizers_list_drop(struct gaiti_finalizers *finalizers,
                                 struct gaiti_finalizer_list *list) {
  struct gaiti_finalizer *record;
  while ((record = gaiti_finalizer_list_take(list))) {
    record->state = GAITI_FINALIZER_REGISTERED;
    if (record->stopped) gaiti_finalizer_give(&finalizers->table, record);
  }
}

void gaiti_finalizers_drop(gait_heap *heap) {
  finalizers_list_drop(heap->finalizers, &heap->finalizers->dying);
  finalizers_list_drop(heap->finalizers, &heap->finalizers->gone);
  heap->finalizers->looked = false;
}

void gaiti_finalizers_trim(gait_heap *heap) {
  gaiti_lock(&heap->finalizers->lock);
  gaiti_finalizer_table_trim(&heap->finalizers->table);
  gaiti_unlock(&heap->finalizers->lock);
}

void gaiti_finalizers_ring(gait_heap *heap) {
  if (AO_load(&heap->finalizers->due) == 0) return;
  gaiti_lock(&heap->threads->lock);
  for (gait_thread *thread = heap->threads->all; thread; thread = thread->next)
    if (AO_load(&thread->finalizers) > 0) AO_int_store_release(&thread->attachments->poll, 1);
  gaiti_unlock(&heap->threads->lock);
  gaiti_lock(&heap->finalizers->lock);
  gaiti_wake(&heap->finalizers->wanted);
  gaiti_unlock(&heap->finalizers->lock);
}

/* Every bit and state is as .inv.finalizer says. */
static void finalizers_walk_record(const gait_heap *heap, const struct gaiti_finalizer_chunk *chunk,
                                   const struct gaiti_finalizer *record) {
  uint64_t bit = gaiti_finalizer_bit(record->place);
  bool due = record->state == GAITI_FINALIZER_DUE;
  CHECK("walk.finalizer.state", due || record->state == GAITI_FINALIZER_REGISTERED,
        "a registration is dying between two cycles");
  CHECK("walk.finalizer.due", !record->due == !(chunk->due & bit) && (due || !record->due),
        "the object of a registration that is not due is a root");
  if (due && (record->cleanup || record->stopped)) return;
  gaiti_ref ref = gaiti_map_resolve(&heap->map, record->object);
  CHECK("walk.finalizer.object", ref && gaiti_ref_start(&heap->map, ref) == record->object,
        "a registration is of an object that was freed");
}

void gaiti_finalizers_walk(gait_heap *heap) {
  struct gaiti_finalizer_table *table = &heap->finalizers->table;
  uint64_t used = 0;
  gaiti_lock(&heap->finalizers->lock);
  for (uint32_t i = 0; i < table->count; i++)
    for (uint64_t bits = table->chunks[i].used; bits; bits &= bits - 1, used++)
      finalizers_walk_record(heap, &table->chunks[i],
                             &table->chunks[i].records[__builtin_ctzll(bits)]);
  CHECK("walk.finalizer.count", used == table->used, "registrations are miscounted");
  gaiti_unlock(&heap->finalizers->lock);
}
