/* A program of version 0.2.0: it is compiled with the frozen headers, and does a little of all that
 * they offer.  Behind each structure that the library fills stands a guard. */
#include <gait/budget.h>
#include <gait/gait.h>
#include <gait/tune.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GUARD        UINT64_C(0x6775617264677561)
#define LIST_LENGTH  2000
#define CHURN_ROUNDS 20000

static void require_at(bool holds, const char *condition, int line) {
  if (holds) return;
  fprintf(stderr, "client.c:%d: %s\n", line, condition);
  exit(EXIT_FAILURE);
}
#define REQUIRE(condition) require_at((condition), #condition, __LINE__)

/* ---- Options ---- */

struct guarded_options {
  gait_options options;
  uint64_t guard;
};

static bool log_named_later;
static void log_line(const char *line, void *arg) {
  (void)arg;
  if (strstr(line, "GAIT_LATER_OPTION")) log_named_later = true;
}

/* Every row that is shown lies in the program's structure. */
static void options_set_each(struct guarded_options *guarded) {
  const gait_option *row;
  for (size_t i = 0; (row = gait_option_at(i)) != NULL; i++) {
    char text[32];
    int64_t value;
    REQUIRE(row->field + sizeof value <= sizeof guarded->options);
    REQUIRE(strlen(row->name) > 0 && strlen(row->environment) > 0);
    memcpy(&value, (char *)&guarded->options + row->field, sizeof value);
    REQUIRE(value == row->initial);
    if (row->may_be_off && value == row->off) continue;
    snprintf(text, sizeof text, "%lld", (long long)value);
    REQUIRE(gait_options_set(&guarded->options, row->name, text, NULL, 0) == GAIT_OK);
  }
}

static void options_open(struct guarded_options *guarded) {
  char error[256] = "";
  guarded->guard = GUARD;
  gait_options_init(&guarded->options);
  REQUIRE(guarded->options.struct_bytes == sizeof guarded->options);
  guarded->options.log = log_line;
  options_set_each(guarded);
  REQUIRE(gait_options_set(&guarded->options, "later_option", "7", error, sizeof error) ==
          GAIT_ERROR_OPTION_NAME);
  REQUIRE(strstr(error, "later_option") != NULL);
  /* A debug option has a place in these options, whatever version it comes with. */
  gait_options_set(&guarded->options, "later_debug", "7", NULL, 0);
  setenv("GAIT_LATER_OPTION", "7", 1);
  setenv("GAIT_GOGC", "50", 1);
  REQUIRE(gait_options_from_environment(&guarded->options, error, sizeof error) == GAIT_OK);
  REQUIRE(guarded->options.gogc_percent == 50);
  REQUIRE(log_named_later);
  unsetenv("GAIT_LATER_OPTION");
  REQUIRE(gait_options_check(&guarded->options, error, sizeof error) == GAIT_OK);
  REQUIRE(guarded->guard == GUARD);
}

/* ---- Records ---- */

/* The callback's thread, under no lock of the program's: the heap is destroyed before it is read.
 */
static struct {
  gait_cycle_record record;
  uint64_t guard;
} last = {.guard = GUARD};

static void on_cycle(gait_heap *heap, const gait_cycle_record *record, void *arg) {
  (void)heap, (void)arg;
  last.record = *record;
}

/* ---- Objects ---- */

struct cell {
  struct cell *next;
  uint64_t number;
  uint64_t check;
};

static void cell_trace(gait_tracer *tracer, void *object, size_t bytes, void *arg) {
  struct cell *cell = object;
  (void)bytes, (void)arg;
  gait_trace_slot(tracer, (void *const *)(void *)&cell->next);
}

static gait_kind kind_mapped(gait_heap *heap) {
  static const uint64_t map[] = {1};
  const gait_kind_info info = {.name = "mapped",
                               .form = GAIT_KIND_POINTERS,
                               .map_bytes = sizeof(struct cell),
                               .pointer_map = map};
  gait_kind kind;
  REQUIRE(gait_kind_register(heap, &info, &kind) == GAIT_OK);
  REQUIRE(gait_kind_register(heap, &info, &kind) == GAIT_ERROR_ALREADY);
  return kind;
}

static gait_kind kind_traced(gait_heap *heap) {
  const gait_kind_info info = {.name = "traced", .form = GAIT_KIND_CALLBACK, .trace = cell_trace};
  gait_kind kind;
  REQUIRE(gait_kind_register(heap, &info, &kind) == GAIT_OK);
  return kind;
}

static struct cell *list_add(gait_thread *thread, gait_kind kind, struct cell *list,
                             uint64_t number) {
  struct cell *cell = gait_alloc(thread, kind, sizeof *cell);
  REQUIRE(cell && !cell->next && !cell->number && !cell->check);
  cell->number = number;
  cell->check = ~number;
  gait_store_init(thread, &cell->next, list);
  return cell;
}

static void list_check(const struct cell *list, uint64_t length) {
  for (uint64_t number = length; number > 0; number--) {
    REQUIRE(list && list->number == number && list->check == ~number);
    list = list->next;
  }
  REQUIRE(list == NULL);
}

/* Garbage of every size class, and large; each zeroed, none on another. */
static void churn(gait_thread *thread, gait_kind leaf) {
  for (size_t i = 0; i < CHURN_ROUNDS; i++) {
    const size_t bytes = 1 + i * 7919 % (2 * GAIT_SMALL_BYTES);
    unsigned char *object = gait_alloc(thread, leaf, bytes);
    REQUIRE(object && object[0] == 0 && object[bytes - 1] == 0);
    memset(object, 0xab, bytes);
    gait_thread_poll(thread);
  }
}

/* ---- A thread of its own, on exact frames ---- */

struct work {
  gait_heap *heap;
  gait_kind kind;
};

static void *work_run(void *arg) {
  const struct work *work = arg;
  gait_thread *thread;
  REQUIRE(gait_thread_attach(work->heap, "works", GAIT_STACK_EXACT, &thread) == GAIT_OK);
  void *slots[2] = {NULL, NULL};
  gait_frame frame;
  gait_frame_push(thread, &frame, slots, 2);
  for (uint64_t number = 1; number <= LIST_LENGTH; number++) {
    slots[0] = list_add(thread, work->kind, slots[0], number);
    REQUIRE(gait_cas(thread, &slots[1], slots[1], slots[0]));
    slots[0] = gait_load(&slots[1]);
  }
  churn(thread, gait_kind_leaf(work->heap));
  list_check(slots[0], LIST_LENGTH);
  gait_frame_pop(thread, &frame);
  REQUIRE(gait_thread_detach(thread) == GAIT_OK);
  return NULL;
}

static void *join_outside(void *arg) {
  return (void *)(intptr_t)pthread_join(*(pthread_t *)arg, NULL);
}

/* ---- Roots, copies, handles ---- */

#define ROOTS 64
static void *roots[ROOTS];

static void roots_use(gait_heap *heap, gait_thread *thread, struct cell *list) {
  REQUIRE(gait_roots_add(heap, roots, sizeof roots, GAIT_ROOTS_BARRIERED) == GAIT_OK);
  gait_store(thread, &roots[0], list);
  gait_copy(thread, &roots[1], &roots[0], ROOTS - 1);
  gait_clear(thread, roots, ROOTS - 1);
  gait_handle *handle = gait_handle_create(thread, list);
  REQUIRE(handle && gait_handle_get(handle) == list);
  REQUIRE(gait_heap_collect(thread) == GAIT_OK);
  list_check(gait_handle_get(handle), LIST_LENGTH);
  gait_handle_destroy(thread, handle);
  REQUIRE(gait_roots_remove(heap, roots) == GAIT_OK);
}

/* ---- Numbers ---- */

static void numbers_check(gait_heap *heap) {
  struct {
    gait_stats stats;
    uint64_t guard;
  } guarded = {.guard = GUARD};
  gait_stats_read(heap, &guarded.stats);
  REQUIRE(guarded.guard == GUARD);
  REQUIRE(guarded.stats.cycles >= 2 && guarded.stats.alloc_objects > CHURN_ROUNDS);
  struct {
    gait_cycle_record records[2];
    uint64_t guard;
  } two = {.guard = GUARD};
  REQUIRE(gait_records_read(heap, 1, two.records, 2) == 2);
  REQUIRE(two.guard == GUARD);
  REQUIRE(two.records[1].cycle == two.records[0].cycle + 1);
  REQUIRE(two.records[0].limit_step == GAIT_LIMIT_FREE);
  char line[256], start[32];
  REQUIRE(gait_cycle_format(&two.records[1], line, sizeof line) > 0);
  snprintf(start, sizeof start, "gc %llu @", (unsigned long long)two.records[1].cycle);
  REQUIRE(strncmp(line, start, strlen(start)) == 0);
}

static void budget_check(gait_budget *budget, const gait_heap *heap) {
  struct {
    gait_budget_stats stats;
    uint64_t guard;
  } guarded = {.guard = GUARD};
  struct {
    gait_budget_member members[1];
    uint64_t guard;
  } one = {.guard = GUARD};
  REQUIRE(gait_budget_stats_read(budget, &guarded.stats, one.members, 1) == 1);
  REQUIRE(guarded.guard == GUARD && one.guard == GUARD);
  REQUIRE(guarded.stats.members == 1 && one.members[0].heap == heap);
  REQUIRE(guarded.stats.share_bytes == one.members[0].share_bytes);
  REQUIRE(gait_budget_destroy(budget) == GAIT_ERROR_BUSY);
}

static void live(gait_heap *heap, gait_thread *thread, gait_kind kind, const struct work *work) {
  pthread_t other;
  REQUIRE(pthread_create(&other, NULL, work_run, (void *)work) == 0);
  struct cell *list = NULL;
  for (uint64_t number = 1; number <= LIST_LENGTH; number++)
    list = list_add(thread, kind, list, number);
  churn(thread, gait_kind_leaf(heap));
  REQUIRE(gait_thread_outside(thread, join_outside, &other) == NULL);
  REQUIRE(gait_heap_collect(thread) == GAIT_OK);
  list_check(list, LIST_LENGTH);
  roots_use(heap, thread, list);
}

/* ---- Who is who ---- */

static void identity_check(gait_heap *heap, gait_thread *thread) {
  char minor[16];
  snprintf(minor, sizeof minor, "%d.%d.", GAIT_VERSION_MAJOR, GAIT_VERSION_MINOR);
  REQUIRE(strncmp(gait_version(), minor, strlen(minor)) == 0);
  REQUIRE(gait_version_number() >= GAIT_VERSION_NUMBER);
  REQUIRE(gait_thread_current(heap) == thread && gait_thread_heap(thread) == heap);
  gait_heap_set_user(heap, &last);
  gait_thread_set_user(thread, &roots);
  REQUIRE(gait_heap_user(heap) == &last && gait_thread_user(thread) == &roots);
  REQUIRE(gait_heap_gogc(heap) == 50 && gait_heap_memory_limit(heap) == GAIT_OFF);
}

int main(void) {
  struct guarded_options guarded;
  gait_heap *heap;
  gait_thread *thread;
  gait_budget *budget;
  options_open(&guarded);
  guarded.options.cycle = on_cycle;
  REQUIRE(gait_budget_create(INT64_C(1) << 40, &budget) == GAIT_OK);
  guarded.options.budget = budget;
  REQUIRE(gait_heap_create(&guarded.options, &heap) == GAIT_OK);
  REQUIRE(gait_thread_attach(heap, "main", GAIT_STACK_CONSERVATIVE, &thread) == GAIT_OK);
  identity_check(heap, thread);
  const struct work work = {heap, kind_traced(heap)};
  live(heap, thread, kind_mapped(heap), &work);
  numbers_check(heap);
  budget_check(budget, heap);
  REQUIRE(gait_thread_detach(thread) == GAIT_OK);
  REQUIRE(gait_heap_destroy(heap) == GAIT_OK);
  REQUIRE(gait_budget_destroy(budget) == GAIT_OK);
  REQUIRE(last.record.cycle >= 2 && last.guard == GUARD);
  REQUIRE(gait_heap_create(NULL, &heap) == GAIT_OK && gait_heap_destroy(heap) == GAIT_OK);
  return EXIT_SUCCESS;
}
