/* Dumps of a heap, for `gait heap`: holders FILE writes one before a leak, and FILE.after. */
#include <gait/dump.h>
#include <gait/gait.h>
#include <stdio.h>
#include <stdlib.h>

/* [dump] */
static bool dump_heap(gait_thread *thread, const char *path) {
  char error[256];
  if (gait_heap_dump(thread, path, error, sizeof error) == GAIT_OK) return true;
  fprintf(stderr, "%s\n", error);
  return false;
}
/* [end] */

struct entry {
  struct entry *next;
  void *value;
};

struct session {
  struct entry *cache; /* which is never emptied */
};

static struct session *session;

/* Adds entries with a value each. */
static void fill(gait_thread *thread, gait_heap *heap, gait_kind entries, int count) {
  for (int i = 0; i < count; i++) {
    struct entry *entry = gait_alloc(thread, entries, sizeof *entry);
    gait_store_init(thread, &entry->value, gait_alloc(thread, gait_kind_leaf(heap), 100));
    gait_store_init(thread, &entry->next, session->cache);
    gait_store(thread, &session->cache, entry);
  }
}

static bool kind(gait_heap *heap, const char *name, size_t bytes, uint64_t map, gait_kind *made) {
  const gait_kind_info info = {
      .name = name, .form = GAIT_KIND_POINTERS, .map_bytes = bytes, .pointer_map = &map};
  return gait_kind_register(heap, &info, made) == GAIT_OK;
}

int main(int count, char **arguments) {
  gait_heap *heap;
  gait_thread *thread;
  gait_kind entries, sessions;
  const char *path = count > 1 ? arguments[1] : "/dev/null";
  char after[4096];
  snprintf(after, sizeof after, "%s%s", path, count > 1 ? ".after" : "");
  if (gait_heap_create(NULL, &heap) != GAIT_OK) return EXIT_FAILURE;
  if (!kind(heap, "cache entry", sizeof(struct entry), 3, &entries) ||
      !kind(heap, "session", sizeof(struct session), 1, &sessions) ||
      gait_thread_attach(heap, "main", GAIT_STACK_EXACT, &thread) != GAIT_OK ||
      gait_roots_add(heap, &session, sizeof session, GAIT_ROOTS_BARRIERED) != GAIT_OK)
    return EXIT_FAILURE;
  gait_store(thread, &session, gait_alloc(thread, sessions, sizeof *session));
  fill(thread, heap, entries, 10);
  bool written = dump_heap(thread, path);
  printf("%p\n", session->cache->next->value);
  fill(thread, heap, entries, 1000);
  written &= dump_heap(thread, after);
  gait_store(thread, &session, NULL);
  gait_roots_remove(heap, &session);
  gait_thread_detach(thread);
  gait_heap_destroy(heap);
  return written ? EXIT_SUCCESS : EXIT_FAILURE;
}
