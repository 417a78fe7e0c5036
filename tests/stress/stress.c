/* stress: threads change a shared graph while the collector runs under every check, and each
 * object is known to plain memory.
 *
 *   stress [--seed N] [--cycles N | --seconds N] [--threads N] [--barrierless] [--frames]
 *          [--tagged] [--fibers]
 *
 * GAIT_SEED, GAIT_CYCLES and GAIT_SECONDS stand for the first three.  Without a seed the clock
 * gives one; it is printed first and again in every failure.  What each thread does follows from
 * the seed; how the threads interleave does not, so a failure may take a few runs to come back.
 * With --frames every stack is conservative, and half of what the threads do is to hold references
 * where the compiler puts them (frames.c); as a rule some threads do now and then.
 * With --tagged every reference is a tagged word, by a rule that the seed draws (words.c); as a
 * rule those of one heap in eight are.  With --fibers the threads of every heap run on fibers as
 * well (coroutines.c); as a rule those of one in eight do.  The options of the heap are drawn from
 * the seed; the variables of the environment that the collector knows overrule them. */
#include "coroutines.h"
#include "dying.h"
#include "mutator.h"

#include <gait/budget.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../support/sanitizer.h"

#define STRESS_MAX_THREADS 64
#define STRESS_MAX_HEAPS   3

struct stress {
  uint64_t seed;
  uint64_t cycles;
  uint64_t seconds;
  uint32_t threads;
  bool barrierless;
  bool frames;
  bool tagged;
  bool fibers;
  uint64_t cycles_done;
  uint64_t young_cycles;
  uint64_t operations;
  uint64_t objects;
  uint64_t eras;
  uint64_t lives;
  uint64_t children;
  time_t started;
};

/* Eras that run at once, and end together. */
struct ring {
  struct era *eras[STRESS_MAX_HEAPS];
  uint32_t heaps;
  uint64_t most_cycles;
  gait_budget *budget; /* that their heaps share, or NULL */
  atomic_bool stop;
};

static uint64_t stress_number(const char *text) {
  char *end = NULL;
  const uint64_t number = strtoull(text, &end, 0);
  if (end != text && *end == '\0') return number;
  fprintf(stderr, "stress: %s is no number\n", text);
  exit(EXIT_FAILURE);
}

static void stress_environment(const char *name, uint64_t *number) {
  const char *text = getenv(name);
  if (text && *text) *number = stress_number(text);
  unsetenv(name); /* ours, and perhaps also the name of an option of the heap */
}

static void stress_parse(struct stress *stress, int argc, char **argv) {
  static const struct option names[] = {{"seed", required_argument, NULL, 's'},
                                        {"cycles", required_argument, NULL, 'c'},
                                        {"seconds", required_argument, NULL, 't'},
                                        {"threads", required_argument, NULL, 'n'},
                                        {"barrierless", no_argument, NULL, 'b'},
                                        {"frames", no_argument, NULL, 'f'},
                                        {"tagged", no_argument, NULL, 'g'},
                                        {"fibers", no_argument, NULL, 'r'},
                                        {NULL, 0, NULL, 0}};
  *stress = (struct stress){.started = time(NULL)};
  stress_environment("GAIT_SEED", &stress->seed);
  stress_environment("GAIT_CYCLES", &stress->cycles);
  stress_environment("GAIT_SECONDS", &stress->seconds);
  for (int option; (option = getopt_long(argc, argv, "", names, NULL)) != -1;) {
    switch (option) {
    case 's': stress->seed = stress_number(optarg); break;
    case 'c': stress->cycles = stress_number(optarg); break;
    case 't': stress->seconds = stress_number(optarg); break;
    case 'n': stress->threads = (uint32_t)stress_number(optarg); break;
    case 'b': stress->barrierless = true; break;
    case 'f': stress->frames = true; break;
    case 'g': stress->tagged = true; break;
    case 'r': stress->fibers = true; break;
    default: exit(EXIT_FAILURE);
    }
  }
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (!stress->seed)
    stress->seed =
        random_mix((uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec) % 1000000000;
  if (!stress->cycles && !stress->seconds) stress->cycles = 500;
  if (stress->threads > STRESS_MAX_THREADS) stress->threads = STRESS_MAX_THREADS;
}

/* A value of the option's range that is small, or the default. */
static int64_t stress_draw(uint64_t *random, size_t field, int64_t most) {
  const gait_option *row = NULL;
  for (size_t i = 0; gait_option_at(i); i++)
    if (gait_option_at(i)->field == field) row = gait_option_at(i);
  if (!row) return 0;
  if (random_below(random, 3) == 0) return row->initial;
  int64_t value = row->minimum + (int64_t)(random_next(random) % (uint64_t)(most + 1));
  return value > row->maximum ? row->maximum : value;
}

/* Half of the eras are random programs; the rest is shared out among the windows by how hard they
 * are to hit. */
static enum era_aim stress_aim(const struct stress *stress, uint64_t *random) {
  static const enum era_aim aims[] = {AIM_ANY,     AIM_RAID,    AIM_HIDE,    AIM_DUEL, AIM_DUEL,
                                      AIM_SMUGGLE, AIM_INHERIT, AIM_INHERIT, AIM_TAKE};
  if (random_below(random, 2) || stress->barrierless || stress->frames || stress->fibers ||
      stress->threads == 1)
    return AIM_NONE;
  return aims[random_below(random, sizeof aims / sizeof *aims)];
}

/* Whether some roots are stored to plainly.  The end of the cycle that these need, with all threads
 * held, makes good what two of the aims look for; another looks for nothing else. */
static bool stress_has_unbarriered(enum era_aim aim, uint64_t *random) {
  switch (aim) {
  case AIM_DUEL:
  case AIM_SMUGGLE: return false;
  case AIM_HIDE: return true;
  default: return random_below(random, 2) == 0;
  }
}

/* Delays at the steps of the protocols: none, short, or seldom and long, which suits threads that
 * aim at what others do meanwhile. */
static int64_t stress_delay_us(uint64_t *random, bool aimed) {
  switch (random_below(random, aimed ? 8 : 3)) {
  case 0: return 0;
  case 1: return random_below(random, 300);
  case 2: return 1000 << random_below(random, 3);
  default: return 1000 << random_below(random, 5);
  }
}

static gait_options stress_options(const struct stress *stress, uint64_t seed, enum era_aim aim) {
  uint64_t random = seed;
  gait_options options;
  gait_options_init(&options);
  options.barrierless = stress->barrierless;
  options.gogc_percent = 20 + random_below(&random, 200);
  options.min_heap_bytes = (int64_t)1 << (16 + random_below(&random, 7));
  if (options.min_heap_bytes < 1 << 20 && random_below(&random, 2))
    options.min_heap_bytes = 4 << 20;
  options.idle_help = random_below(&random, 2);
  options.inline_bytes = random_below(&random, 2) ? 0 : (int64_t)1 << 40;
  options.young_percent = aim != AIM_INHERIT && random_below(&random, 3) == 0 ? 0 : 100;
  options.cpus = random_below(&random, 4);
  options.huge_pages = random_below(&random, 8) == 0;
  if (random_below(&random, 4) == 0)
    options.reserve_bytes = (int64_t)64 << (20 + random_below(&random, 4));
  if (random_below(&random, 8) == 0)
    options.max_heap_bytes = (int64_t)(48 + random_below(&random, 64)) << 20;
  if (random_below(&random, 4) == 0)
    options.memory_limit_bytes = (int64_t)(16 + random_below(&random, 64)) << 20;
  if (random_below(&random, 4) == 0) options.fail_after_ms = 1 + random_below(&random, 300);
  options.background_percent = 5 + random_below(&random, 60);
  options.debug.seed = (int64_t)(seed >> 2);
  options.debug.checkmark = options.debug.heap_walk = options.debug.poison = 1;
  options.debug.check_free = random_mix(seed + 1) % 4 == 0;
  options.debug.run_bytes = stress_draw(&random, offsetof(gait_options, debug.run_bytes), 4096);
  options.debug.barrier_entries = 2 + random_below(&random, 1u << random_below(&random, 11));
  options.debug.mark_segments =
      stress_draw(&random, offsetof(gait_options, debug.mark_segments), 8);
  options.debug.delay_us = stress_delay_us(&random, aim != AIM_NONE);
  options.debug.collect_every = random_below(&random, 4) ? 0 : 50 + random_below(&random, 2000);
  if (options.young_percent) options.debug.collect_every = 20 + random_below(&random, 300);
  char error[256];
  if (gait_options_from_environment(&options, error, sizeof error) != GAIT_OK) {
    fprintf(stderr, "stress: %s\n", error);
    exit(EXIT_FAILURE);
  }
  return options;
}

static bool stress_is_over(const struct stress *stress, uint64_t cycles) {
  if (stress->cycles && cycles >= stress->cycles) return true;
  return stress->seconds && (uint64_t)(time(NULL) - stress->started) >= stress->seconds;
}

/* ---- One era ---- */

static void stress_empty_pool(const struct graph *graph, gait_thread *thread) {
  while (gait_pool_get(thread, graph->pool)) {
  }
  if (gait_pool_bytes(graph->pool) != 0) graph_fail(graph, "an empty pool has bytes");
}

/* Empties every place and asserts that nothing is left alive. */
static void stress_end_era(struct era *era) {
  struct graph *graph = &era->graph;
  gait_thread *thread = NULL;
  uint32_t id;
  if (gait_thread_attach(graph->heap, "ends", GAIT_STACK_EXACT, &thread) != GAIT_OK)
    graph_fail(graph, "the last thread was not attached");
  coroutines_delete(era->coroutines, graph, thread);
  const graph_place *places[] = {&graph->shared, &graph->plain};
  for (size_t k = 0; k < 2; k++) {
    for (uint32_t i = 0; i < places[k]->count; i++) {
      void *reference = graph_get(graph, places[k], i, &id);
      graph_walk(graph, id, reference, 64);
      graph_put(graph, thread, places[k], i, NULL, 0);
    }
  }
  gait_clear(thread, graph->loose, GRAPH_LOOSE_SLOTS);
  gait_clear(thread, graph->weak, GRAPH_HANDLES);
  gait_clear(thread, graph->tables, GRAPH_TABLES);
  gait_clear(thread, graph->pairs, GRAPH_HANDLES);
  for (uint32_t i = 0; i < GRAPH_HANDLES; i++) {
    if (!graph->handles[i]) continue;
    graph_check(graph, gait_handle_get(graph->handles[i]), graph->handle_ids[i]);
    gait_handle_destroy(thread, graph->handles[i]);
  }
  dying_end(graph, thread);
  stress_empty_pool(graph, thread);
  gait_stats stats;
  gait_cycle_record last;
  if (gait_heap_collect(thread) != GAIT_OK) graph_fail(graph, "the last collection was refused");
  gait_stats_read(graph->heap, &stats);
  if (gait_records_read(graph->heap, stats.cycles, &last, 1) != 1)
    graph_fail(graph, "the last cycle left no record");
  if (last.marked_objects != 0 || stats.external_bytes != 0 || stats.threads != 1 ||
      stats.finalizers != 0)
    graph_fail(graph,
               "at the end %" PRIu64 " objects, %" PRIu64 " external bytes and %" PRIu64
               " threads are left",
               last.marked_objects, stats.external_bytes, stats.threads);
  if (gait_thread_detach(thread) != GAIT_OK) graph_fail(graph, "the last thread was not detached");
}

static struct era *stress_begin_era(struct stress *stress, struct ring *ring) {
  const uint64_t seed = random_mix(stress->seed ^ random_mix(stress->eras++));
  uint64_t random = random_mix(seed + 1);
  const enum era_aim aim = stress_aim(stress, &random);
  gait_options options = stress_options(stress, seed, aim);
  const struct words *words =
      words_choose(stress->tagged || random_mix(seed + 3) % 8 == 0, random_mix(seed + 4));
  if (words->tagged) options.tags = &words->rule;
  options.budget = ring->budget;
  struct era *era = calloc(1, sizeof *era);
  gait_heap *heap = NULL;
  if (!era || gait_heap_create(&options, &heap) != GAIT_OK) {
    fprintf(stderr, "stress: seed %" PRIu64 ": no heap\n", stress->seed);
    exit(EXIT_FAILURE);
  }
  if (random_mix(seed + 5) % 4 == 0) gait_finalizers_start_thread(heap);
  era->seed = seed;
  era->stop = &ring->stop;
  era->settings_change = random_below(&random, 3) == 0;
  if (options.young_percent) era->young_every = (uint32_t)options.debug.collect_every;
  era->aim = aim;
  /* In a child that an emulator forks no thread can be started. */
  era->forks = random_below(&random, 4) == 0 && !TESTS_EMULATED;
  era->frames = stress->frames || (aim == AIM_NONE && random_mix(seed + 2) % 4 == 0);
  if (stress->fibers || (aim == AIM_NONE && random_mix(seed + 5) % 4 == 0))
    era->coroutines = coroutines_new();
  graph_init(&era->graph, heap, words, stress->seed, seed, stress_has_unbarriered(aim, &random));
  return era;
}

static void stress_destroy_era(struct stress *stress, struct era *era) {
  gait_stats stats;
  stress_end_era(era);
  gait_stats_read(era->graph.heap, &stats);
  stress->cycles_done += stats.cycles;
  stress->young_cycles += stats.young_cycles;
  stress->operations += atomic_load(&era->operations);
  stress->objects += stats.alloc_objects;
  stress->lives += atomic_load(&era->lives);
  stress->children += atomic_load(&era->children);
  if (gait_heap_destroy(era->graph.heap) != GAIT_OK)
    graph_fail(&era->graph, "the heap was not destroyed");
  graph_destroy(&era->graph);
  free(era);
}

/* ---- A ring of eras ---- */

static uint64_t ring_cycles(const struct ring *ring) {
  uint64_t cycles = 0;
  gait_stats stats;
  for (uint32_t i = 0; i < ring->heaps; i++) {
    gait_stats_read(ring->eras[i]->graph.heap, &stats);
    cycles += stats.cycles;
  }
  return cycles;
}

static void ring_start_thread(struct ring *ring, uint32_t which, pthread_t *thread) {
  struct era *era = ring->eras[which % ring->heaps];
  if (pthread_create(thread, NULL, mutator_live, era)) graph_fail(&era->graph, "no thread");
}

/* A budget for a third of all rings, too small for some. */
static void ring_create_budget(struct ring *ring, uint64_t draw) {
  const int64_t bytes = (int64_t)(16 + draw / 3 % 96) << 20;
  if (draw % 3 == 0 && gait_budget_create(bytes, &ring->budget) != GAIT_OK) exit(EXIT_FAILURE);
}

static void ring_destroy_budget(const struct stress *stress, struct ring *ring) {
  if (!ring->budget || gait_budget_destroy(ring->budget) == GAIT_OK) return;
  fprintf(stderr, "stress: seed %" PRIu64 ": a budget has members\n", stress->seed);
  exit(EXIT_FAILURE);
}

static void ring_resize_budget(struct ring *ring, uint64_t draw) {
  gait_budget_stats stats;
  gait_budget_set_bytes(ring->budget, (int64_t)(16 + random_mix(draw) % 96) << 20, NULL);
  gait_budget_stats_read(ring->budget, &stats, NULL, 0);
  if (stats.share_bytes > stats.bytes || stats.members != ring->heaps)
    graph_fail(&ring->eras[0]->graph, "the shares are more than the budget");
}

/* Keeps `threads` mutators alive until the ring stops. */
static void ring_run_threads(const struct stress *stress, struct ring *ring, uint32_t threads) {
  pthread_t alive[STRESS_MAX_THREADS];
  for (uint32_t i = 0; i < threads; i++)
    ring_start_thread(ring, i, &alive[i]);
  for (uint32_t next = 0; !atomic_load(&ring->stop); next = (next + 1) % threads) {
    usleep(2000);
    const uint64_t cycles = ring_cycles(ring);
    if (cycles >= ring->most_cycles || stress_is_over(stress, stress->cycles_done + cycles))
      atomic_store(&ring->stop, true);
    if (pthread_tryjoin_np(alive[next], NULL) == 0) ring_start_thread(ring, next, &alive[next]);
    if (ring->budget && next == 0) ring_resize_budget(ring, cycles);
  }
  for (uint32_t i = 0; i < threads; i++)
    pthread_join(alive[i], NULL);
}

static void stress_run_ring(struct stress *stress) {
  struct ring ring = {.heaps = 1};
  uint64_t random = random_mix(stress->seed ^ ~stress->eras);
  if (random_below(&random, 4) == 0) ring.heaps = 2 + random_below(&random, STRESS_MAX_HEAPS - 1);
  ring.most_cycles = 10 + random_below(&random, 60);
  const uint32_t threads =
      stress->threads ? stress->threads : ring.heaps * (3 + random_below(&random, 3));
  ring_create_budget(&ring, random_mix(random + 6));
  for (uint32_t i = 0; i < ring.heaps; i++)
    ring.eras[i] = stress_begin_era(stress, &ring);
  for (uint32_t i = 0; i < ring.heaps; i++)
    ring.eras[i]->next = ring.eras[(i + 1) % ring.heaps];
  ring_run_threads(stress, &ring, threads);
  for (uint32_t i = 0; i < ring.heaps; i++)
    stress_destroy_era(stress, ring.eras[i]);
  ring_destroy_budget(stress, &ring);
}

int main(int argc, char **argv) {
  struct stress stress;
  stress_parse(&stress, argc, argv);
  printf("stress: seed %" PRIu64 "%s\n", stress.seed, stress.barrierless ? ", barrier-less" : "");
  fflush(stdout);
  do
    stress_run_ring(&stress);
  while (!stress_is_over(&stress, stress.cycles_done));
  printf("stress: %" PRIu64 " cycles, %" PRIu64 " of them young, %" PRIu64 " operations, %" PRIu64
         " objects, %" PRIu64 " threads, %" PRIu64 " heaps, %" PRIu64 " forks: nothing lost\n",
         stress.cycles_done, stress.young_cycles, stress.operations, stress.objects, stress.lives,
         stress.eras, stress.children);
  return EXIT_SUCCESS;
}
