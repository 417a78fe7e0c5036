/* Threads, and calls that block. */
#include <gait/gait.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* [worker] */
static void *worker(void *arg) {
  gait_heap *heap = arg;
  gait_thread *thread;
  if (gait_thread_attach(heap, "worker", GAIT_STACK_CONSERVATIVE, &thread)) return NULL;
  for (int i = 0; i < 100000; i++)
    if (!gait_alloc(thread, gait_kind_leaf(heap), 64)) break;
  gait_thread_detach(thread); /* or just return: an attached thread that exits is detached */
  return arg;
}
/* [end] */

/* [outside] */
struct reading {
  int descriptor;
  char *bytes;
  size_t count;
  ssize_t result;
};

static void *read_blocking(void *arg) {
  struct reading *reading = arg; /* nothing in here touches the heap */
  reading->result = read(reading->descriptor, reading->bytes, reading->count);
  return NULL;
}

static ssize_t managed_read(gait_thread *thread, int descriptor, char *bytes, size_t count) {
  struct reading reading = {descriptor, bytes, count, -1};
  gait_thread_outside(thread, read_blocking, &reading);
  return reading.result;
}
/* [end] */

/* [leave and enter] */
static void *managed_join(gait_thread *thread, pthread_t other) {
  void *result = NULL;
  gait_thread_leave(thread);
  pthread_join(other, &result);
  gait_thread_enter(thread);
  return result;
}
/* [end] */

static void foreign_each_line(const char *text, void (*call)(const char *, size_t, void *),
                              void *arg) {
  while (*text) {
    const size_t length = strcspn(text, "\n");
    call(text, length, arg);
    text += length + (text[length] != '\0');
  }
}

/* [callback] */
struct line {
  struct line *next;
  char text[];
};

struct lines {
  gait_thread *thread;
  const char *text;
  struct line *last; /* on the stack of split: a root */
};

/* Called by a library that knows nothing of Gait, outside managed code. */
static void on_line(const char *start, size_t length, void *arg) {
  struct lines *lines = arg;
  gait_thread_enter(lines->thread);
  gait_kind kind = gait_kind_conservative(gait_thread_heap(lines->thread));
  struct line *line = gait_alloc(lines->thread, kind, sizeof *line + length + 1);
  if (line) {
    memcpy(line->text, start, length);
    gait_store_init(lines->thread, &line->next, lines->last);
    lines->last = line;
  }
  gait_thread_leave(lines->thread);
}

static void *split_outside(void *arg) {
  struct lines *lines = arg;
  foreign_each_line(lines->text, on_line, lines); /* may block, and calls back */
  return NULL;
}

static struct line *split(gait_thread *thread, const char *text) {
  struct lines lines = {thread, text, NULL};
  gait_thread_outside(thread, split_outside, &lines);
  return lines.last;
}
/* [end] */

/* [lock] */
static void managed_lock(gait_thread *thread, pthread_mutex_t *lock) {
  if (pthread_mutex_trylock(lock) == 0) return; /* the common case costs nothing */
  gait_thread_leave(thread);
  pthread_mutex_lock(lock);
  gait_thread_enter(thread);
}
/* [end] */

struct locked {
  gait_heap *heap;
  pthread_mutex_t lock;
  void *last;
};

static void *allocate_under_a_lock(void *arg) {
  struct locked *locked = arg;
  gait_thread *thread;
  if (gait_thread_attach(locked->heap, "locker", GAIT_STACK_CONSERVATIVE, &thread)) return NULL;
  for (int i = 0; i < 1000; i++) {
    managed_lock(thread, &locked->lock);
    gait_store(thread, &locked->last, gait_alloc(thread, gait_kind_leaf(locked->heap), 4096));
    pthread_mutex_unlock(&locked->lock);
  }
  gait_thread_detach(thread);
  return locked;
}

/* [poll] */
static double sum(gait_thread *thread, const double *numbers, size_t count) {
  double total = 0;
  for (size_t i = 0; i < count; i++) {
    total += numbers[i];
    if (i % 4096 == 0) gait_thread_poll(thread);
  }
  return total;
}
/* [end] */

static void require(int holds) {
  if (!holds) abort();
}

int main(void) {
  gait_heap *heap;
  gait_thread *thread;
  pthread_t other;
  int ends[2];
  char bytes[8];
  static double numbers[100000];
  if (gait_heap_create(NULL, &heap) ||
      gait_thread_attach(heap, "main", GAIT_STACK_CONSERVATIVE, &thread))
    return 1;
  require(pthread_create(&other, NULL, worker, heap) == 0);
  require(managed_join(thread, other) == heap);
  require(pipe(ends) == 0 && write(ends[1], "hello", 5) == 5);
  require(managed_read(thread, ends[0], bytes, sizeof bytes) == 5);
  const struct line *line = split(thread, "one\ntwo\nthree");
  require(gait_heap_collect(thread) == GAIT_OK && strcmp(line->text, "three") == 0);
  require(strcmp(line->next->next->text, "one") == 0 && !line->next->next->next);
  static struct locked locked = {.lock = PTHREAD_MUTEX_INITIALIZER};
  locked.heap = heap;
  require(gait_roots_add(heap, &locked.last, sizeof locked.last, GAIT_ROOTS_BARRIERED) == GAIT_OK);
  pthread_t lockers[2];
  for (int i = 0; i < 2; i++)
    require(pthread_create(&lockers[i], NULL, allocate_under_a_lock, &locked) == 0);
  for (int i = 0; i < 2; i++)
    require(managed_join(thread, lockers[i]) == &locked);
  numbers[77] = 0.5;
  require(sum(thread, numbers, 100000) > 0.4);
  return gait_thread_detach(thread) || gait_heap_destroy(heap);
}
