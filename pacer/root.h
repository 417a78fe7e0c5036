/* The square root, without a mathematical library. */
#ifndef GAITI_PACER_ROOT_H
#define GAITI_PACER_ROOT_H

/* 0 for a value below 0 or that is not a number. */
static inline double root_of(double x) {
  if (!(x > 0)) return 0;
  double root = x > 1 ? x : 1;
  for (;;) { /* Newton from above: falls until it has converged */
    double next = 0.5 * (root + x / root);
    if (!(next < root)) return root;
    root = next;
  }
}

#endif
