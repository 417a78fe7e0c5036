/* bell.h: a signal by which the user of a program asks for something.  Its handler rings bells, for
 * each of which a thread waits. */
#ifndef GAITI_OS_BELL_H
#define GAITI_OS_BELL_H

#include <stdbool.h>

#define GAITI_NO_BELL (-1)

/* A bell that the signal rings from now on.  GAITI_NO_BELL: the program has set the signal's
 * disposition, or too many bells are taken. */
int gaiti_bell_take(int signal);

/* Waits until it has been rung, once for each ring. */
void gaiti_bell_wait(int bell);

/* Rings it, and gives it back: no thread waits for it. */
void gaiti_bell_ring(int bell);
void gaiti_bell_give(int bell);

#endif
