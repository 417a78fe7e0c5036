/* paced SHAPE LIVE_MB RATE_MBPS TOTAL_MB [LEAF_SHARE]: a live set of small objects that is replaced
 * at a set rate, for comparing what the collector did with what the law of its pacer predicts.
 *
 *   steady  LIVE_MB all the time                 saw    from 1 to 3 times LIVE_MB, six times
 *   ramp    from 1 to 4 times LIVE_MB            spike  6 times LIVE_MB for a twentieth of the run
 *   step    steady, at 4 times the rate in the second half
 *
 * RATE_MBPS 0: as fast as it goes. */
#include "workload.h"

#include <string.h>

struct paced_node {
  struct paced_node *next;
  unsigned char *payload;
  uint64_t payload_bytes;
  uint64_t value[3];
};

#define PACED_PAYLOAD_BYTES 80u
#define PACED_PAIR_BYTES    (sizeof(struct paced_node) + PACED_PAYLOAD_BYTES)
#define PACED_BATCH         256u
#define PACED_SLACK_SECONDS 0.002 /* shorter waits are left to add up */

_Static_assert(PACED_PAIR_BYTES == 128, "the peers count 48 + 80 bytes a node");

enum paced_shape { PACED_STEADY, PACED_STEP, PACED_RAMP, PACED_SAW, PACED_SPIKE, PACED_SHAPES };

static const struct {
  const char *name;
  uint64_t peak; /* times LIVE_MB */
} paced_shapes[PACED_SHAPES] = {
    [PACED_STEADY] = {"steady", 1}, [PACED_STEP] = {"step", 1},   [PACED_RAMP] = {"ramp", 4},
    [PACED_SAW] = {"saw", 3},       [PACED_SPIKE] = {"spike", 6},
};

struct paced {
  /* On this thread's stack, in a frame. */
  struct paced_node **slots;
  struct paced_node *node; /* while it is made */
  gait_thread *thread;
  gait_kind node_kind, leaf_kind;
  enum paced_shape shape;
  uint64_t live_count, slot_count; /* nodes */
  double rate, total;              /* bytes per second, bytes */
  double leaf_share;
  uint64_t random;
  uint64_t filled; /* slots in use: the first ones */
  uint64_t made;
};

/* How many nodes are to be live when `progress` (0 .. 1) of the work is done. */
static uint64_t paced_wanted(const struct paced *paced, double progress) {
  double live = (double)paced->live_count;
  switch (paced->shape) {
  case PACED_RAMP: return paced->live_count + (uint64_t)(3 * live * progress);
  case PACED_SAW: {
    double turns = progress * 6;
    return paced->live_count + (uint64_t)(2 * live * (turns - (double)(uint64_t)turns));
  }
  case PACED_SPIKE:
    return progress > .5 && progress < .55 ? paced->live_count * 6 : paced->live_count;
  default: return paced->live_count;
  }
}

static void paced_make(struct paced *paced, uint64_t wanted) {
  gait_thread *thread = paced->thread;
  uint64_t random = workload_random(&paced->random);
  struct paced_node *node = gait_alloc(thread, paced->node_kind, sizeof *node);
  paced->node = node;
  if ((double)(random >> 40 & 0xff) / 256 >= paced->leaf_share) {
    gait_store(thread, &node->next, paced->slots[random % paced->slot_count]);
    if (node->next != NULL) gait_store(thread, &node->next, node->next->next);
  }
  gait_store_init(thread, &node->payload,
                  gait_alloc(thread, paced->leaf_kind, PACED_PAYLOAD_BYTES));
  node->payload_bytes = PACED_PAYLOAD_BYTES;
  uint64_t slot = paced->filled < wanted ? paced->filled++ : (random >> 8) % paced->filled;
  gait_store(thread, &paced->slots[slot], node);
  paced->made++;
}

static void paced_sleep(gait_thread *thread, double seconds) {
  gait_thread_leave(thread);
  workload_clock.sleep_ns((uint64_t)(seconds * 1e9));
  gait_thread_enter(thread);
}

static void paced_loop(struct paced *paced, struct workload_result *result) {
  uint64_t start = workload_now_ns();
  double done = 0;
  while (done < paced->total) {
    double progress = done / paced->total;
    uint64_t wanted = paced_wanted(paced, progress);
    double rate = paced->shape == PACED_STEP && progress > .5 ? paced->rate * 4 : paced->rate;
    while (paced->filled > wanted)
      gait_store(paced->thread, &paced->slots[--paced->filled], NULL);
    for (unsigned i = 0; i < PACED_BATCH; i++)
      paced_make(paced, wanted);
    done += PACED_BATCH * PACED_PAIR_BYTES;
    if (rate > 0) {
      double ahead = done / rate - (double)(workload_now_ns() - start) * 1e-9;
      if (ahead > PACED_SLACK_SECONDS) paced_sleep(paced->thread, ahead);
    }
  }
  uint64_t ns = workload_now_ns() - start;
  result->ops = paced->made;
  result->seconds = (double)ns * 1e-9;
  result->ns_per_op = (double)ns / (double)paced->made;
}

/* Counts what is live; every node must be whole. */
static uint64_t paced_checksum(const struct paced *paced) {
  uint64_t sum = paced->random;
  for (uint64_t i = 0; i < paced->slot_count; i++) {
    if (i % 1024 == 0) gait_thread_poll(paced->thread); /* gigabytes take seconds */
    if (paced->slots[i] != NULL)
      sum += paced->slots[i]->payload_bytes + paced->slots[i]->payload[0];
  }
  return sum;
}

static enum workload_status paced_read(const struct workload_input *input, struct paced *paced,
                                       struct workload_result *result) {
  const char *shape = input->argument_count > 0 ? input->arguments[0] : "";
  double live;
  while (paced->shape < PACED_SHAPES && strcmp(shape, paced_shapes[paced->shape].name) != 0)
    paced->shape++;
  if (paced->shape == PACED_SHAPES)
    return workload_stop(result, WORKLOAD_USAGE,
                         "SHAPE: '%s' is not one of steady, step, ramp, saw, spike", shape);
  if (!workload_real(input, 1, "LIVE_MB", 0.001, 1e6, &live, result) ||
      !workload_real(input, 2, "RATE_MBPS", 0, 1e6, &paced->rate, result) ||
      !workload_real(input, 3, "TOTAL_MB", 0.001, 1e9, &paced->total, result))
    return WORKLOAD_USAGE;
  if (input->argument_count > 4 &&
      !workload_real(input, 4, "LEAF_SHARE", 0, 1, &paced->leaf_share, result))
    return WORKLOAD_USAGE;
  paced->rate *= 1e6;
  paced->total *= 1e6;
  paced->live_count = (uint64_t)(live * 1e6 / PACED_PAIR_BYTES);
  paced->slot_count = paced->live_count * paced_shapes[paced->shape].peak;
  return WORKLOAD_OK;
}

static enum workload_status paced_run(const struct workload_input *input,
                                      struct workload_result *result) {
  struct paced paced = {.thread = input->thread,
                        .leaf_kind = gait_kind_leaf(input->heap),
                        .leaf_share = 0.5,
                        .random = 99};
  enum workload_status status = paced_read(input, &paced, result);
  if (status != WORKLOAD_OK) return status;

  gait_kind slots_kind;
  gait_result ready = workload_kind(input->heap, "paced slots", 8, 1, 8, &slots_kind);
  if (ready == GAIT_OK)
    ready =
        workload_kind(input->heap, "paced node", sizeof(struct paced_node), 3, 0, &paced.node_kind);
  if (ready != GAIT_OK)
    return workload_stop(result, WORKLOAD_FAILED, "%s", gait_result_text(ready));

  gait_frame frame;
  gait_frame_push(input->thread, &frame, (void **)&paced.slots, 2);
  paced.slots =
      gait_alloc_array(input->thread, slots_kind, 0, paced.slot_count, sizeof *paced.slots);
  paced_loop(&paced, result);
  result->checksum = paced_checksum(&paced);
  gait_frame_pop(input->thread, &frame);
  workload_figure(result, "live_nominal_bytes", (paced.live_count * PACED_PAIR_BYTES));
  return WORKLOAD_OK;
}

const struct workload workload_paced = {
    .name = "paced",
    .arguments = "SHAPE LIVE_MB RATE_MBPS TOTAL_MB [LEAF_SHARE]",
    .summary = "replaces a live set of LIVE_MB at RATE_MBPS until TOTAL_MB have been allocated; "
               "SHAPE steady, step, ramp, saw or spike",
    .operation = "node",
    .threads_max = 1,
    .exact = true,
    .run = paced_run,
};
