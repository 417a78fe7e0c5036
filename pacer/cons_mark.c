/* The cons/mark ratio: bytes that a processor allocates while running mutators
 * over bytes that it scans while marking.  With it, the pacer foresees how much
 * will be allocated during the next mark. */
#include "decision.h"

enum { CONS_MARK_WINDOW = 5 };

void gaiti_pacer_cons_mark_init(struct gaiti_pacer_cons_mark *cons_mark) {
  *cons_mark = (struct gaiti_pacer_cons_mark){0};
}

void gaiti_pacer_cons_mark_learn(struct gaiti_pacer_cons_mark *cons_mark, double measured) {
  if (!(measured > 0)) return;
  for (int i = GAITI_PACER_CONS_MARK_HISTORY - 1; i > 0; i--)
    cons_mark->history[i] = cons_mark->history[i - 1];
  cons_mark->history[0] = measured;
  if (cons_mark->count < GAITI_PACER_CONS_MARK_HISTORY) cons_mark->count++;

  double largest = 0;
  for (int i = 0; i < cons_mark->count && i < CONS_MARK_WINDOW; i++)
    if (cons_mark->history[i] > largest) largest = cons_mark->history[i];
  cons_mark->estimate = largest;
}
