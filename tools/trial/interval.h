/* interval.h: a difference and its confidence interval.
 *
 * Student's, at 95%: of intervals that are made so, 95 in 100 hold the true difference where the
 * differences are independent and not far from normal.  Means of blocks are, by and large. */
#ifndef GAIT_INTERVAL_H
#define GAIT_INTERVAL_H

#include <stddef.h>

struct interval {
  double mean;
  double low, high; /* infinite where there are too few */
  size_t count;     /* pairs; of two samples, the smaller one's */
};

/* How many standard errors to either side: P(|T| <= it) = 0.95 with so many degrees, 1 or more. */
double interval_quantile(double freedom);

/* Of paired differences d: mean(d) +- t(n - 1) x s / root(n), with s their standard deviation. */
struct interval interval_paired(const double *differences, size_t count);

/* Of the means of two samples (Welch's): mean(b) - mean(a) +- t(v) x root(sa^2/na + sb^2/nb), with
 * v = (sa^2/na + sb^2/nb)^2 / ((sa^2/na)^2 / (na - 1) + (sb^2/nb)^2 / (nb - 1)). */
struct interval interval_welch(const double *a, size_t a_count, const double *b, size_t b_count);

#endif
