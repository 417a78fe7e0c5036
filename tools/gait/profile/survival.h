/* survival.h: how long objects live, from samples of which some live still.
 *
 * An age is a count of cycles, or of bytes allocated; ages come in classes, and each class has the
 * weight of the samples that died at that age, and of those that are of that age and live.  The
 * share that survives an age is the product of the shares that survive each class up to it, as
 * Kaplan and Meier have it: a sample that lives counts up to its age, and says nothing of later
 * ones. */
#ifndef GAIT_SURVIVAL_H
#define GAIT_SURVIVAL_H

#include <stdint.h>

#define SURVIVAL_CLASSES 256

struct survival {
  double dead[SURVIVAL_CLASSES];
  double live[SURVIVAL_CLASSES];
};

/* Classes of cycles: each count below 4, then powers of two; of bytes: four to a doubling. */
unsigned survival_cycles_class(uint64_t cycles);
unsigned survival_bytes_class(uint64_t bytes);

/* The least age of a class. */
double survival_cycles_of(unsigned class_number);
double survival_bytes_of(unsigned class_number);

/* share[i]: of all, those that outlive class i.  A class of which nothing is known has that of the
 * one before. */
void survival_curve(const struct survival *survival, double share[SURVIVAL_CLASSES]);

/* The last class of which something is known; -1: there is none. */
int survival_last(const struct survival *survival);

#endif
