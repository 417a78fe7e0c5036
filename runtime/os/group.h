/* group.h: the control groups of this process, versions 1 and 2, and the numbers in their files. */
#ifndef GAITI_OS_GROUP_H
#define GAITI_OS_GROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A group that is looked at: its files are those of version 2 where it is `unified`. */
struct gaiti_group {
  const char *folder;
  bool unified;
  struct gaiti_group_room *room; /* group.c */
};

typedef void gaiti_group_fn(const struct gaiti_group *group, void *arg);

/* Calls `look` for each group of the process's that has a say in the resource of
 * `controller` ("cpu", "memory"): from the process's own up to the root, in each hierarchy that
 * there is.  None is where nothing tells, or memory is short. */
void gaiti_group_walk(const char *controller, gaiti_group_fn *look, void *arg);

/* Reads the text of a file of the group's.  False when there is none. */
bool gaiti_group_text(const struct gaiti_group *group, const char *name, char *text, size_t bytes);

/* Reads up to `count` whole numbers from such a file, up to the first word that is none; "max"
 * reads as -1.  Returns how many. */
int gaiti_group_read(const struct gaiti_group *group, const char *name, int64_t *numbers,
                     int count);

#endif
