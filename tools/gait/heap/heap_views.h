/* heap_views.h: the views of `gait heap`, each as text or as JSON. */
#ifndef GAIT_HEAP_VIEWS_H
#define GAIT_HEAP_VIEWS_H

#include "heap_groups.h"

/*   top   lines of a table at most
 *   json  one JSON object instead of text */
struct heap_view {
  const struct heap_dump *dump;
  enum heap_by by;
  size_t top;
  bool json;
};

/* Each returns an exit status of the command. */
int heap_view_groups(const struct heap_view *view);
int heap_view_path(const struct heap_view *view, uint64_t address);
int heap_view_diff(const struct heap_view *view, const struct heap_dump *after);

/* Of all objects, or, with an `address`, of those that the object there dominates at once. */
int heap_view_dominators(const struct heap_view *view, uint64_t address);

#endif
