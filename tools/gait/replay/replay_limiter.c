/* The CPU limiter's script: one operation a row, and the state after it. */
#include "replay_check.h"

#include <stdio.h>
#include <string.h>

enum limiter_column {
  COLUMN_OP,
  COLUMN_NOW,
  COLUMN_ARG,
  COLUMN_ENABLE,
  COLUMN_PROCS,
  COLUMN_FILL,
  COLUMN_CAPACITY,
  COLUMN_OVERFLOW,
  COLUMN_LIMITING,
  COLUMN_NEED_UPDATE,
  COLUMNS
};

static const char *const limiter_columns[COLUMNS] = {
    "op",   "now_ns",   "arg_ns",   "arg_gc_enable", "arg_procs",
    "fill", "capacity", "overflow", "limiting",      "need_update"};

struct limiter_run {
  const struct replay_table *script;
  int column[COLUMNS];
  struct gaiti_pacer_limiter limiter;
  bool created;
  replay_complain *complain;
  void *context;
  struct replay_tally *tally;
  struct replay_error *error;
};

static bool limiter_cell(struct limiter_run *run, size_t row, enum limiter_column column,
                         int64_t *out) {
  return replay_table_integer(run->script, row, run->column[column], NULL, out, run->error);
}

/* Compares where the script says something. */
static bool limiter_expect(struct limiter_run *run, size_t row, enum limiter_column column,
                           int64_t actual) {
  char text[256];
  int64_t wanted;
  if (*replay_table_text(run->script, row, run->column[column]) == 0) return true;
  if (!limiter_cell(run, row, column, &wanted)) return false;
  run->tally->checks++;
  if (wanted == actual) return true;
  run->tally->failed++;
  if (run->complain == NULL) return true;
  snprintf(text, sizeof text, "limiter: line %d: %s is %lld, not %lld", run->script->lines[row],
           limiter_columns[column], (long long)actual, (long long)wanted);
  run->complain(run->context, text);
  return true;
}

static bool limiter_cpus(struct limiter_run *run, size_t row, int64_t *cpus) {
  if (!limiter_cell(run, row, COLUMN_PROCS, cpus)) return false;
  if (*cpus >= 1 && *cpus <= 1000000) return true;
  return replay_table_fail(run->script, row, run->error, "arg_procs is outside 1 .. 1000000");
}

static bool limiter_create(struct limiter_run *run, size_t row, int64_t now_ns) {
  struct gaiti_pacer_config config = gaiti_pacer_config_default();
  int64_t cpus;
  if (!limiter_cpus(run, row, &cpus)) return false;
  gaiti_pacer_limiter_init(&run->limiter, now_ns, (double)cpus, config.background_share,
                           config.cpu_cap);
  run->created = true;
  return true;
}

static bool limiter_check_empty(struct limiter_run *run) {
  const struct gaiti_pacer_limiter *limiter = &run->limiter;
  int64_t procs = (int64_t)limiter->cpus;
  run->tally->checks++;
  if (limiter->fill_ns == 0 && limiter->capacity_ns == procs * 1000000000) return true;
  run->tally->failed++;
  if (run->complain != NULL)
    run->complain(run->context, "limiter: the bucket is not empty or not a second a CPU");
  return true;
}

static bool limiter_operate(struct limiter_run *run, size_t row, const char *op, int64_t now_ns) {
  struct gaiti_pacer_limiter *limiter = &run->limiter;
  int64_t arg;
  if (strcmp(op, "new") == 0) return limiter_create(run, row, now_ns);
  if (!run->created)
    return replay_table_fail(run->script, row, run->error, "op \"%.40s\" before \"new\"", op);
  if (strcmp(op, "check") == 0) return limiter_check_empty(run);
  if (strcmp(op, "need_update") == 0) return true;
  if (strcmp(op, "update") == 0) {
    gaiti_pacer_limiter_update(limiter, now_ns);
  } else if (strcmp(op, "add_assist_time") == 0) {
    if (!limiter_cell(run, row, COLUMN_ARG, &arg)) return false;
    gaiti_pacer_limiter_add_assist(limiter, arg);
  } else if (strcmp(op, "add_idle_time") == 0) {
    if (!limiter_cell(run, row, COLUMN_ARG, &arg)) return false;
    gaiti_pacer_limiter_add_idle(limiter, arg);
  } else if (strcmp(op, "start_transition") == 0) {
    if (!limiter_cell(run, row, COLUMN_ENABLE, &arg)) return false;
    gaiti_pacer_limiter_start_transition(limiter, now_ns, arg != 0);
  } else if (strcmp(op, "finish_transition") == 0) {
    gaiti_pacer_limiter_finish_transition(limiter, now_ns);
  } else if (strcmp(op, "reset_capacity") == 0) {
    if (!limiter_cpus(run, row, &arg)) return false;
    gaiti_pacer_limiter_set_cpus(limiter, now_ns, (double)arg);
  } else {
    return replay_table_fail(run->script, row, run->error, "no op \"%.40s\"", op);
  }
  return true;
}

static bool limiter_row(struct limiter_run *run, size_t row) {
  const struct gaiti_pacer_limiter *limiter = &run->limiter;
  const char *op = replay_table_text(run->script, row, run->column[COLUMN_OP]);
  int64_t now_ns;
  if (!limiter_cell(run, row, COLUMN_NOW, &now_ns)) return false;
  if (now_ns < 0) return replay_table_fail(run->script, row, run->error, "now_ns is below 0");
  if (!limiter_operate(run, row, op, now_ns)) return false;
  return limiter_expect(run, row, COLUMN_FILL, limiter->fill_ns) &&
         limiter_expect(run, row, COLUMN_CAPACITY, limiter->capacity_ns) &&
         limiter_expect(run, row, COLUMN_OVERFLOW, limiter->overflow_ns) &&
         limiter_expect(run, row, COLUMN_LIMITING, gaiti_pacer_limiter_limiting(limiter)) &&
         limiter_expect(run, row, COLUMN_NEED_UPDATE,
                        gaiti_pacer_limiter_needs_update(limiter, now_ns));
}

bool replay_check_limiter(const struct replay_table *script, replay_complain *complain,
                          void *context, struct replay_tally *tally, struct replay_error *error) {
  struct limiter_run run = {
      .script = script, .complain = complain, .context = context, .tally = tally, .error = error};
  if (script->rows == 0) return true;
  for (int i = 0; i < COLUMNS; i++)
    if (!replay_table_need(script, limiter_columns[i], &run.column[i], error)) return false;
  for (size_t row = 0; row < script->rows; row++)
    if (!limiter_row(&run, row)) return false;
  return true;
}
