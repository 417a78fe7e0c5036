/* Quantities over time.  Jitter is a hash of seed, quantity and cycle, so that a simulation is the
 * same on every machine and in every shard. */
#include "sim_program.h"

#include <math.h>

static double shape_recorded(const struct sim_shape *shape, double seconds) {
  size_t low = 0, high = shape->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (shape->times[middle] < seconds)
      low = middle + 1;
    else
      high = middle;
  }
  if (low == 0) return shape->values[0];
  if (low == shape->count) return shape->values[low - 1];
  double span = shape->times[low] - shape->times[low - 1];
  double share = span > 0 ? (seconds - shape->times[low - 1]) / span : 1;
  return shape->values[low - 1] + (shape->values[low] - shape->values[low - 1]) * share;
}

static double shape_value(const struct sim_shape *shape, double seconds) {
  switch (shape->form) {
  case SIM_CONSTANT: return shape->from;
  case SIM_STEP: return seconds < shape->at ? shape->from : shape->to;
  case SIM_RAMP:
    return shape->from +
           (shape->to - shape->from) * fmin(fmax((seconds - shape->at) / shape->over, 0), 1);
  case SIM_OSCILLATION:
    return shape->from + shape->to * sin(2 * 3.14159265358979323846 * seconds / shape->over);
  case SIM_RECORDED: return shape_recorded(shape, seconds);
  }
  return shape->from;
}

/* In [-1, 1). */
static double shape_noise(uint64_t seed, uint64_t quantity, uint64_t cycle) {
  uint64_t z = seed * UINT64_C(0x9e3779b97f4a7c15) + (cycle * SIM_QUANTITIES + quantity);
  z *= UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  z ^= z >> 31;
  return (double)(z >> 11) / 4503599627370496.0 - 1;
}

double sim_program_value(const struct sim_program *program, enum sim_quantity quantity,
                         double seconds, uint64_t cycle) {
  const struct sim_shape *shape = &program->shapes[quantity];
  double value = shape_value(shape, seconds);
  if (shape->jitter > 0)
    value *= 1 + shape->jitter * shape_noise(program->seed, (uint64_t)quantity, cycle);
  if (quantity == SIM_SCANNABLE) return fmin(fmax(value, 0), 1);
  return fmax(value, quantity == SIM_RATE ? 1 : 0);
}
