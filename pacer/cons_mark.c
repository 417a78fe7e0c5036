/* The cons/mark ratio: bytes that a CPU allocates while it runs mutators, over bytes that it
 * scans while it marks.  One cycle gives one measurement; the next cycle's ratio is foretold by
 * the newest five: their mean is to be expected, their maximum to be prepared for.  Between the
 * two lies the ratio that has come more than once, or has come just now: the second largest, or
 * the newest if that is larger.  A single bad cycle is in it for one cycle, a change for good at
 * once.  The use of the three stands in runway.c.
 *
 * A measurement far above all others is taken as the program's new pace, and the older ones are
 * forgotten, since they would only hold the mean down.  One far below is not: it may be a lull,
 * and to believe it costs assists.  Nor is one below the expected one when mutators had to wait:
 * they were kept from allocating, and a goal made from that would keep them from it for ever.
 *
 * Beside each stands its value with the idle marking of its cycle: the ratio at which the workers'
 * share alone would have seen as much allocated while it marked. */
#include "decision.h"

static const double cons_mark_step = 1.25; /* this much over the largest is far above */

void gaiti_pacer_cons_mark_init(struct gaiti_pacer_cons_mark *cons_mark) {
  *cons_mark = (struct gaiti_pacer_cons_mark){0};
}

/* The second largest of `count` values, but not less than the first. */
static double cons_mark_recurring(const double *values, int count) {
  double largest = values[0], second = values[0];
  for (int i = 1; i < count; i++) {
    if (values[i] > largest) {
      second = largest;
      largest = values[i];
    } else if (values[i] > second)
      second = values[i];
  }
  return second;
}

void gaiti_pacer_cons_mark_learn(struct gaiti_pacer_cons_mark *cons_mark, double measured,
                                 double helped) {
  if (!(measured > 0)) return; /* the cycle showed nothing: keep the values known */
  if (measured > cons_mark_step * cons_mark->largest) cons_mark->count = 0;
  for (int i = GAITI_PACER_CONS_MARK_HISTORY - 1; i > 0; i--) {
    cons_mark->history[i] = cons_mark->history[i - 1];
    cons_mark->helped[i] = cons_mark->helped[i - 1];
  }
  cons_mark->history[0] = measured;
  cons_mark->helped[0] = helped;
  if (cons_mark->count < GAITI_PACER_CONS_MARK_HISTORY) cons_mark->count++;

  /* As a distance from the newest, so that equal measurements give that value exactly. */
  double above = 0, largest = measured;
  for (int i = 1; i < cons_mark->count; i++) {
    above += cons_mark->history[i] - measured;
    if (cons_mark->history[i] > largest) largest = cons_mark->history[i];
  }
  cons_mark->likely = measured + above / cons_mark->count;
  cons_mark->largest = largest;
  cons_mark->recurring = cons_mark_recurring(cons_mark->history, cons_mark->count);
  cons_mark->recurring_helped = cons_mark_recurring(cons_mark->helped, cons_mark->count);
}
