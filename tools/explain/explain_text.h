/* explain_text.h: sizes, times and shares as people read them, put into a text of a fixed size.
 *
 * Freestanding, so that a page in a browser says the same by the same code. */
#ifndef GAIT_EXPLAIN_TEXT_H
#define GAIT_EXPLAIN_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A text under construction: it always ends in a zero, and leaves out what has no room. */
struct explain_text {
  char *at;
  char *last; /* for the zero */
};

struct explain_text explain_text_begin(char *text, size_t bytes);

void explain_put(struct explain_text *text, const char *words);
/* Three digits that count: "0.25", "12.4", "448". */
void explain_put_figure(struct explain_text *text, double value);
/* A number without a fraction. */
void explain_put_whole(struct explain_text *text, double value);
/* "448 MiB"; "without end" where there is none. */
void explain_put_size(struct explain_text *text, double bytes);
/* "12.5 ms" */
void explain_put_time(struct explain_text *text, double seconds);
/* "25 %", of a share of 1 */
void explain_put_share(struct explain_text *text, double share);

/* Each `%` takes a value, in order: %s bytes, %t seconds, %p a share, %w a whole number, %f a
 * figure; %% is a percent sign. */
void explain_say(struct explain_text *text, const char *format, const double *values);

#ifdef __cplusplus
}
#endif
#endif
