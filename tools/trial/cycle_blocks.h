/* cycle_blocks.h: what matters of a block of cycles, and blocks compared. */
#ifndef GAIT_CYCLE_BLOCKS_H
#define GAIT_CYCLE_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gait/tune.h"
#include "interval.h"

enum block_metric {
  BLOCK_GC_SHARE,   /* of all CPU: assists, background marking and stopped threads */
  BLOCK_CYCLES,     /* a second */
  BLOCK_ALLOC_RATE, /* bytes a second */
  BLOCK_PEAK,       /* bytes: the largest heap at an end of marking */
  BLOCK_ASSISTS,    /* CPU time of threads that had to mark, in ms a second */
  BLOCK_HANDSHAKE,  /* the slowest, in ms */
  BLOCK_METRICS
};

extern const char *const block_names[BLOCK_METRICS];
extern const char *const block_units[BLOCK_METRICS];

/* Cycles that follow one another with one setting. */
struct block {
  uint32_t number; /* of a trial, from 1 */
  int64_t setting;
  size_t cycles; /* that count */
  double seconds;
  double value[BLOCK_METRICS];
};

enum block_setting { BLOCK_GOGC, BLOCK_MEMORY_LIMIT, BLOCK_CPU_CAP };

/* The blocks of a trial, to be freed; cycles that do not count are left out, and so is one whose
 * predecessor's record is lost: when it began is not known.  NULL: out of memory, or there are
 * none. */
struct block *blocks_of_trial(const gait_cycle_record *records, size_t count,
                              enum block_setting setting, size_t *block_count);

/* So many blocks of equally many cycles, without the first `discard` of all. */
struct block *blocks_of_run(const gait_cycle_record *records, size_t count, size_t discard,
                            size_t blocks, size_t *block_count);

/* The setting that takes turns, by what differs; false where none does. */
bool blocks_find_setting(const gait_cycle_record *records, size_t count,
                         enum block_setting *setting);

#define BLOCK_ARMS 8

/* The settings of the blocks, in the order of their values; returns how many. */
size_t blocks_arms(const struct block *blocks, size_t count, int64_t arms[BLOCK_ARMS]);

/* Two settings by their blocks of the same rounds: rounds that lack a block of one are left out.
 * *a and *b are the means. */
struct interval blocks_compare_arms(const struct block *blocks, size_t count, size_t arms,
                                    int64_t first, int64_t second, enum block_metric metric,
                                    double *a, double *b);

/* Two runs by all of their blocks. */
struct interval blocks_compare_runs(const struct block *first, size_t first_count,
                                    const struct block *second, size_t second_count,
                                    enum block_metric metric, double *a, double *b);

#endif
