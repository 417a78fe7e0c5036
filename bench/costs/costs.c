/* costs [--quick]: a table, in Markdown, of what each sort of root, store, kind and reference costs
 * on this machine.  docs/embedding.md has one, which write_table.py puts there. */
#include "costs.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

int cost_runs = 7;

static const gait_tags rule = {.mask = 1, .first = 0, .address_mask = ~(uint64_t)1};

void cost_require(bool holds, const char *what) {
  if (holds) return;
  fprintf(stderr, "costs: %s has failed\n", what);
  exit(1);
}

static uint64_t clock_ns(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t cost_now_ns(void) {
  return clock_ns(CLOCK_MONOTONIC);
}

/* ---- Heaps ---- */

void bench_begin(struct bench *bench, int64_t young_percent) {
  static const uint64_t one[] = {1};
  gait_options options;
  gait_options_init(&options);
  options.idle_help = 0;
  options.young_percent = young_percent;
  options.tags = &rule;
  gait_kind_info references = {.name = "references",
                               .form = GAIT_KIND_POINTERS,
                               .map_bytes = sizeof(void *),
                               .repeat_bytes = sizeof(void *),
                               .pointer_map = one};
  gait_kind_info tagged = references;
  tagged.name = "tagged";
  tagged.pointer_map = NULL;
  tagged.tagged_map = one;
  cost_require(gait_heap_create(&options, &bench->heap) == GAIT_OK, "gait_heap_create");
  cost_require(gait_kind_register(bench->heap, &references, &bench->references) == GAIT_OK &&
                   gait_kind_register(bench->heap, &tagged, &bench->tagged) == GAIT_OK,
               "gait_kind_register");
  cost_require(gait_thread_attach(bench->heap, "costs", GAIT_STACK_EXACT, &bench->thread) ==
                   GAIT_OK,
               "gait_thread_attach");
}

void bench_end(struct bench *bench) {
  cost_require(gait_thread_detach(bench->thread) == GAIT_OK &&
                   gait_heap_destroy(bench->heap) == GAIT_OK,
               "gait_heap_destroy");
}

/* ---- Rows ---- */

void cost_title(const char *title, const char *unit) {
  printf("| %s | %s |\n|---|---|\n", title, unit);
}

void cost_row(const char *name, double ns) {
  printf(ns < 100 ? "| %s | %.1f |\n" : "| %s | %.0f |\n", name, ns < 0 ? 0 : ns);
  fflush(stdout);
}

void cost_of_call(struct bench *bench, const char *name, cost_body *body, void *arg, size_t count) {
  uint64_t least = UINT64_MAX;
  for (int run = 0; run < cost_runs; run++) {
    const uint64_t before = cost_now_ns();
    body(bench, arg, count);
    const uint64_t took = cost_now_ns() - before;
    if (took < least) least = took;
  }
  cost_row(name, (double)least / (double)count);
}

uint64_t cost_of_collection(struct bench *bench) {
  uint64_t least = UINT64_MAX;
  for (int run = 0; run < cost_runs; run++) {
    const uint64_t before = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    cost_require(gait_heap_collect(bench->thread) == GAIT_OK, "gait_heap_collect");
    const uint64_t took = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - before;
    if (took < least) least = took;
  }
  return least;
}

void cost_of_cycle(const char *name, uint64_t with, uint64_t without, size_t count) {
  cost_row(name, ((double)with - (double)without) / (double)count);
}

int main(int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "--quick") == 0) cost_runs = 1;
  costs_of_allocation();
  printf("\n");
  costs_of_calls();
  printf("\n");
  costs_of_stores();
  printf("\n");
  costs_of_roots();
  printf("\n");
  costs_of_kinds();
  printf("\n");
  costs_of_deaths();
  return 0;
}
