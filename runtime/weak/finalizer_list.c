#include "weak/finalizer_list.h"

/* Moves the first record of the list, which has one, to the end of another. */
static void list_move(struct gaiti_finalizer_list *from, struct gaiti_finalizer_list *to) {
  gaiti_finalizer_list_add(to, gaiti_finalizer_list_take(from));
}

/* Takes `length` records off, or as many as there are. */
static struct gaiti_finalizer_list list_cut(struct gaiti_finalizer_list *list, size_t length) {
  struct gaiti_finalizer_list part = {NULL, NULL};
  while (length-- > 0 && list->first)
    list_move(list, &part);
  return part;
}

static void list_merge(struct gaiti_finalizer_list *a, struct gaiti_finalizer_list *b,
                       struct gaiti_finalizer_list *to) {
  while (a->first && b->first)
    list_move(a->first->serial > b->first->serial ? a : b, to);
  while (a->first)
    list_move(a, to);
  while (b->first)
    list_move(b, to);
}

/* Merges neighbours that are in order: first of one record each, then of two, of four ... */
void gaiti_finalizer_list_sort(struct gaiti_finalizer_list *list) {
  for (size_t length = 1, parts = 2; parts > 1; length *= 2) {
    struct gaiti_finalizer_list sorted = {NULL, NULL};
    for (parts = 0; list->first; parts++) {
      struct gaiti_finalizer_list a = list_cut(list, length), b = list_cut(list, length);
      list_merge(&a, &b, &sorted);
    }
    *list = sorted;
  }
}
