/* The profile's calls, and the option profile: the file that a program writes which knows nothing
 * of it.
 *
 * A profile is copied with its lock held, and the file is made of the copy, with no lock, outside
 * every heap: of a heap that is destroyed meanwhile nothing is asked any more.
 *
 * The first heap of a process writes FILE, the next FILE.2 and so on, each when it is destroyed;
 * those that are left write when the process calls exit.  A child that a fork has made has the
 * samples of before as well, and writes FILE.PID, where no %p is in the name.  A process that ends
 * in another way, by a signal or by _exit, writes nothing: files that gait_profile_write has made
 * stay. */
#define _GNU_SOURCE /* secure_getenv */
#include "api/api_profile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/profile_file.h"
#include "base/check.h"
#include "cycle/fork.h"
#include "gait/tune.h"
#include "mutator/blocking.h"
#include "os/file.h"
#include "os/output.h"

#define PROFILE_ENVIRONMENT "GAIT_PROFILE"
#define PROFILE_USUAL_BYTES ((int64_t)512 << 10)
#define PROFILE_PATH_BYTES  4096

/* ---- A copy ---- */

static bool shot_take_kinds(struct gaiti_profile_shot *shot, const gait_heap *heap) {
  uint32_t count = gaiti_kinds_count(&heap->kinds);
  for (uint32_t i = 0; i < count; i++) {
    const char *name = heap->kinds.table[i].name;
    size_t bytes = name ? strlen(name) + 1 : 1;
    shot->kinds[i] = gaiti_os_alloc(bytes);
    if (!shot->kinds[i]) return false;
    if (name) memcpy(shot->kinds[i], name, bytes);
  }
  return true;
}

static void shot_free(struct gaiti_profile_shot *shot) {
  if (!shot) return;
  gaiti_profile_drop(&shot->copy);
  for (uint32_t i = 0; i < GAIT_MAX_KINDS; i++)
    gaiti_os_free(shot->kinds[i]);
  gaiti_os_free(shot);
}

/* NULL: out of memory. */
static struct gaiti_profile_shot *shot_take(gait_heap *heap) {
  struct gaiti_profile_shot *shot = gaiti_os_alloc(sizeof *shot);
  gait_stats stats;
  if (!shot) return NULL;
  gait_stats_read(heap, &stats);
  shot->alloc_bytes = stats.alloc_bytes;
  shot->alloc_objects = stats.alloc_objects;
  shot->cycles = stats.cycles;
  if (gaiti_profile_copy(heap, &shot->copy) && shot_take_kinds(shot, heap)) return shot;
  shot_free(shot);
  return NULL;
}

/* ---- The file ---- */

static bool profile_write_piece(const void *bytes, size_t count, void *arg) {
  const int *file = arg;
  return gaiti_output_write(*file, bytes, count) == 0;
}

static gait_result profile_write_shot(const struct gaiti_profile_shot *shot, int file) {
  struct gaiti_wire wire = {0};
  gaiti_profile_encode(shot, &wire);
  gait_result result = GAIT_ERROR_MEMORY;
  if (!wire.failed)
    result = gaiti_wire_gzip(&wire, profile_write_piece, &file) ? GAIT_OK : GAIT_ERROR_SYSTEM;
  gaiti_wire_destroy(&wire);
  return result;
}

/* A pipe, a device or the like, which stays where it is. */
static bool profile_is_special(const char *path) {
  struct stat status;
  return stat(path, &status) == 0 && !S_ISREG(status.st_mode);
}

static gait_result profile_write_special(const struct gaiti_profile_shot *shot, const char *path) {
  int file = open(path, O_WRONLY | O_CLOEXEC);
  if (file < 0) return GAIT_ERROR_SYSTEM;
  gait_result result = profile_write_shot(shot, file);
  if (close(file) != 0 && result == GAIT_OK) result = GAIT_ERROR_SYSTEM;
  return result;
}

/* Writes it beside its place, and renames it. */
static gait_result profile_write_path(const struct gaiti_profile_shot *shot, const char *path) {
  if (profile_is_special(path)) return profile_write_special(shot, path);
  char beside[PROFILE_PATH_BYTES + 32];
  int length = snprintf(beside, sizeof beside, "%s.%d.tmp", path, (int)getpid());
  if (length < 0 || (size_t)length >= sizeof beside) return GAIT_ERROR_SYSTEM;
  int file = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file < 0) return GAIT_ERROR_SYSTEM;
  gait_result result = profile_write_shot(shot, file);
  if (close(file) != 0 && result == GAIT_OK) result = GAIT_ERROR_SYSTEM;
  if (result == GAIT_OK && rename(beside, path) != 0) result = GAIT_ERROR_SYSTEM;
  if (result != GAIT_OK) unlink(beside);
  return result;
}

/* To `path`, or where that is NULL to `file`. */
static gait_result profile_write(gait_heap *heap, const char *path, int file) {
  if (!heap->profile) return GAIT_ERROR_STATE;
  struct gaiti_profile_shot *shot = shot_take(heap);
  if (!shot) return GAIT_ERROR_MEMORY;
  gaiti_blocking_begin();
  int before = errno;
  gait_result result = path ? profile_write_path(shot, path) : profile_write_shot(shot, file);
  errno = before;
  gaiti_blocking_end();
  shot_free(shot);
  return result;
}

gait_result gait_profile_write(gait_heap *heap, const char *path) {
  if (!heap || !path) return GAIT_ERROR_ARGUMENT;
  return profile_write(heap, path, -1);
}

gait_result gait_profile_write_to(gait_heap *heap, int file) {
  if (!heap || file < 0) return GAIT_ERROR_ARGUMENT;
  return profile_write(heap, NULL, file);
}

gait_result gait_profile_set_frames(gait_heap *heap, gait_profile_frames_fn *function, void *arg) {
  if (!heap) return GAIT_ERROR_ARGUMENT;
  if (!heap->profile) return GAIT_OK;
  gaiti_lock(&heap->profile->lock);
  heap->profile->frames = function;
  heap->profile->frames_arg = arg;
  gaiti_unlock(&heap->profile->lock);
  return GAIT_OK;
}

/* ---- The option profile ---- */

static pthread_once_t profile_once = PTHREAD_ONCE_INIT;
static AO_t profile_heaps;

void gaiti_profile_take_environment(gait_options *options) {
  const char *path = secure_getenv(PROFILE_ENVIRONMENT);
  if (!options->profile && path && path[0] && strcmp(path, "off") != 0) options->profile = path;
  if (options->profile_bytes == 0 && options->profile) options->profile_bytes = PROFILE_USUAL_BYTES;
}

/* The profiles that are left when the process exits, heap by heap. */
struct profile_left {
  struct gaiti_profile_shot *shot;
  char *path;
  struct profile_left *next;
};

static void profile_report(const char *path, gait_result result) {
  char line[PROFILE_PATH_BYTES + 128];
  snprintf(line, sizeof line, "gait: %s: the profile could not be written: %s\n", path,
           gait_result_text(result));
  gaiti_os_print(line);
}

/* Where the heap writes; false: nowhere.  A child has a file of its own by %p already. */
static bool profile_path(const gait_heap *heap, char path[PROFILE_PATH_BYTES]) {
  const struct gaiti_profile *profile = heap->profile;
  char name[PROFILE_PATH_BYTES];
  if (!profile || !profile->path || !gaiti_path_expand(profile->path, name, sizeof name))
    return false;
  bool child = (int)getpid() != profile->pid && !strstr(profile->path, "%p");
  char pid[16] = "", number[24] = "";
  bool special = profile_is_special(name);
  if (child && !special) snprintf(pid, sizeof pid, ".%d", (int)getpid());
  if (profile->number > 1 && !special)
    snprintf(number, sizeof number, ".%llu", (unsigned long long)profile->number);
  int length = snprintf(path, PROFILE_PATH_BYTES, "%s%s%s", name, pid, number);
  return length > 0 && length < PROFILE_PATH_BYTES;
}

void gaiti_profile_end(gait_heap *heap) {
  char path[PROFILE_PATH_BYTES];
  if (!profile_path(heap, path)) return;
  gait_result result = profile_write(heap, path, -1);
  if (result != GAIT_OK) profile_report(path, result);
}

/* A heap of which there is no copy, for want of memory, is left out. */
static void profile_leave(gait_heap *heap, void *arg) {
  struct profile_left **list = arg;
  char path[PROFILE_PATH_BYTES];
  if (!profile_path(heap, path)) return;
  struct profile_left *left = gaiti_os_alloc(sizeof *left);
  if (!left) return;
  left->shot = shot_take(heap);
  left->path = gaiti_os_alloc(strlen(path) + 1);
  if (left->shot && left->path) {
    strcpy(left->path, path);
    left->next = *list;
    *list = left;
    return;
  }
  shot_free(left->shot);
  gaiti_os_free(left->path);
  gaiti_os_free(left);
}

static void profile_at_exit(void) {
  struct profile_left *list = NULL;
  gaiti_fork_each(profile_leave, &list);
  while (list) {
    struct profile_left *left = list;
    list = left->next;
    gait_result result = profile_write_path(left->shot, left->path);
    if (result != GAIT_OK) profile_report(left->path, result);
    shot_free(left->shot);
    gaiti_os_free(left->path);
    gaiti_os_free(left);
  }
}

static void profile_once_at_exit(void) {
  atexit(profile_at_exit);
}

void gaiti_profile_begin(gait_heap *heap) {
  struct gaiti_profile *profile = heap->profile;
  const char *path = heap->options.profile;
  heap->options.profile = NULL;
  if (!profile || !path) return;
  profile->path = gaiti_os_alloc(strlen(path) + 1);
  if (!profile->path) return;
  strcpy(profile->path, path);
  heap->options.profile = profile->path;
  profile->pid = (int)getpid();
  profile->number = gaiti_counter_add(&profile_heaps, 1);
  pthread_once(&profile_once, profile_once_at_exit);
}
