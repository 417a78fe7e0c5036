/* GOGC, the memory limit, memory held outside, running out. */
#include <gait/budget.h>
#include <gait/finalizer.h>
#include <gait/gait.h>
#include <gait/tune.h>
#include <stdio.h>
#include <stdlib.h>

/* [create] */
static gait_result create(gait_heap **heap) {
  gait_options options;
  gait_options_init(&options);
  options.gogc_percent = 200;
  options.memory_limit_bytes = (int64_t)512 << 20;
  return gait_heap_create(&options, heap);
}
/* [end] */

/* [run time] */
static void memory_is_scarce(gait_heap *heap) {
  gait_heap_set_gogc(heap, 50, NULL);
  gait_heap_set_memory_limit(heap, (int64_t)256 << 20, NULL);
  gait_heap_trim(heap); /* free memory goes back at once */
}
/* [end] */

/* [budget] */
/* An interpreter for each tenant, and one limit for all of them. */
static gait_result create_tenant(gait_budget *budget, gait_heap **heap) {
  gait_options options;
  gait_options_init(&options);
  options.gogc_percent = GAIT_OFF; /* the share alone says when to collect */
  options.budget = budget;
  return gait_heap_create(&options, heap);
}

static void print_tenants(gait_budget *budget) {
  gait_budget_stats stats;
  gait_budget_member members[16];
  size_t count = gait_budget_stats_read(budget, &stats, members, 16);
  for (size_t i = 0; i < count; i++)
    printf("tenant %p: %lld MiB live, share %lld MiB\n", gait_heap_user(members[i].heap),
           (long long)members[i].live_bytes >> 20, (long long)members[i].share_bytes >> 20);
  printf("all: %lld of %lld MiB\n", (long long)stats.share_bytes >> 20,
         (long long)stats.bytes >> 20);
}
/* [end] */

/* [steps] */
static void limit_step(gait_heap *heap, const gait_limit_report *report, void *arg) {
  (void)arg;
  if (report->step != GAIT_LIMIT_CAP) return;
  fprintf(stderr, "the limit is too low: %lld MiB would do\n",
          (long long)report->suggested_limit_bytes >> 20);
  gait_heap_set_cpu_cap(heap, 25, NULL); /* rather slow down less, and end sooner */
}

static gait_result create_service(gait_heap **heap) {
  gait_options options;
  gait_options_init(&options);
  options.memory_limit_bytes = GAIT_AUTO;
  options.limit_report = limit_step;
  options.fail_after_ms = 30000;
  options.fail_by = GAIT_FAIL_BY_ABORT; /* and be started again */
  return gait_heap_create(&options, heap);
}
/* [end] */

/* [external] */
struct image {
  size_t bytes;
  unsigned char *pixels; /* malloc'd */
};

static struct image *image_new(gait_thread *thread, size_t bytes) {
  struct image *image = gait_alloc(thread, gait_kind_leaf(gait_thread_heap(thread)), sizeof *image);
  if (!image) return NULL;
  image->pixels = calloc(bytes, 1);
  image->bytes = image->pixels ? bytes : 0;
  if (gait_cleanup_add(thread, image, free, image->pixels, NULL) != GAIT_OK) {
    free(image->pixels);
    return NULL;
  }
  gait_object_set_external(thread, image, image->bytes);
  return image;
}
/* [end] */

/* [out of memory] */
struct cache {
  void *entries; /* a barriered root */
  gait_thread *thread;
};

static int shrink_cache(gait_heap *heap, size_t bytes, void *arg) {
  struct cache *cache = arg;
  (void)heap, (void)bytes;
  if (!cache->entries) return 0; /* nothing left to give: gait_alloc returns NULL */
  gait_store(cache->thread, &cache->entries, NULL);
  return 1; /* try once more */
}
/* [end] */

static void require(int holds) {
  if (!holds) abort();
}

/* Fills a small heap until the handler has given up the cache and then itself. */
static void run_out(void) {
  static struct cache cache;
  gait_heap *heap;
  gait_options options;
  gait_options_init(&options);
  options.reserve_bytes = (int64_t)64 << 20;
  options.out_of_memory = shrink_cache;
  options.out_of_memory_arg = &cache;
  require(gait_heap_create(&options, &heap) == GAIT_OK);
  require(gait_roots_add(heap, &cache.entries, sizeof cache.entries, GAIT_ROOTS_BARRIERED) ==
          GAIT_OK);
  require(gait_thread_attach(heap, NULL, GAIT_STACK_EXACT, &cache.thread) == GAIT_OK);
  gait_kind any = gait_kind_conservative(heap);
  gait_store(cache.thread, &cache.entries, gait_alloc(cache.thread, any, 16 << 20));
  void *list[1] = {NULL};
  gait_frame frame;
  gait_frame_push(cache.thread, &frame, list, 1);
  for (void **node; (node = gait_alloc(cache.thread, any, 1 << 20));) {
    gait_store_init(cache.thread, node, list[0]);
    list[0] = node;
  }
  require(cache.entries == NULL);
  gait_frame_pop(cache.thread, &frame);
  require(gait_thread_detach(cache.thread) == GAIT_OK && gait_heap_destroy(heap) == GAIT_OK);
}

static void serve(void) {
  gait_heap *heap;
  require(create_service(&heap) == GAIT_OK && gait_heap_memory_limit(heap) == GAIT_AUTO);
  const gait_limit_report report = {.step = GAIT_LIMIT_CAP};
  limit_step(heap, &report, NULL);
  require(gait_heap_cpu_cap(heap) == 25 && gait_heap_destroy(heap) == GAIT_OK);
}

static void serve_tenants(void) {
  gait_budget *budget;
  gait_heap *tenants[3];
  require(gait_budget_create((int64_t)1 << 30, &budget) == GAIT_OK);
  for (int i = 0; i < 3; i++)
    require(create_tenant(budget, &tenants[i]) == GAIT_OK);
  print_tenants(budget);
  require(gait_budget_destroy(budget) == GAIT_ERROR_BUSY);
  for (int i = 0; i < 3; i++)
    require(gait_heap_destroy(tenants[i]) == GAIT_OK);
  require(gait_budget_destroy(budget) == GAIT_OK);
}

int main(void) {
  gait_heap *heap;
  gait_thread *thread;
  if (create(&heap) || gait_thread_attach(heap, NULL, GAIT_STACK_CONSERVATIVE, &thread)) return 1;
  require(image_new(thread, 1000000) != NULL);
  gait_stats stats;
  gait_stats_read(heap, &stats);
  require(stats.external_bytes == 1000000);
  memory_is_scarce(heap);
  int64_t gogc = 0;
  require(gait_heap_set_gogc(heap, 100, &gogc) == GAIT_OK && gogc == 50);
  run_out();
  serve();
  serve_tenants();
  require(gait_finalizers_run_all(thread) == 1); /* the pixels are free */
  return gait_thread_detach(thread) || gait_heap_destroy(heap);
}
