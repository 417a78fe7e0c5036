/* Control groups.
 *
 * The file of the process's groups has a line for each hierarchy: that of version 2 names no
 * controller, those of version 1 their own.  A limit of any group above counts as well.  In a
 * container the path may be one of the world outside, whose folders are not there: the walk comes
 * to the root of what is mounted, and that is the container's own. */
#define _GNU_SOURCE
#include "os/group.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/file.h"
#include "os/os.h"

#define GROUP_MOUNT      "/sys/fs/cgroup"
#define GROUP_PATH_BYTES 4096
#define GROUP_LIST_BYTES 16384

/* Too large for a stack.
 *   list    the text of the file that names the process's groups
 *   folder  of the group that is looked at
 *   path    of a file in it */
struct gaiti_group_room {
  char list[GROUP_LIST_BYTES];
  char folder[GROUP_PATH_BYTES];
  char path[GROUP_PATH_BYTES + 32];
};

bool gaiti_group_text(const struct gaiti_group *group, const char *name, char *text, size_t bytes) {
  char *path = group->room->path;
  snprintf(path, sizeof group->room->path, "%s/%s", group->folder, name);
  return gaiti_file_read(path, text, bytes);
}

static bool group_number(const char *word, int64_t *number) {
  char *end = NULL;
  *number = strcmp(word, "max") == 0 ? -1 : strtoll(word, &end, 10);
  return !end || (end != word && *end == '\0');
}

int gaiti_group_read(const struct gaiti_group *group, const char *name, int64_t *numbers,
                     int count) {
  char text[128];
  if (!gaiti_group_text(group, name, text, sizeof text)) return 0;
  int read = 0;
  char *rest = NULL;
  for (char *word = strtok_r(text, " \n", &rest); word && read < count;
       word = strtok_r(NULL, " \n", &rest)) {
    if (!group_number(word, &numbers[read])) break;
    read++;
  }
  return read;
}

/* From `path` up to the root of the hierarchy mounted at `mount`. */
static void group_walk_up(struct gaiti_group *group, const char *mount, const char *path,
                          gaiti_group_fn *look, void *arg) {
  char *folder = group->room->folder;
  int length = snprintf(folder, GROUP_PATH_BYTES, "%s%s", mount, path);
  if (length < 0 || length >= GROUP_PATH_BYTES) return;
  size_t root = strlen(mount);
  group->folder = folder;
  for (;;) {
    look(group, arg);
    char *slash = strrchr(folder, '/');
    if (!slash || strlen(folder) <= root) return;
    *slash = '\0';
  }
}

/* Whether `list`, separated by commas, has that word. */
static bool group_lists(const char *list, const char *wanted) {
  size_t chars = strlen(wanted);
  for (const char *word = list; word; word = strchr(word, ',')) {
    if (*word == ',') word++;
    if (strncmp(word, wanted, chars) == 0 && (word[chars] == ',' || word[chars] == '\0'))
      return true;
  }
  return false;
}

/* A line of the process's groups: a number, controllers, and the group's path. */
static void group_walk_line(struct gaiti_group *group, char *line, const char *controller,
                            gaiti_group_fn *look, void *arg) {
  char *controllers = strchr(line, ':');
  char *path = controllers ? strchr(controllers + 1, ':') : NULL;
  if (!path) return;
  *path++ = '\0';
  controllers++;
  group->unified = *controllers == '\0';
  if (!group->unified && !group_lists(controllers, controller)) return;
  char mount[64];
  snprintf(mount, sizeof mount, GROUP_MOUNT "%s%s", group->unified ? "" : "/",
           group->unified ? "" : controller);
  group_walk_up(group, mount, path, look, arg);
}

void gaiti_group_walk(const char *controller, gaiti_group_fn *look, void *arg) {
  struct gaiti_group group = {.room = gaiti_os_alloc(sizeof *group.room)};
  if (!group.room) return;
  char *list = group.room->list, *rest = NULL;
  if (gaiti_file_read("/proc/self/cgroup", list, sizeof group.room->list))
    for (char *line = strtok_r(list, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
      group_walk_line(&group, line, controller, look, arg);
  gaiti_os_free(group.room);
}
