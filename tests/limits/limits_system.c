/* Limits that the system sets: addresses, and a share of a CPU. */
#include "limits_world.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- A limit on addresses ---- */

static size_t system_virtual_bytes(void) {
  unsigned long pages = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  MUST(file && fscanf(file, "%lu", &pages) == 1);
  fclose(file);
  return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* Keeps nodes until no more is to be had; returns how many. */
static uint64_t system_fill(struct limits_world *world) {
  for (uint64_t count = 0;; count++) {
    struct limits_node *node = gait_alloc(world->thread, world->node, 4 * KIB);
    if (!node) return count;
    node->number = count;
    gait_store_init(world->thread, &node->next, world->slots[0]);
    world->slots[0] = node;
  }
}

static void system_addresses(void) {
  const rlim_t limit = system_virtual_bytes() + 200 * MIB;
  MUST(setrlimit(RLIMIT_AS, &(struct rlimit){limit, limit}) == 0);
  struct limits_world world;
  const gait_options options = limits_options();
  limits_open(&world, &options);
  const gait_stats stats = limits_stats(&world);
  /* The program needs addresses, too: half of what there was is left. */
  MUST(stats.reserved_bytes > 0 && stats.reserved_bytes <= 100 * MIB);
  uint64_t count = 0;
  for (int round = 0; round < 3; round++) {
    count = system_fill(&world);
    MUST(count * 4 * KIB > stats.reserved_bytes / 2);
    limits_check_list(&world, count);
    MUST(!gait_alloc(world.thread, world.node, MIB));
    world.slots[0] = NULL;
  }
  MUST(gait_heap_collect(world.thread) == GAIT_OK);
  MUST(gait_alloc(world.thread, world.node, MIB));
  printf("limits: 200 MiB of addresses: %.1f MiB reserved, %llu nodes of 4 KiB\n",
         (double)stats.reserved_bytes / (double)MIB, (unsigned long long)count);
  limits_close(&world);
}

/* ---- A quota of half a CPU ---- */

struct system_group {
  const char *mount;
  char folder[128];
  bool unified;
};

static bool system_write(const char *folder, const char *name, const char *text) {
  char path[192];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *file = fopen(path, "w");
  if (!file) return false;
  const bool written = fputs(text, file) >= 0;
  return (fclose(file) == 0) & written;
}

static bool system_set_quota(const struct system_group *group, const char *quota) {
  char text[64];
  if (!group->unified)
    return system_write(group->folder, "cpu.cfs_period_us", "100000") &&
           system_write(group->folder, "cpu.cfs_quota_us", quota);
  snprintf(text, sizeof text, "%s 100000", quota);
  return system_write(group->folder, "cpu.max", text);
}

static bool system_join(const char *folder) {
  char text[32];
  snprintf(text, sizeof text, "%d", (int)getpid());
  return system_write(folder, "cgroup.procs", text);
}

static bool system_enter_group(struct system_group *group, const char *mount, bool unified) {
  *group = (struct system_group){.mount = mount, .unified = unified};
  snprintf(group->folder, sizeof group->folder, "%s/gait-limits-%d", mount, (int)getpid());
  if (mkdir(group->folder, 0755) != 0) return false;
  if (system_set_quota(group, "50000") && system_join(group->folder)) return true;
  rmdir(group->folder);
  return false;
}

static void system_leave_group(const struct system_group *group) {
  system_join(group->mount);
  rmdir(group->folder);
}

static double system_cpus(struct limits_world *world) {
  MUST(gait_heap_collect(world->thread) == GAIT_OK);
  return limits_last_cycle(world).cpus;
}

/* Collects until a cycle has more CPUs than `old`: the quota is not read for each. */
static double system_await_cpus(struct limits_world *world, double old) {
  double cpus = old;
  for (int i = 0; i < 100 && cpus == old; i++) {
    usleep(100000);
    cpus = system_cpus(world);
  }
  return cpus;
}

static void system_quota(void) {
  struct system_group group;
  if (!system_enter_group(&group, "/sys/fs/cgroup/cpu", false) &&
      !system_enter_group(&group, "/sys/fs/cgroup", true))
    limits_skip("no control group can be made");
  struct limits_world world;
  gait_options options = limits_options();
  options.min_heap_bytes = 4 << 20;
  limits_open(&world, &options);
  const double half = system_cpus(&world);
  for (int i = 0; i < 20000; i++)
    limits_keep(&world, 64);
  const struct limits_meter before = limits_meter_read(&world);
  for (int i = 0; i < (limits_full() ? 4000000 : 1600000); i++)
    MUST(gait_alloc(world.thread, world.node, 64));
  const struct limits_meter after = limits_meter_read(&world);
  const uint64_t cycles = limits_stats(&world).cycles;
  limits_check_list(&world, 20000);
  const bool raised = system_set_quota(&group, "150000");
  const double more = system_await_cpus(&world, half);
  limits_close(&world);
  system_leave_group(&group);
  printf("limits: a quota of half a CPU, read as %g: %llu cycles, GC took %.1f%% of it\n", half,
         (unsigned long long)cycles, limits_gc_share(&before, &after, 0.5) * 100);
  MUST(half == 0.5);
  MUST(cycles > 3);
  MUST(raised && more > 0.5 && more <= 1.5);
}

const struct run_case limits_cases_system[] = {
    {"addresses", system_addresses},
    {"half_a_cpu", system_quota},
    {NULL, NULL},
};
