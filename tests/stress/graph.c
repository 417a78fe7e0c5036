#include "graph.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Failure ---- */

_Noreturn void graph_fail(const struct graph *graph, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  flockfile(stderr);
  fprintf(stderr, "stress: seed %" PRIu64 ": ", graph->seed);
  if (graph->words && graph->words->tagged)
    fprintf(stderr, "references are %s: ", graph->words->name);
  vfprintf(stderr, format, arguments);
  fprintf(stderr, "\n");
  fflush(stderr);
  va_end(arguments);
  abort();
}

static void *graph_memory(size_t count, size_t bytes) {
  void *memory = calloc(count, bytes);
  if (!memory) {
    fprintf(stderr, "stress: out of memory for the mirror\n");
    exit(EXIT_FAILURE);
  }
  return memory;
}

/* ---- Layout ---- */

/* The words from one reference to the next. */
static size_t graph_stride(graph_form form) {
  return form == GRAPH_PAIRS ? 2 : 1;
}

static void **graph_slot(graph_object *object, graph_form form, uint32_t edge) {
  return (void **)(void *)(object + 1) + edge * graph_stride(form);
}

static size_t graph_payload_offset(const graph_twin *twin) {
  return sizeof(graph_object) + twin->references * graph_stride(twin->form) * sizeof(void *);
}

/* How far into its object a reference to `id` points. */
static size_t graph_inside(const struct graph *graph, uint32_t id) {
  const size_t inside = random_mix(id) % sizeof(graph_object);
  return id % 2 ? 0 : inside - inside % graph->words->grain;
}

static unsigned char graph_payload_byte(uint32_t id, size_t at) {
  return (unsigned char)(id * 31 + at * 7 + 1);
}

/* ---- Kinds ---- */

/* The header was written before the object was published, in an order that ThreadSanitizer cannot
 * see: the marker reads references outside its view. */
#define GRAPH_UNSEEN __attribute__((no_sanitize("thread")))

GRAPH_UNSEEN static void graph_trace_slots(gait_tracer *tracer, void *start, size_t bytes,
                                           void *arg) {
  graph_object *object = start;
  const struct words *words = arg;
  (void)bytes;
  for (uint32_t i = 0; i < object->references; i++) {
    if (words->tagged)
      gait_trace_tagged(tracer, graph_slot(object, GRAPH_CALLBACK, i));
    else
      gait_trace_slot(tracer, graph_slot(object, GRAPH_CALLBACK, i));
  }
}

GRAPH_UNSEEN static void graph_trace_words(gait_tracer *tracer, void *start, size_t bytes,
                                           void *arg) {
  graph_object *object = start;
  (void)bytes, (void)arg;
  gait_trace_range(tracer, object + 1, object->references * sizeof(void *));
}

/* A kind whose objects have a head and then words that `map` describes, the last of which repeat.
 */
static gait_kind_info graph_mapped(const struct graph *graph, const char *name, const uint64_t *map,
                                   size_t words, size_t repeat) {
  const bool tagged = graph->words->tagged;
  return (gait_kind_info){.name = name,
                          .form = GAIT_KIND_POINTERS,
                          .map_bytes = sizeof(graph_object) + words * sizeof(void *),
                          .pointer_map = tagged ? NULL : map,
                          .repeat_bytes = repeat * sizeof(void *),
                          .tagged_map = tagged ? map : NULL};
}

static void graph_register_kinds(struct graph *graph) {
  static const uint64_t one[1] = {1 << sizeof(graph_object) / sizeof(void *)};
  static const uint64_t fixed[1] = {((1 << GRAPH_FIXED_MOST) - 1)
                                    << sizeof(graph_object) / sizeof(void *)};
  const gait_kind_info infos[GRAPH_FORMS] = {
      [GRAPH_LEAF] = {.name = "payload", .form = GAIT_KIND_LEAF},
      [GRAPH_FIXED] = graph_mapped(graph, "fixed", fixed, GRAPH_FIXED_MOST, 0),
      [GRAPH_WORDS] = graph_mapped(graph, "words", one, 1, 1),
      [GRAPH_PAIRS] = graph_mapped(graph, "pairs", one, 2, 2),
      [GRAPH_CALLBACK] = {.name = "called",
                          .form = GAIT_KIND_CALLBACK,
                          .trace = graph_trace_slots,
                          .trace_arg = (void *)(uintptr_t)graph->words},
      [GRAPH_RANGE] = {.name = "range",
                       .form = GAIT_KIND_CALLBACK_ANYWHERE,
                       .trace = graph_trace_words},
      [GRAPH_CONSERVATIVE] = {.name = "any", .form = GAIT_KIND_CONSERVATIVE},
  };
  for (int i = 0; i < GRAPH_FORMS; i++)
    if (gait_kind_register(graph->heap, &infos[i], &graph->kinds[i]) != GAIT_OK)
      graph_fail(graph, "the kind %s was not registered", infos[i].name);
}

/* ---- The graph ---- */

graph_place graph_place_new(uint32_t count, bool barriered, bool shared) {
  return (graph_place){.slots = graph_memory(count, sizeof(void *)),
                       .ids = graph_memory(count, sizeof(uint32_t)),
                       .count = count,
                       .barriered = barriered,
                       .shared = shared};
}

void graph_place_delete(graph_place *place) {
  free(place->slots);
  free(place->ids);
}

static void graph_add_roots(struct graph *graph, void *start, size_t bytes,
                            gait_roots_discipline discipline) {
  if (gait_roots_add(graph->heap, start, bytes, discipline) != GAIT_OK)
    graph_fail(graph, "a range of roots was not added");
}

void graph_init(struct graph *graph, gait_heap *heap, const struct words *words, uint64_t seed,
                uint64_t salt, bool unbarriered) {
  memset(graph, 0, sizeof *graph);
  graph->heap = heap;
  graph->words = words;
  graph->seed = seed;
  graph->salt = random_mix(salt);
  graph->unbarriered = unbarriered;
  atomic_store(&graph->next_id, 1);
  graph->twins = graph_memory(GRAPH_IDS, sizeof *graph->twins);
  graph->gone = graph_memory(GRAPH_IDS, sizeof *graph->gone);
  graph->tokens = graph_memory(GRAPH_TOKENS, sizeof *graph->tokens);
  for (int i = 0; i < GRAPH_LOCKS; i++)
    pthread_mutex_init(&graph->locks[i], NULL);
  for (int i = 0; i < GRAPH_HANDLES; i++)
    pthread_mutex_init(&graph->handle_locks[i], NULL);
  graph->shared = graph_place_new(GRAPH_SHARED_SLOTS, true, true);
  graph->plain = graph_place_new(GRAPH_PLAIN_SLOTS, !unbarriered, true);
  graph_register_kinds(graph);
  if (gait_pool_create(heap, NULL, &graph->pool) != GAIT_OK) graph_fail(graph, "there is no pool");
  graph_add_roots(graph, graph->shared.slots, GRAPH_SHARED_SLOTS * sizeof(void *),
                  GAIT_ROOTS_BARRIERED);
  graph_add_roots(graph, graph->plain.slots, GRAPH_PLAIN_SLOTS * sizeof(void *),
                  unbarriered ? GAIT_ROOTS_UNBARRIERED : GAIT_ROOTS_BARRIERED);
  graph_add_roots(graph, graph->loose, sizeof graph->loose, GAIT_ROOTS_BARRIERED);
  graph_add_roots(graph, graph->weak, sizeof graph->weak, GAIT_ROOTS_BARRIERED);
  graph_add_roots(graph, graph->tables, sizeof graph->tables, GAIT_ROOTS_BARRIERED);
  graph_add_roots(graph, graph->pairs, sizeof graph->pairs, GAIT_ROOTS_BARRIERED);
}

void graph_destroy(struct graph *graph) {
  gait_pool_destroy(graph->pool);
  for (uint32_t id = 0; id < GRAPH_IDS; id++)
    free(graph->twins[id].edges);
  for (int i = 0; i < GRAPH_LOCKS; i++)
    pthread_mutex_destroy(&graph->locks[i]);
  for (int i = 0; i < GRAPH_HANDLES; i++)
    pthread_mutex_destroy(&graph->handle_locks[i]);
  graph_place_delete(&graph->shared);
  graph_place_delete(&graph->plain);
  free(graph->twins);
  free(graph->gone);
  free(graph->tokens);
}

bool graph_is_full(const struct graph *graph) {
  return atomic_load(&graph->next_id) >= GRAPH_IDS;
}

/* ---- Objects ---- */

/* Mostly small, some of several pages, a few large; leaves have no references. */
static void graph_choose(graph_twin *twin, uint64_t *random) {
  twin->form = (graph_form)random_below(random, GRAPH_FORMS);
  uint32_t references = 1 + random_below(random, 8);
  size_t payload = random_below(random, 200);
  const uint32_t luck = random_below(random, 1000);
  if (luck < 30) payload = random_below(random, 9000);
  if (luck >= 30 && luck < 60) references = random_below(random, 600);
  if (luck == 999) payload = random_below(random, 300000);
  if (luck == 998) references = random_below(random, 20000);
  if (twin->form == GRAPH_FIXED && references > GRAPH_FIXED_MOST) references = GRAPH_FIXED_MOST;
  twin->references = twin->form == GRAPH_LEAF ? 0 : references;
  /* A repeat goes on to the object's end, and a map to its own: payload there would be taken for
   * references, which is allowed, but says nothing. */
  if (twin->form == GRAPH_FIXED || twin->form == GRAPH_WORDS || twin->form == GRAPH_PAIRS)
    payload = 0;
  twin->bytes = graph_payload_offset(twin) + payload;
}

static void *graph_allocate(struct graph *graph, gait_thread *thread, const graph_twin *twin,
                            uint64_t *random) {
  const gait_kind kind = graph->kinds[twin->form];
  if (random_below(random, 20) == 0)
    return gait_alloc_aligned(thread, kind, twin->bytes, (size_t)1 << random_below(random, 13));
  if (random_below(random, 20) == 0)
    return gait_alloc_array(thread, kind, graph_payload_offset(twin),
                            twin->bytes - graph_payload_offset(twin), 1);
  return gait_alloc(thread, kind, twin->bytes);
}

void *graph_new(struct graph *graph, gait_thread *thread, uint64_t *random, uint32_t *id) {
  graph_twin twin = {0};
  *id = 0;
  if (graph_is_full(graph)) return NULL;
  graph_choose(&twin, random);
  graph_object *object = graph_allocate(graph, thread, &twin, random);
  if (!object) return NULL;
  const uint32_t mine = atomic_fetch_add(&graph->next_id, 1);
  if (mine >= GRAPH_IDS) return NULL;
  const unsigned char *bytes = (const unsigned char *)object;
  for (size_t at = 0; at < twin.bytes; at++)
    if (bytes[at])
      graph_fail(graph, "a new object of %zu bytes is not zero at %zu", twin.bytes, at);
  twin.edges = graph_memory(twin.references ? twin.references : 1, sizeof *twin.edges);
  graph->twins[mine] = twin;
  *object = (graph_object){mine, random_mix(mine ^ graph->salt), twin.references, twin.bytes};
  for (size_t at = graph_payload_offset(&twin); at < twin.bytes; at++)
    ((unsigned char *)object)[at] = graph_payload_byte(mine, at);
  if (twin.form == GRAPH_PAIRS)
    for (uint32_t i = 0; i < twin.references; i++)
      *(uint64_t *)(void *)(graph_slot(object, twin.form, i) + 1) = mine + i;
  *id = mine;
  return graph_reference(graph, object, mine);
}

static void graph_check_payload(const struct graph *graph, const graph_object *object,
                                uint32_t id) {
  const graph_twin *twin = &graph->twins[id];
  const unsigned char *bytes = (const unsigned char *)object;
  const size_t start = graph_payload_offset(twin);
  const size_t step = twin->bytes - start > 4096 ? 509 : 1;
  for (size_t at = start; at < twin->bytes; at += step)
    if (bytes[at] != graph_payload_byte(id, at))
      graph_fail(graph, "object %" PRIu32 " of %zu bytes has payload %#x at %zu", id, twin->bytes,
                 bytes[at], at);
  if (twin->form == GRAPH_PAIRS)
    for (uint32_t i = 0; i < twin->references; i++)
      if (*(uint64_t *)(void *)(graph_slot((graph_object *)(uintptr_t)object, twin->form, i) + 1) !=
          id + i)
        graph_fail(graph, "object %" PRIu32 " lost the word of pair %" PRIu32, id, i);
}

static void graph_check_object(const struct graph *graph, const graph_object *object, uint32_t id) {
  const graph_twin *twin = &graph->twins[id];
  if (object->id != id || object->mark != random_mix(id ^ graph->salt))
    graph_fail(graph, "object %" PRIu32 " is gone: its place holds id %#" PRIx64 ", mark %#" PRIx64,
               id, object->id, object->mark);
  if (atomic_load(&graph->gone[id]))
    graph_fail(graph, "object %" PRIu32 " was cleaned up while there was a reference to it", id);
  if (object->bytes != twin->bytes || object->references != twin->references)
    graph_fail(graph, "object %" PRIu32 " has another size than its twin", id);
  if (id % 4 == 0 &&
      gait_object_start(graph->heap, (const char *)object + graph_inside(graph, id)) != object)
    graph_fail(graph, "an address inside object %" PRIu32 " does not resolve to it", id);
  if (id % 4 == 1 && gait_object_bytes(graph->heap, object) < twin->bytes)
    graph_fail(graph, "object %" PRIu32 " has a slot that is too small", id);
  graph_check_payload(graph, object, id);
}

void *graph_reference(const struct graph *graph, void *object, uint32_t id) {
  return words_refer(graph->words, (char *)object + graph_inside(graph, id));
}

graph_object *graph_check(const struct graph *graph, const void *reference, uint32_t id) {
  if (!reference != !id)
    graph_fail(graph, "a place holds %p where object %" PRIu32 " is due", reference, id);
  if (!id) return NULL;
  const uintptr_t address = (uintptr_t)words_address(graph->words, reference);
  graph_object *object = (graph_object *)(void *)(address - graph_inside(graph, id));
  if ((uintptr_t)object % 16)
    graph_fail(graph, "a place holds %p where object %" PRIu32 " is due", reference, id);
  graph_check_object(graph, object, id);
  return object;
}

uint32_t graph_check_loose(const struct graph *graph, const void *reference) {
  if (!reference) return 0;
  graph_object *object = gait_object_start(graph->heap, words_address(graph->words, reference));
  if (!object) graph_fail(graph, "a loose slot holds %p, which is no object", reference);
  if (object->id == 0 || object->id >= GRAPH_IDS)
    graph_fail(graph, "a loose slot's object has the id %#" PRIx64, object->id);
  graph_check(graph, reference, (uint32_t)object->id);
  return (uint32_t)object->id;
}

/* ---- Places ---- */

static pthread_mutex_t *graph_lock_of(struct graph *graph, uint32_t id) {
  return &graph->locks[id % GRAPH_LOCKS];
}

static pthread_mutex_t *graph_lock_place(struct graph *graph, const graph_place *place,
                                         uint32_t index) {
  if (!place->shared) return NULL;
  pthread_mutex_t *lock = graph_lock_of(graph, index + (place == &graph->plain ? 1000 : 0));
  pthread_mutex_lock(lock);
  return lock;
}

void *graph_get(struct graph *graph, const graph_place *place, uint32_t index, uint32_t *id) {
  pthread_mutex_t *lock = graph_lock_place(graph, place, index);
  void *reference = gait_load(&place->slots[index]);
  *id = place->ids[index];
  if (lock) pthread_mutex_unlock(lock);
  graph_check(graph, reference, *id);
  return reference;
}

void graph_put(struct graph *graph, gait_thread *thread, const graph_place *place, uint32_t index,
               void *reference, uint32_t id) {
  pthread_mutex_t *lock = graph_lock_place(graph, place, index);
  if (place->barriered)
    gait_store(thread, &place->slots[index], reference);
  else
    __atomic_store_n(&place->slots[index], reference, __ATOMIC_RELAXED);
  place->ids[index] = id;
  if (lock) pthread_mutex_unlock(lock);
}

/* ---- Fields ---- */

void *graph_get_edge(struct graph *graph, uint32_t holder, graph_object *object, uint32_t edge,
                     uint32_t *id) {
  const graph_twin *twin = &graph->twins[holder];
  pthread_mutex_lock(graph_lock_of(graph, holder));
  void *reference = gait_load(graph_slot(object, twin->form, edge));
  *id = twin->edges[edge];
  pthread_mutex_unlock(graph_lock_of(graph, holder));
  graph_check(graph, reference, *id);
  return reference;
}

void graph_put_edge(struct graph *graph, gait_thread *thread, uint32_t holder, graph_object *object,
                    uint32_t edge, void *reference, uint32_t id) {
  const graph_twin *twin = &graph->twins[holder];
  pthread_mutex_lock(graph_lock_of(graph, holder));
  gait_store(thread, graph_slot(object, twin->form, edge), reference);
  twin->edges[edge] = id;
  pthread_mutex_unlock(graph_lock_of(graph, holder));
}

void graph_init_edge(struct graph *graph, gait_thread *thread, uint32_t holder,
                     graph_object *object, uint32_t edge, void *reference, uint32_t id) {
  const graph_twin *twin = &graph->twins[holder];
  gait_store_init(thread, graph_slot(object, twin->form, edge), reference);
  twin->edges[edge] = id;
}

void graph_swap_edge(struct graph *graph, gait_thread *thread, uint32_t holder,
                     graph_object *object, uint32_t edge, void *reference, uint32_t id,
                     bool expect_wrong) {
  const graph_twin *twin = &graph->twins[holder];
  void **slot = graph_slot(object, twin->form, edge);
  pthread_mutex_lock(graph_lock_of(graph, holder));
  void *now = gait_load(slot);
  void *expected = expect_wrong ? (void *)object : now; /* never held: it would be `now` */
  const bool due = expected == now;
  if (gait_cas(thread, slot, expected, reference) != due)
    graph_fail(graph, "a compare and swap did%s exchange", due ? " not" : "");
  if (gait_load(slot) != (due ? reference : now))
    graph_fail(graph, "a compare and swap left something else");
  if (due) twin->edges[edge] = id;
  pthread_mutex_unlock(graph_lock_of(graph, holder));
}

static void graph_lock_two(struct graph *graph, uint32_t one, uint32_t two) {
  one %= GRAPH_LOCKS, two %= GRAPH_LOCKS;
  pthread_mutex_lock(&graph->locks[one < two ? one : two]);
  if (one != two) pthread_mutex_lock(&graph->locks[one < two ? two : one]);
}

static void graph_unlock_two(struct graph *graph, uint32_t one, uint32_t two) {
  one %= GRAPH_LOCKS, two %= GRAPH_LOCKS;
  pthread_mutex_unlock(&graph->locks[one]);
  if (one != two) pthread_mutex_unlock(&graph->locks[two]);
}

void graph_copy_edges(struct graph *graph, gait_thread *thread, uint32_t to,
                      graph_object *to_object, uint32_t to_edge, uint32_t from,
                      graph_object *from_object, uint32_t from_edge, uint32_t count) {
  const graph_twin *target = &graph->twins[to], *source = &graph->twins[from];
  if (target->form == GRAPH_PAIRS || source->form == GRAPH_PAIRS) return;
  graph_lock_two(graph, to, from);
  gait_copy(thread, graph_slot(to_object, target->form, to_edge),
            graph_slot(from_object, source->form, from_edge), count);
  memmove(target->edges + to_edge, source->edges + from_edge, count * sizeof(uint32_t));
  graph_unlock_two(graph, to, from);
}

void graph_clear_edges(struct graph *graph, gait_thread *thread, uint32_t holder,
                       graph_object *object, uint32_t edge, uint32_t count) {
  const graph_twin *twin = &graph->twins[holder];
  if (twin->form == GRAPH_PAIRS) return;
  pthread_mutex_lock(graph_lock_of(graph, holder));
  gait_clear(thread, graph_slot(object, twin->form, edge), count);
  memset(twin->edges + edge, 0, count * sizeof(uint32_t));
  pthread_mutex_unlock(graph_lock_of(graph, holder));
}

/* ---- Walks ---- */

void graph_walk(struct graph *graph, uint32_t id, void *reference, uint32_t limit) {
  struct {
    void *reference;
    uint32_t id;
  } queue[64] = {{reference, id}};
  uint32_t head = 0, tail = 1;
  if (!id) return;
  for (uint32_t seen = 0; head < tail && seen < limit; seen++) {
    const uint32_t at = queue[head].id;
    graph_object *object = graph_check(graph, queue[head++].reference, at);
    for (uint32_t edge = 0; edge < graph->twins[at].references && tail < 64; edge++) {
      uint32_t next = 0;
      void *found = graph_get_edge(graph, at, object, edge, &next);
      if (next) queue[tail].reference = found, queue[tail++].id = next;
    }
  }
}
