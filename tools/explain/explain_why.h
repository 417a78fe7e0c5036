/* explain_why.h: parts of an explanation that stand in files of their own. */
#ifndef GAIT_EXPLAIN_WHY_H
#define GAIT_EXPLAIN_WHY_H

#include <stddef.h>

#include "explain.h"
#include "explain_text.h"

/* The part of max_heap that goals keep: blocks may take all but a sixty-fourth (heap/space.h), and
 * of that a thirty-second is left (cycle/pace.c). */
#define EXPLAIN_HARD_SHARE (63.0 / 64 * 31 / 32)

/* The first sentence. */
void explain_why(const struct explain_cycle *cycle, char *text, size_t bytes);

/* The end of the second, with what explain_choose has chosen. */
void explain_put_advice(const struct explain_cycle *cycle, const struct explanation *explanation,
                        struct explain_text *text);

#endif
