/* virtual_runs FILE [--write]: the collector on a virtual machine, in several settings, with one
 * thread and with more.  What comes out is in FILE, to the bit: with every compiler and machine. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gait/tune.h"
#include "os/virtual.h"

#define RUNS_THREADS 4

struct runs_setting {
  const char *name;
  const char *options[3]; /* NAME=VALUE */
  unsigned cpus, threads;
  unsigned live, made; /* objects, of each thread */
  uint64_t sleep_ns;   /* after each thousand */
};

static const struct runs_setting runs_settings[] = {
    {"gogc 100", {NULL}, 2, 1, 60000, 600000, 0},
    {"gogc 100, one CPU", {NULL}, 1, 1, 60000, 600000, 0},
    {"gogc 400, eight CPUs", {"gogc=400"}, 8, 1, 60000, 900000, 0},
    {"gogc 50, no idle help", {"gogc=50", "idle_help=off"}, 2, 1, 60000, 600000, 0},
    {"at a rate", {NULL}, 2, 1, 60000, 600000, 1000000},
    {"a small heap", {NULL}, 2, 1, 3000, 600000, 0},
    {"memory limit", {"gogc=off", "memory_limit=16MiB"}, 2, 1, 60000, 600000, 0},
    {"memory limit out of reach", {"gogc=off", "memory_limit=6MiB"}, 2, 1, 60000, 300000, 0},
    {"CPU budget", {"policy=cpu-budget", "cpu_budget=5"}, 2, 1, 60000, 600000, 0},
    {"square root", {"policy=square-root"}, 2, 1, 60000, 600000, 0},
    {"young cycles off", {"young=off"}, 2, 1, 60000, 600000, 0},
    {"two threads", {NULL}, 2, 2, 30000, 300000, 0},
    {"four threads", {NULL}, 2, 4, 15000, 150000, 0},
    {"four threads at a rate, four CPUs", {NULL}, 4, 4, 15000, 150000, 1000000},
};

struct runs_node {
  struct runs_node *next;
  uint64_t number;
  uint64_t rest[6];
};

struct runs_part {
  gait_heap *heap;
  gait_kind array, node;
  const struct runs_setting *setting;
  pthread_t thread;
  uint64_t sum;
};

/* What cycles were like, as one number (FNV). */
static uint64_t runs_digest;

static void runs_note(gait_heap *heap, const struct gait_cycle_record *record, void *arg) {
  const uint64_t numbers[] = {record->started_ns,
                              record->trigger_bytes,
                              record->goal_bytes,
                              record->at_trigger_bytes,
                              record->at_mark_end_bytes,
                              record->marked_bytes,
                              record->scan_bytes,
                              record->mark_ns,
                              record->assist_ns,
                              record->background_ns,
                              record->idle_ns};
  (void)heap, (void)arg;
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    runs_digest = (runs_digest ^ numbers[i]) * UINT64_C(0x100000001b3);
}

static void runs_fail(const char *why) {
  fprintf(stderr, "virtual_runs: %s\n", why);
  exit(1);
}

/* Replaces objects at random in a live set of its own. */
static void runs_work(struct runs_part *part, gait_thread *thread) {
  struct {
    struct runs_node **set;
    struct runs_node *node;
  } roots = {NULL, NULL};
  gait_frame frame;
  uint64_t random = 88172645463325252u;
  unsigned live = part->setting->live;
  gait_frame_push(thread, &frame, (void **)&roots, 2);
  roots.set = gait_alloc_array(thread, part->array, 0, live, sizeof *roots.set);
  for (unsigned i = 0; i < part->setting->made; i++) {
    random ^= random << 13, random ^= random >> 7, random ^= random << 17;
    roots.node = gait_alloc(thread, part->node, sizeof *roots.node);
    if (!roots.set || !roots.node) runs_fail("out of memory");
    roots.node->number = random;
    struct runs_node *other = roots.set[(random >> 32) % live];
    if (other && random % 4 == 0) gait_store(thread, &roots.node->next, other);
    if (other && other->next) gait_store(thread, &other->next, NULL);
    gait_store(thread, &roots.set[i < live ? i : random % live], roots.node);
    if (i % 1000 != 999 || part->setting->sleep_ns == 0) continue;
    gait_thread_leave(thread);
    gaiti_os_sleep_ns(part->setting->sleep_ns);
    gait_thread_enter(thread);
  }
  for (unsigned i = 0; i < live; i++)
    part->sum += roots.set[i]->number;
  gait_frame_pop(thread, &frame);
}

static void *runs_thread(void *arg) {
  struct runs_part *part = arg;
  gait_thread *thread;
  if (gait_thread_attach(part->heap, "part", GAIT_STACK_EXACT, &thread) != GAIT_OK)
    runs_fail("a thread could not be attached");
  runs_work(part, thread);
  gait_thread_detach(thread);
  return NULL;
}

static gait_heap *runs_heap(const struct runs_setting *setting) {
  gait_options options;
  gait_heap *heap;
  char error[200], name[64];
  gait_options_init(&options);
  for (int i = 0; i < 3 && setting->options[i]; i++) {
    const char *equals = strchr(setting->options[i], '=');
    snprintf(name, sizeof name, "%.*s", (int)(equals - setting->options[i]), setting->options[i]);
    if (gait_options_set(&options, name, equals + 1, error, sizeof error) != GAIT_OK)
      runs_fail(error);
  }
  options.cycle = runs_note;
  if (gait_heap_create(&options, &heap) != GAIT_OK) runs_fail("no heap");
  return heap;
}

static void runs_kinds(struct runs_part *part) {
  const uint64_t first = 1;
  gait_kind_info array = {.name = "array",
                          .form = GAIT_KIND_POINTERS,
                          .map_bytes = 8,
                          .pointer_map = &first,
                          .repeat_bytes = 8};
  gait_kind_info node = {.name = "node",
                         .form = GAIT_KIND_POINTERS,
                         .map_bytes = sizeof(struct runs_node),
                         .pointer_map = &first};
  if (gait_kind_register(part->heap, &array, &part->array) != GAIT_OK ||
      gait_kind_register(part->heap, &node, &part->node) != GAIT_OK)
    runs_fail("no kinds");
}

static void runs_tell(const struct runs_setting *setting, const struct runs_part *parts, char *line,
                      size_t line_bytes) {
  gait_stats stats;
  uint64_t sum = 0;
  gait_stats_read(parts->heap, &stats);
  for (unsigned i = 0; i < setting->threads; i++)
    sum += parts[i].sum;
  snprintf(line, line_bytes,
           "%s: %llu cycles, %llu young; %llu ns, CPU %llu assist %llu background %llu idle; goal "
           "%llu; cycles %016llx, objects %016llx\n",
           setting->name, (unsigned long long)stats.cycles, (unsigned long long)stats.young_cycles,
           (unsigned long long)gaiti_os_now_ns(), (unsigned long long)stats.gc_assist_ns,
           (unsigned long long)stats.gc_background_ns, (unsigned long long)stats.gc_idle_ns,
           (unsigned long long)stats.goal_bytes, (unsigned long long)runs_digest,
           (unsigned long long)sum);
}

static void runs_make(const struct runs_setting *setting, char *line, size_t line_bytes) {
  struct gaiti_virtual machine = GAITI_VIRTUAL_DEFAULT;
  struct runs_part parts[RUNS_THREADS] = {{0}};
  machine.cpus = setting->cpus;
  runs_digest = UINT64_C(0xcbf29ce484222325);
  gaiti_virtual_begin(&machine);
  parts[0].heap = runs_heap(setting);
  parts[0].setting = setting;
  runs_kinds(&parts[0]);
  for (unsigned i = 1; i < setting->threads; i++) {
    parts[i] = parts[0];
    if (!gaiti_os_thread_start(&parts[i].thread, runs_thread, &parts[i])) runs_fail("no thread");
  }
  runs_thread(&parts[0]);
  for (unsigned i = 1; i < setting->threads; i++)
    gaiti_os_thread_join(parts[i].thread);
  runs_tell(setting, parts, line, line_bytes);
  gait_heap_destroy(parts[0].heap);
  gaiti_virtual_end();
}

int main(int argc, char **argv) {
  bool writes = argc > 2 && strcmp(argv[2], "--write") == 0;
  FILE *file = argc > 1 ? fopen(argv[1], writes ? "w" : "r") : NULL;
  int wrong = 0;
  if (file == NULL) runs_fail("a file is wanted");
  for (size_t i = 0; i < sizeof runs_settings / sizeof *runs_settings; i++) {
    char line[500], wanted[500] = "";
    runs_make(&runs_settings[i], line, sizeof line);
    if (writes) {
      fputs(line, file);
    } else if (fgets(wanted, sizeof wanted, file) == NULL || strcmp(line, wanted) != 0) {
      printf("wanted: %s\ncame:   %s", wanted, line);
      wrong++;
    }
  }
  fclose(file);
  return wrong > 0;
}
