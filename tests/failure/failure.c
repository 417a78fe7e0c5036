/* failure: everything that the library asks of the system fails, one call after the other.
 *
 *   failure MODE [CALL]      MODE: concurrent, barrierless, checked; CALL: mmap, malloc ...
 *
 * A life of a heap asks for memory, threads and locks some hundred times.  It is lived again and
 * again: the first time the first call fails, then the second ..., until a life ends in which none
 * does; and all of that once more with every later call failing as well.  What is demanded of each:
 * an error or NULL where something was refused, and nothing else than that; everything that is
 * still kept is whole; once calls work again the same heap goes on; and nothing is left behind,
 * counted at the wrappers and by the kernel. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../support/process.h"
#include "../support/sanitizer.h"
#include "cells.h"
#include "inject.h"

#define RESERVE_BYTES ((int64_t)64 << 20)

/* ---- One life ---- */

static gait_options life_options(const char *mode) {
  gait_options options;
  gait_options_init(&options);
  options.reserve_bytes = RESERVE_BYTES;
  options.min_heap_bytes = 1 << 20;
  options.cpus = 2;
  options.barrierless = strcmp(mode, "barrierless") == 0;
  if (strcmp(mode, "checked") == 0) {
    options.debug.checkmark = options.debug.heap_walk = options.debug.poison = 1;
    options.debug.mark_segments = 2;
    options.debug.barrier_entries = 2;
    options.debug.run_bytes = 256;
  }
  return options;
}

static void life_work(struct cells *cells) {
  if (!cells->has_kinds && !cells_kinds(cells)) return;
  if (!cells->thread && !cells_attach(cells)) return;
  cells_roots(cells);
  cells_allocate(cells, 400);
  cells_handles(cells);
  cells_fibers(cells);
  cells_externals(cells);
  cells_weak(cells);
  cells_ephemerons(cells);
  cells_grow(cells);
  cells_build(cells);
  cells_finalizers(cells);
  cells_pool(cells);
  cells_scope(cells);
  cells_collect(cells);
  cells_allocate(cells, 400);
  cells_threads(cells);
  cells_drop(cells);
  cells_collect(cells);
  cells_limit(cells);
  cells_check(cells);
}

/* Whether a call was failed in it. */
static bool life_run(const char *mode, unsigned mask, uint64_t n, bool rest, uint64_t *calls) {
  static struct cells cells;
  const gait_options options = life_options(mode);
  bool failed = false;
  inject_arm(mask, n, rest);
  if (cells_create(&cells, &options)) {
    life_work(&cells);
    /* The end is a part of the life that failures reach; every other heap goes on before. */
    if (inject_failed() > 0 && n % 2 == 0) {
      failed = true;
      inject_arm(0, 0, false);
      life_work(&cells);
      MUST(cells.thread && cells.callback_added);
    }
    cells_end(&cells);
  }
  failed |= inject_failed() > 0;
  *calls = inject_disarm();
  return failed;
}

/* ---- What is left behind ---- */

struct remains {
  uint64_t mapped_bytes; /* by the kernel: all but the break, where malloc's pieces are */
  size_t threads;
  size_t descriptors;
  struct inject_balance balance;
};

/* Of a process with no heap: an emulator may have one of its own. */
static size_t remains_least_threads;

static size_t remains_threads(void) {
  size_t threads = process_threads();
  for (int i = 0; i < 1000 && threads > remains_least_threads; i++) {
    usleep(1000);
    threads = process_threads();
  }
  return threads;
}

static struct remains remains_count(void) {
  struct remains remains = {.balance = inject_balance()};
  remains.threads = remains_threads(); /* waits until their memory is back */
  remains.descriptors = process_descriptors();
  const struct process_memory memory = process_memory();
  remains.mapped_bytes = memory.bytes - memory.growing_bytes;
  return remains;
}

/* A sanitizer maps what it needs, when it needs it. */
#define REMAINS_SANITIZED (SANITIZER_ADDRESS || SANITIZER_THREAD)

/* What munmap was not let unmap is still there, and nothing else. */
static void remains_compare(const struct remains *before, const struct remains *after) {
  const int64_t kept = after->balance.kept_bytes - before->balance.kept_bytes;
  if (after->balance.blocks != before->balance.blocks)
    cells_fail("%" PRId64 " blocks are left", after->balance.blocks - before->balance.blocks);
  if (after->balance.mapped_bytes - before->balance.mapped_bytes != kept)
    cells_fail("%" PRId64 " bytes are left mapped, %" PRId64 " could not be unmapped",
               after->balance.mapped_bytes - before->balance.mapped_bytes, kept);
  if (!REMAINS_SANITIZED && after->mapped_bytes > before->mapped_bytes + (uint64_t)kept)
    cells_fail("the kernel maps %" PRIu64 " bytes more, %" PRId64 " could not be unmapped",
               after->mapped_bytes - before->mapped_bytes, kept);
  if (after->threads != before->threads || after->descriptors != before->descriptors)
    cells_fail("%zu threads and %zu descriptors, were %zu and %zu", after->threads,
               after->descriptors, before->threads, before->descriptors);
}

/* ---- All lives ---- */

static char life_name[128];

static void failure_each(const char *mode, unsigned mask, bool rest, uint64_t *lives) {
  for (uint64_t n = 1, calls = 0;; n++) {
    const struct remains before = remains_count();
    snprintf(life_name, sizeof life_name, "%s, calls %#x, call %" PRIu64 "%s", mode, mask, n,
             rest ? " and the rest" : "");
    const bool failed = life_run(mode, mask, n, rest, &calls);
    const struct remains after = remains_count();
    remains_compare(&before, &after);
    ++*lives;
    if (!failed) return;
    /* Late calls are much alike: they are taken in longer and longer steps. */
    n += n / 24;
  }
}

/* Until the C library keeps as many stacks of threads for later as there will be. */
static void failure_warm_up(const char *mode) {
  uint64_t calls = 0, mapped = 0;
  for (int i = 0; i < 20; i++) {
    life_run(mode, 0, 0, false, &calls);
    const uint64_t now = remains_count().mapped_bytes;
    if (i > 4 && now == mapped) return;
    mapped = now;
  }
}

static unsigned failure_mask(const char *name) {
  for (unsigned call = 0; call < INJECT_CALLS; call++)
    if (strcmp(inject_name((enum inject_call)call), name) == 0) return INJECT_ONE(call);
  cells_fail("no call %s", name);
}

int main(int argc, char **argv) {
  if (argc < 2) return EXIT_FAILURE;
  process_steady_malloc();
  remains_least_threads = process_threads();
  cells_where = life_name;
  failure_warm_up(argv[1]);
  uint64_t lives = 0;
  for (unsigned call = 0; call < INJECT_CALLS; call++) {
    if (argc > 2 && failure_mask(argv[2]) != INJECT_ONE(call)) continue;
    for (int rest = 0; rest < 2; rest++) {
      const uint64_t before = lives;
      failure_each(argv[1], INJECT_ONE(call), rest, &lives);
      printf("failure: %s: %s%s: %" PRIu64 " lives\n", argv[1], inject_name((enum inject_call)call),
             rest ? " and the rest" : "", lives - before);
    }
  }
  return EXIT_SUCCESS;
}
