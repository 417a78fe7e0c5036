/* A program of version 0.1, as its author left it: it includes gait/gait.h alone and uses the names
 * of that version, all that have changed since among them. */
#include <gait/gait.h>
#include <stdio.h>
#include <stdlib.h>

static void require_at(bool holds, const char *condition, int line) {
  if (holds) return;
  fprintf(stderr, "old.c:%d: %s\n", line, condition);
  exit(EXIT_FAILURE);
}
#define REQUIRE(condition) require_at((condition), #condition, __LINE__)

struct node {
  struct node *next;
  long value;
};

static struct node *global;

static void *block(void *arg) {
  gait_thread *thread = arg;
  gait_enter(thread);
  gait_collect(thread);
  gait_leave(thread);
  return NULL;
}

static void build(gait_thread *thread, gait_kind kind) {
  for (long i = 0; i < 100000; i++) {
    struct node *node = gait_alloc(thread, kind, sizeof *node);
    REQUIRE(node);
    node->value = i;
    gait_store_init(thread, &node->next, i % 1000 ? global : NULL);
    gait_store(thread, &global, node);
    gait_poll(thread);
  }
}

static void outside(gait_thread *thread) {
  void (*leave)(gait_thread *) = gait_leave;
  leave(thread);
  gait_enter(thread);
  gait_leave(thread);
  gait_enter(thread);
  REQUIRE(gait_outside(thread, block, thread) == NULL);
}

static void settings(gait_heap *heap) {
  int64_t before = 0;
  REQUIRE(gait_set_gogc(heap, GAIT_GOGC_OFF, &before) == GAIT_OK && before == 200);
  REQUIRE(gait_set_memory_limit(heap, GAIT_OFF, &before) == GAIT_OK);
  REQUIRE(before == (int64_t)512 << 20);
  gait_trim(heap);
}

static void numbers(gait_heap *heap) {
  gait_stats stats;
  gait_cycle_record records[4];
  gait_stats_read(heap, &stats);
  REQUIRE(stats.cycles >= 2 && stats.external_bytes == 4096);
  REQUIRE(gait_cycle_records(heap, 1, records, 4) >= 2);
  REQUIRE(gait_option_at(0) != NULL);
}

int main(void) {
  static const uint64_t map[] = {1};
  const gait_kind_info info = {"node", GAIT_KIND_POINTERS, sizeof(struct node), map, 0, NULL, NULL};
  gait_options options;
  gait_heap *heap;
  gait_thread *thread;
  gait_kind kind;
  gait_options_init(&options);
  options.gogc_percent = 200;
  REQUIRE(gait_options_set(&options, "memlimit", "512MiB", NULL, 0) == GAIT_OK);
  REQUIRE(gait_heap_create(&options, &heap) == GAIT_OK);
  REQUIRE(gait_kind_register(heap, &info, &kind) == GAIT_OK);
  REQUIRE(gait_thread_attach(heap, "main", GAIT_STACK_CONSERVATIVE, &thread) == GAIT_OK);
  REQUIRE(gait_roots_add(heap, &global, sizeof global, GAIT_ROOTS_BARRIERED) == GAIT_OK);
  build(thread, kind);
  REQUIRE(gait_external(thread, global, 4096) == GAIT_OK);
  gait_handle *handle = gait_handle_new(thread, global);
  REQUIRE(handle && gait_handle_get(handle) == global);
  outside(thread);
  gait_handle_free(thread, handle);
  REQUIRE(gait_collect(thread) == GAIT_OK && global->value == 99999);
  numbers(heap);
  settings(heap);
  REQUIRE(gait_thread_detach(thread) == GAIT_OK && gait_heap_destroy(heap) == GAIT_OK);
  return EXIT_SUCCESS;
}
