/* finalizer_list.h: lists of registrations, first in, first out.  A record is in one at most. */
#ifndef GAITI_WEAK_FINALIZER_LIST_H
#define GAITI_WEAK_FINALIZER_LIST_H

#include "weak/finalizer_table.h"

struct gaiti_finalizer_list {
  struct gaiti_finalizer *first;
  struct gaiti_finalizer *last;
};

/* Puts those that were registered last first. */
void gaiti_finalizer_list_sort(struct gaiti_finalizer_list *list);

static inline void gaiti_finalizer_list_add(struct gaiti_finalizer_list *list,
                                            struct gaiti_finalizer *record) {
  record->next = NULL;
  if (list->last)
    list->last->next = record;
  else
    list->first = record;
  list->last = record;
}

/* Takes the first one off, or NULL. */
static inline struct gaiti_finalizer *gaiti_finalizer_list_take(struct gaiti_finalizer_list *list) {
  struct gaiti_finalizer *record = list->first;
  if (record && !(list->first = record->next)) list->last = NULL;
  return record;
}

#endif
