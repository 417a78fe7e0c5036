/* sentence_numbers.h: the numbers in a sentence, so that a test can hold them against the cycle. */
#ifndef EXPLAIN_NUMBERS_H
#define EXPLAIN_NUMBERS_H

#include <stdbool.h>
#include <stddef.h>

#include "explain.h"

enum { NUMBERS_MOST = 32 };

enum number_unit { NUMBER_BYTES, NUMBER_SHARE, NUMBER_SECONDS };

struct number {
  enum number_unit unit;
  double value;
  double off; /* by so much it may be off, since it was rounded */
};

/* The quantities with units in a text, in order; returns how many. */
size_t numbers_find(const char *text, struct number numbers[NUMBERS_MOST]);

/* Whether `value` can be what the number was before it was rounded. */
bool numbers_agree(const struct number *number, double value);

/* The first quantity after `word` in the text; fails where there is none. */
double numbers_after(const char *text, const char *word, enum number_unit unit);

/* The whole number right behind `word`; fails where there is none. */
double numbers_setting(const char *text, const char *word);

/* Every quantity of the two sentences is one that the cycle, or what is advised for it, has. */
void numbers_check(const struct explain_cycle *cycle, const struct explanation *explanation);

#endif
