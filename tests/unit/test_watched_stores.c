/* Pages that are watched for stores, with find_missing=stores: programs without a fault go on. */
#include "unit.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

const char *const unit_suite_name = "watched_stores";

static _Thread_local unit_log said;

/* False: this build or machine has no means for it. */
static bool watched_open(unit_world *world, int mode) {
  gait_options options = unit_options(mode);
  options.debug.find_missing = GAIT_FIND_STORES;
  options.debug.poison = 0;
  options.log = unit_log_line;
  options.log_arg = &said;
  memset(&said, 0, sizeof said);
  unit_open_with(world, &options, GAIT_STACK_EXACT);
  if (!strstr(said.text, "cannot watch stores")) return true;
  unit_close(world);
  return false;
}

/* ---- Two threads on one page ---- */

enum { WRITERS = 4, STORES = 40000, WORDS = 512 };

struct writer {
  unit_world *world;
  size_t number;
  pthread_t id;
};

static void *writer_run(void *arg) {
  const struct writer *writer = arg;
  volatile uintptr_t *words = writer->world->slots[0];
  gait_thread *thread;
  UNIT_CHECK(gait_thread_attach(writer->world->heap, "writes", GAIT_STACK_EXACT, &thread) ==
             GAIT_OK);
  for (uintptr_t i = 1; i <= STORES; i++) {
    words[writer->number * 8] = i;
    if (i % 64 == 0) gait_thread_poll(thread);
  }
  UNIT_CHECK(gait_thread_detach(thread) == GAIT_OK);
  return NULL;
}

static void *writers_run(void *arg) {
  struct writer writers[WRITERS];
  for (size_t i = 0; i < WRITERS; i++) {
    writers[i] = (struct writer){.world = arg, .number = i};
    UNIT_CHECK(pthread_create(&writers[i].id, NULL, writer_run, &writers[i]) == 0);
  }
  for (size_t i = 0; i < WRITERS; i++)
    UNIT_CHECK(pthread_join(writers[i].id, NULL) == 0);
  return NULL;
}

/* A fault on a page that another thread has opened meanwhile is no fault of the program's. */
START_TEST(threads_may_store_to_one_page) {
  unit_world world;
  if (!watched_open(&world, _i)) return;
  const uintptr_t *words = world.slots[0] =
      gait_alloc(world.thread, world.conservative, WORDS * sizeof *words);
  gait_thread_outside(world.thread, writers_run, &world);
  for (size_t i = 0; i < WRITERS; i++)
    ck_assert_uint_eq(words[i * 8], STORES);
  ck_assert_int_eq(gait_heap_collect(world.thread), GAIT_OK);
  unit_close(&world);
}
END_TEST

/* ---- A signal ---- */

static volatile uintptr_t *signal_words[2];

static void signal_store(int number) {
  (void)number;
  signal_words[1][1]++;
  signal_words[0][9]++;
}

static atomic_bool signals_end;

static void *signals_send(void *arg) {
  const pthread_t *to = arg;
  for (uintptr_t i = 0; !atomic_load(&signals_end); i++) {
    if (i % 16 == 0) pthread_kill(*to, SIGUSR1);
    signal_words[1][20] = signal_words[0][21] = i;
  }
  return NULL;
}

/* It may come between the fault of a store and its trap. */
START_TEST(a_signals_handler_may_store) {
  pthread_t self = pthread_self(), sender;
  unit_world world;
  if (!watched_open(&world, _i)) return;
  for (int i = 0; i < 2; i++)
    signal_words[i] = world.slots[i] =
        gait_alloc(world.thread, world.conservative, WORDS * 2 * sizeof(uintptr_t));
  atomic_store(&signals_end, false);
  const struct sigaction action = {.sa_handler = signal_store};
  struct sigaction before;
  ck_assert_int_eq(sigaction(SIGUSR1, &action, &before), 0);
  ck_assert_int_eq(pthread_create(&sender, NULL, signals_send, &self), 0);
  for (uintptr_t i = 1; i <= STORES; i++) {
    signal_words[0][2] = i;
    signal_words[1][3] = i;
    UNIT_CHECK(signal_words[0][2] == i && signal_words[1][3] == i);
  }
  atomic_store(&signals_end, true);
  ck_assert_int_eq(pthread_join(sender, NULL), 0);
  ck_assert_int_eq(sigaction(SIGUSR1, &before, NULL), 0);
  unit_close(&world);
}
END_TEST

/* ---- Without room for a mapping ---- */

enum { MOST_MAPPINGS = 1 << 18 };

/* Has every other page be another mapping until the kernel makes no more.  NULL: it makes as many
 * as one likes. */
static char *mappings_use_up(size_t *bytes) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  size_t made = 0;
  *bytes = MOST_MAPPINGS * page;
  char *pages = mmap(NULL, *bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  ck_assert_ptr_ne(pages, MAP_FAILED);
  for (; made < MOST_MAPPINGS; made += 2)
    if (mprotect(pages + made * page, page, PROT_READ) != 0) return pages;
  munmap(pages, *bytes);
  return NULL;
}

/* Pages between others are not opened by themselves then, but with them. */
START_TEST(stores_go_on_where_no_mapping_can_be_made) {
  enum { OBJECTS = 20 };
  unit_world world;
  size_t bytes;
  if (!watched_open(&world, _i)) return;
  for (size_t i = 0; i < OBJECTS; i++)
    world.slots[i] = gait_alloc(world.thread, world.references, 4096);
  char *pages = mappings_use_up(&bytes);
  for (size_t i = 0; i < OBJECTS; i++)
    gait_store(world.thread, (void **)world.slots[i], world.slots[(i + 1) % OBJECTS]);
  if (pages) munmap(pages, bytes);
  for (size_t i = 0; i < OBJECTS; i++)
    ck_assert_ptr_eq(*(void **)world.slots[i], world.slots[(i + 1) % OBJECTS]);
  ck_assert_int_eq(gait_heap_collect(world.thread), GAIT_OK);
  unit_close(&world);
}
END_TEST

/* ---- fork ---- */

static atomic_bool heaps_end;

static void *heaps_come_and_go(void *arg) {
  const int *mode = arg;
  unit_world world;
  while (!atomic_load(&heaps_end))
    if (watched_open(&world, *mode)) unit_close(&world);
  return NULL;
}

static void heap_in_a_child(int mode) {
  unit_world world;
  const pid_t child = fork();
  ck_assert_int_ge(child, 0);
  if (child == 0) {
    if (watched_open(&world, mode)) unit_close(&world);
    _exit(0);
  }
  int status;
  ck_assert_int_eq(waitpid(child, &status, 0), child);
  ck_assert_int_eq(status, 0);
}

/* While another thread makes heaps, and destroys them. */
START_TEST(a_child_may_watch_a_heap_of_its_own) {
  enum { FORKS = 200 };
  pthread_t other;
  unit_world world;
  int mode = _i;
  if (!watched_open(&world, mode)) return;
  unit_close(&world);
  atomic_store(&heaps_end, false);
  ck_assert_int_eq(pthread_create(&other, NULL, heaps_come_and_go, &mode), 0);
  for (int i = 0; i < FORKS; i++)
    heap_in_a_child(mode);
  atomic_store(&heaps_end, true);
  ck_assert_int_eq(pthread_join(other, NULL), 0);
}
END_TEST

void unit_suite_fill(Suite *suite) {
  TCase *stores = unit_case(suite, "stores");
  UNIT_TEST(stores, threads_may_store_to_one_page);
  UNIT_TEST(stores, a_signals_handler_may_store);
  UNIT_TEST(stores, stores_go_on_where_no_mapping_can_be_made);
  UNIT_TEST(stores, a_child_may_watch_a_heap_of_its_own);
}
