#include "profile/survival.h"

#include <math.h>

static unsigned survival_log2(uint64_t number) {
  return 63u - (unsigned)__builtin_clzll((unsigned long long)number);
}

unsigned survival_cycles_class(uint64_t cycles) {
  return cycles < 4 ? (unsigned)cycles : survival_log2(cycles) + 2;
}

double survival_cycles_of(unsigned class_number) {
  return class_number < 4 ? class_number : ldexp(1, (int)class_number - 2);
}

unsigned survival_bytes_class(uint64_t bytes) {
  if (bytes < 4) return (unsigned)bytes;
  unsigned log2 = survival_log2(bytes);
  return log2 * 4 - 4 + (unsigned)(bytes >> (log2 - 2) & 3);
}

double survival_bytes_of(unsigned class_number) {
  if (class_number < 4) return class_number;
  return ldexp(class_number % 4 + 4, (int)class_number / 4 - 1);
}

/* At risk in a class are those that die in it or later, and those that live and are older. */
void survival_curve(const struct survival *survival, double share[SURVIVAL_CLASSES]) {
  double risk[SURVIVAL_CLASSES], later = 0, left = 1;
  for (int i = SURVIVAL_CLASSES - 1; i >= 0; i--) {
    risk[i] = later + survival->dead[i];
    later += survival->dead[i] + survival->live[i];
  }
  for (int i = 0; i < SURVIVAL_CLASSES; i++) {
    if (risk[i] > 0) left *= 1 - survival->dead[i] / risk[i];
    share[i] = left;
  }
}

int survival_last(const struct survival *survival) {
  int last = SURVIVAL_CLASSES - 1;
  while (last >= 0 && survival->dead[last] == 0 && survival->live[last] == 0)
    last--;
  return last;
}
