#include "cycle_blocks.h"

#include <stdlib.h>

const char *const block_names[BLOCK_METRICS] = {
    [BLOCK_GC_SHARE] = "GC CPU",       [BLOCK_CYCLES] = "cycles",
    [BLOCK_ALLOC_RATE] = "allocation", [BLOCK_PEAK] = "peak heap",
    [BLOCK_ASSISTS] = "assists",       [BLOCK_HANDSHAKE] = "slowest handshake",
};

const char *const block_units[BLOCK_METRICS] = {
    [BLOCK_GC_SHARE] = "%", [BLOCK_CYCLES] = "/s",    [BLOCK_ALLOC_RATE] = "MiB/s",
    [BLOCK_PEAK] = "MiB",   [BLOCK_ASSISTS] = "ms/s", [BLOCK_HANDSHAKE] = "ms",
};

/* ---- A cycle ---- */

/* When its marking ended: from there to there is a cycle's time. */
static double block_end_ns(const gait_cycle_record *record) {
  return (double)(record->started_ns + record->start_ns + record->mark_ns + record->end_ns);
}

/* Sums over the cycles of a block. */
struct block_sums {
  double ns, cpu_ns, gc_ns, assist_ns, bytes, peak, handshake;
};

static bool block_follows(const gait_cycle_record *record, const gait_cycle_record *before) {
  return before != NULL && before->cycle + 1 == record->cycle &&
         block_end_ns(record) > block_end_ns(before);
}

static void block_add(struct block_sums *sums, const gait_cycle_record *record,
                      const gait_cycle_record *before) {
  double ns = block_end_ns(record) - block_end_ns(before);
  double peak = (double)record->at_mark_end_bytes, handshake = (double)record->handshake_max_ns;
  sums->ns += ns;
  sums->cpu_ns += ns * record->cpus;
  sums->gc_ns += (double)(record->assist_ns + record->background_ns + record->stopped_cpu_ns);
  sums->assist_ns += (double)record->assist_ns;
  sums->bytes += record->alloc_bytes_per_second * ns / 1e9;
  if (peak > sums->peak) sums->peak = peak;
  if (handshake > sums->handshake) sums->handshake = handshake;
}

static void block_finish(struct block *block, const struct block_sums *sums) {
  double seconds = sums->ns / 1e9;
  block->seconds = seconds;
  if (block->cycles == 0) return;
  block->value[BLOCK_GC_SHARE] = sums->cpu_ns > 0 ? 100 * sums->gc_ns / sums->cpu_ns : 0;
  block->value[BLOCK_CYCLES] = (double)block->cycles / seconds;
  block->value[BLOCK_ALLOC_RATE] = sums->bytes / seconds / 1048576;
  block->value[BLOCK_PEAK] = sums->peak / 1048576;
  block->value[BLOCK_ASSISTS] = sums->assist_ns / 1e6 / seconds;
  block->value[BLOCK_HANDSHAKE] = sums->handshake / 1e6;
}

/* ---- Blocks of records ---- */

static int64_t block_value(const gait_cycle_record *record, enum block_setting setting) {
  switch (setting) {
  case BLOCK_MEMORY_LIMIT: return record->memory_limit_bytes;
  case BLOCK_CPU_CAP: return record->cpu_cap_percent;
  default: return record->gogc_percent;
  }
}

struct block *blocks_of_trial(const gait_cycle_record *records, size_t count,
                              enum block_setting setting, size_t *block_count) {
  struct block *blocks = calloc(count ? count : 1, sizeof *blocks);
  struct block_sums sums = {0};
  size_t made = 0;
  for (size_t i = 0; blocks != NULL && i < count; i++) {
    const gait_cycle_record *record = &records[i], *before = i > 0 ? record - 1 : NULL;
    if (record->trial_block == 0) continue;
    if (made == 0 || blocks[made - 1].number != record->trial_block) {
      if (made > 0) block_finish(&blocks[made - 1], &sums);
      sums = (struct block_sums){0};
      blocks[made++] =
          (struct block){.number = record->trial_block, .setting = block_value(record, setting)};
    }
    if (record->trial_cycle == 0 || !block_follows(record, before)) continue;
    if (block_value(record, setting) != blocks[made - 1].setting) continue; /* the program set it */
    blocks[made - 1].cycles++;
    block_add(&sums, record, before);
  }
  if (made > 0) block_finish(&blocks[made - 1], &sums);
  *block_count = made;
  if (made > 0) return blocks;
  free(blocks);
  return NULL;
}

struct block *blocks_of_run(const gait_cycle_record *records, size_t count, size_t discard,
                            size_t wanted, size_t *block_count) {
  size_t first = discard > 0 ? discard : 1, left = count > first ? count - first : 0;
  size_t made = left < wanted ? left : wanted;
  struct block *blocks = made > 0 ? calloc(made, sizeof *blocks) : NULL;
  *block_count = blocks ? made : 0;
  for (size_t i = 0; i < *block_count; i++) {
    struct block_sums sums = {0};
    blocks[i].number = (uint32_t)i + 1;
    for (size_t at = first + left * i / made; at < first + left * (i + 1) / made; at++) {
      if (!block_follows(&records[at], &records[at - 1])) continue;
      blocks[i].cycles++;
      block_add(&sums, &records[at], &records[at - 1]);
    }
    block_finish(&blocks[i], &sums);
  }
  return blocks;
}

bool blocks_find_setting(const gait_cycle_record *records, size_t count,
                         enum block_setting *setting) {
  const gait_cycle_record *first = NULL;
  for (size_t i = 0; i < count; i++) {
    if (records[i].trial_block == 0) continue;
    if (first == NULL) first = &records[i];
    for (int wanted = BLOCK_GOGC; wanted <= BLOCK_CPU_CAP; wanted++) {
      *setting = (enum block_setting)wanted;
      if (block_value(&records[i], *setting) != block_value(first, *setting)) return true;
    }
  }
  return false;
}

/* ---- Settings compared ---- */

size_t blocks_arms(const struct block *blocks, size_t count, int64_t arms[BLOCK_ARMS]) {
  size_t found = 0;
  for (size_t i = 0; i < count; i++) {
    uint64_t value = (uint64_t)blocks[i].setting; /* off is the largest */
    size_t at = 0;
    while (at < found && (uint64_t)arms[at] < value)
      at++;
    if ((at < found && (uint64_t)arms[at] == value) || found == BLOCK_ARMS) continue;
    for (size_t j = found++; j > at; j--)
      arms[j] = arms[j - 1];
    arms[at] = blocks[i].setting;
  }
  return found;
}

/* The block of that setting in a round that begins at `at`. */
static const struct block *block_of_round(const struct block *blocks, size_t count, size_t at,
                                          size_t arms, int64_t setting) {
  uint32_t round = (blocks[at].number - 1) / (uint32_t)arms;
  for (size_t i = at; i < count && (blocks[i].number - 1) / (uint32_t)arms == round; i++)
    if (blocks[i].setting == setting && blocks[i].cycles > 0) return &blocks[i];
  return NULL;
}

static size_t block_pairs(const struct block *blocks, size_t count, size_t arms, int64_t first,
                          int64_t second, enum block_metric metric, double *differences,
                          double *sums) {
  size_t pairs = 0;
  for (size_t i = 0, next; i < count; i = next) {
    uint32_t round = (blocks[i].number - 1) / (uint32_t)arms;
    for (next = i; next < count && (blocks[next].number - 1) / (uint32_t)arms == round;)
      next++;
    const struct block *one = block_of_round(blocks, count, i, arms, first);
    const struct block *other = block_of_round(blocks, count, i, arms, second);
    if (one == NULL || other == NULL) continue;
    differences[pairs++] = other->value[metric] - one->value[metric];
    sums[0] += one->value[metric];
    sums[1] += other->value[metric];
  }
  return pairs;
}

struct interval blocks_compare_arms(const struct block *blocks, size_t count, size_t arms,
                                    int64_t first, int64_t second, enum block_metric metric,
                                    double *a, double *b) {
  double *differences = calloc(count ? count : 1, sizeof *differences), sums[2] = {0};
  size_t pairs = 0;
  if (differences != NULL)
    pairs = block_pairs(blocks, count, arms, first, second, metric, differences, sums);
  struct interval made = interval_paired(differences, pairs);
  *a = pairs > 0 ? sums[0] / (double)pairs : 0;
  *b = pairs > 0 ? sums[1] / (double)pairs : 0;
  free(differences);
  return made;
}

static size_t block_values(const struct block *blocks, size_t count, enum block_metric metric,
                           double *values, double *mean) {
  size_t found = 0;
  double sum = 0;
  for (size_t i = 0; i < count; i++) {
    if (blocks[i].cycles == 0) continue;
    values[found++] = blocks[i].value[metric];
    sum += blocks[i].value[metric];
  }
  *mean = found > 0 ? sum / (double)found : 0;
  return found;
}

struct interval blocks_compare_runs(const struct block *first, size_t first_count,
                                    const struct block *second, size_t second_count,
                                    enum block_metric metric, double *a, double *b) {
  double *values = calloc(first_count + second_count + 1, sizeof *values);
  struct interval made = {0};
  if (values == NULL) return made;
  size_t of_first = block_values(first, first_count, metric, values, a);
  size_t of_second = block_values(second, second_count, metric, values + of_first, b);
  made = interval_welch(values, of_first, values + of_first, of_second);
  free(values);
  return made;
}
