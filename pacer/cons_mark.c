/* The cons/mark ratio: bytes that a processor allocates while it runs mutators,
 * over bytes that it scans while it marks.  One cycle gives one measurement; the
 * next cycle's ratio is foretold by the newest five: their mean is what to
 * expect, their maximum what to be prepared for.  What is made of the two stands
 * in runway.c.
 *
 * A measurement far above all others is taken as the program's new pace, and the
 * older ones are forgotten, since they would only hold the mean down.  One far
 * below is not: it may be a lull, and to believe it costs assists.  Nor is one
 * below what is expected when mutators had to wait: they were kept from allocating,
 * and a goal made from that would keep them from it for ever.
 *
 * Beside each stands what it comes down to with the idle marking of its cycle: the ratio at which
 * the workers' share alone would have seen as much allocated while it marked. */
#include "decision.h"

static const double cons_mark_step = 1.25; /* this much over the largest is far above */

void gaiti_pacer_cons_mark_init(struct gaiti_pacer_cons_mark *cons_mark) {
  *cons_mark = (struct gaiti_pacer_cons_mark){0};
}

void gaiti_pacer_cons_mark_learn(struct gaiti_pacer_cons_mark *cons_mark, double measured,
                                 double helped) {
  if (!(measured > 0)) return; /* the cycle showed nothing: keep what is known */
  if (measured > cons_mark_step * cons_mark->largest) cons_mark->count = 0;
  for (int i = GAITI_PACER_CONS_MARK_HISTORY - 1; i > 0; i--) {
    cons_mark->history[i] = cons_mark->history[i - 1];
    cons_mark->helped[i] = cons_mark->helped[i - 1];
  }
  cons_mark->history[0] = measured;
  cons_mark->helped[0] = helped;
  if (cons_mark->count < GAITI_PACER_CONS_MARK_HISTORY) cons_mark->count++;

  /* As a distance from the newest, so that equal measurements give that value exactly. */
  double above = 0, largest = measured, largest_helped = helped;
  for (int i = 1; i < cons_mark->count; i++) {
    above += cons_mark->history[i] - measured;
    if (cons_mark->history[i] > largest) largest = cons_mark->history[i];
    if (cons_mark->helped[i] > largest_helped) largest_helped = cons_mark->helped[i];
  }
  cons_mark->likely = measured + above / cons_mark->count;
  cons_mark->largest = largest;
  cons_mark->largest_helped = largest_helped;
}
