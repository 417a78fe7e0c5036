/* Weak tables and interning, where several threads use one table beside a collector that never
 * rests, and where one forks. */
#include "unit_weak_table.h"

#include <sys/wait.h>
#include <unistd.h>

#include "../support/race.h"
#include "../support/sanitizer.h"

const char *const unit_suite_name = "weak_table_threads";

#define TABLES_SLOW (SANITIZER_ADDRESS || SANITIZER_THREAD || TESTS_EMULATED)

#define CROWD_THREADS 3
#define CROWD_NAMES   256

/* What a name has now, for all threads: under its lock, an object is there while a thread holds it.
 */
typedef struct crowd_name {
  pthread_mutex_t lock;
  uintptr_t hidden; /* the address of the object, hidden; 0: nobody holds it */
  unsigned holders;
} crowd_name;

typedef struct crowd_world {
  gait_heap *heap;
  gait_weak_table *table; /* in a slot of the world */
  crowd_name names[CROWD_NAMES];
  unsigned rounds;
} crowd_world;

typedef struct crowd_member {
  crowd_world *crowd;
  unsigned number;
  gait_thread *thread;
  gait_frame frame;
  void *slots[8];
} crowd_member;

static void crowd_enter(crowd_member *member, const char *name) {
  UNIT_CHECK(gait_thread_attach(member->crowd->heap, name, GAIT_STACK_EXACT, &member->thread) ==
             GAIT_OK);
  gait_frame_push(member->thread, &member->frame, member->slots, 8);
}

static void crowd_leave(crowd_member *member) {
  gait_frame_pop(member->thread, &member->frame);
  UNIT_CHECK(gait_thread_detach(member->thread) == GAIT_OK);
}

/* Runs `function` on each of the threads; the caller waits outside. */
static void crowd_run(crowd_world *crowd, unit_world *world, void *(*function)(void *)) {
  static crowd_member members[CROWD_THREADS];
  unit_collector collector;
  crowd->heap = world->heap;
  crowd->table = world->slots[WEAK_TABLE];
  unit_collector_start(&collector, world->heap);
  for (unsigned i = 0; i < CROWD_THREADS; i++)
    members[i] = (crowd_member){.crowd = crowd, .number = i};
  gait_thread_leave(world->thread);
  race(CROWD_THREADS, function, members, sizeof *members);
  gait_thread_enter(world->thread);
  unit_collector_stop(&collector, world->thread);
}

static gait_options crowd_options(int mode) {
  gait_options options = unit_options(mode);
  if (mode == UNIT_SHRUNKEN) options.debug.delay_us = 200;
  return options;
}

/* Some threads hold the object of the name: it is this one. */
static void crowd_hold(crowd_name *name, const void *object) {
  pthread_mutex_lock(&name->lock);
  UNIT_CHECK(name->holders == 0 || name->hidden == unit_hide(object));
  name->hidden = unit_hide(object);
  name->holders++;
  pthread_mutex_unlock(&name->lock);
}

static void crowd_let_go(crowd_name *name) {
  pthread_mutex_lock(&name->lock);
  name->holders--;
  pthread_mutex_unlock(&name->lock);
}

/* Interns names at random, and holds four at a time. */
static void *crowd_intern(void *arg) {
  crowd_member *member = arg;
  crowd_world *crowd = member->crowd;
  uintptr_t held[4], random = member->number * 977 + 1;
  crowd_enter(member, "interns");
  for (unsigned round = 0; round < crowd->rounds; round++) {
    const unsigned place = round % 4;
    if (round >= 4) {
      weak_table_expect(member->slots[place], held[place]);
      crowd_let_go(&crowd->names[held[place]]);
      member->slots[place] = NULL;
    }
    random = random * 6364136223846793005u + 1442695040888963407u;
    held[place] = (random >> 33) % (round % 8 == 0 ? CROWD_NAMES : 8);
    member->slots[place] = weak_name_intern(member->thread, crowd->table, held[place]);
    crowd_hold(&crowd->names[held[place]], member->slots[place]);
    if (round % 5 == 0) gait_thread_poll(member->thread);
  }
  for (unsigned place = 0; place < 4; place++)
    crowd_let_go(&crowd->names[held[place]]);
  crowd_leave(member);
  return NULL;
}

START_TEST(threads_have_one_object_for_a_name) {
  static crowd_world crowd;
  const gait_options options = crowd_options(_i);
  unit_world world;
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  crowd.rounds = TABLES_SLOW ? 1500 : 6000;
  for (unsigned i = 0; i < CROWD_NAMES; i++)
    crowd.names[i] = (crowd_name){.lock = PTHREAD_MUTEX_INITIALIZER};
  weak_intern_new(&world, NULL);
  crowd_run(&crowd, &world, crowd_intern);
  unit_close(&world);
}
END_TEST

/* All threads intern the same new names in the same order; each keeps its objects in an array. */
static void *crowd_intern_same(void *arg) {
  crowd_member *member = arg;
  const unsigned count = member->crowd->rounds;
  gait_kind references;
  crowd_enter(member, "interns the same");
  UNIT_CHECK(gait_kind_find(member->crowd->heap, "references", &references) == GAIT_OK);
  void **objects = member->slots[0] =
      gait_alloc(member->thread, references, count * sizeof *objects);
  UNIT_CHECK(objects != NULL);
  for (uintptr_t i = 0; i < count; i++)
    gait_store(member->thread, &objects[i],
               weak_name_intern(member->thread, member->crowd->table, i));
  for (uintptr_t i = 0; i < count; i++)
    UNIT_CHECK(weak_name_intern(member->thread, member->crowd->table, i) == objects[i]);
  crowd_leave(member);
  return NULL;
}

/* Beside them the table grows from nothing. */
START_TEST(threads_that_race_for_new_names_agree) {
  static crowd_world crowd;
  const gait_options options = crowd_options(_i);
  unit_world world;
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  crowd.rounds = TABLES_SLOW ? 1000 : 4000;
  weak_intern_new(&world, NULL);
  crowd_run(&crowd, &world, crowd_intern_same);
  unit_close(&world);
}
END_TEST

/* Each thread has keys of its own, which it puts, replaces, removes, and finds as it left them; and
 * the table grows and shrinks under all of them. */
static void *crowd_put(void *arg) {
  enum { KEYS_HELD = 400 };
  crowd_member *member = arg;
  gait_weak_table *table = member->crowd->table;
  gait_kind references;
  uintptr_t random = member->number * 31 + 7;
  crowd_enter(member, "puts");
  unit_world world = {.thread = member->thread, .leaf = gait_kind_leaf(member->crowd->heap)};
  UNIT_CHECK(gait_kind_find(member->crowd->heap, "references", &references) == GAIT_OK);
  void **keys = member->slots[0] = gait_alloc(member->thread, references, KEYS_HELD * sizeof *keys);
  void **values = member->slots[1] =
      gait_alloc(member->thread, references, KEYS_HELD * sizeof *values);
  for (unsigned round = 0; round < member->crowd->rounds; round++) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    const size_t i = (random >> 33) % (round / 1000 % 2 ? 10 : KEYS_HELD);
    if (!keys[i]) gait_store(member->thread, &keys[i], weak_table_numbered(&world, i));
    UNIT_CHECK(gait_weak_table_get(member->thread, table, keys[i]) == values[i]);
    switch (random >> 60) {
    case 0:
    case 1:
    case 2:
      UNIT_CHECK(gait_weak_table_remove(member->thread, table, keys[i]) == (values[i] != NULL));
      gait_store(member->thread, &values[i], NULL);
      break;
    case 3: /* the key and the value go, and the entry with them */
      gait_store(member->thread, &keys[i], NULL);
      gait_store(member->thread, &values[i], NULL);
      break;
    default:
      gait_store(member->thread, &values[i], weak_table_numbered(&world, round));
      UNIT_CHECK(gait_weak_table_put(member->thread, table, keys[i], values[i]));
      UNIT_CHECK(gait_weak_table_get(member->thread, table, keys[i]) == values[i]);
    }
    if (values[i]) weak_table_expect(values[i], ((uintptr_t *)values[i])[0]);
  }
  crowd_leave(member);
  return NULL;
}

START_TEST(threads_that_put_and_remove_see_their_own) {
  static crowd_world crowd;
  const gait_options options = crowd_options(_i);
  for (size_t form = 0; form < WEAK_TABLE_FORMS; form++) {
    unit_world world;
    unit_open_with(&world, &options, GAIT_STACK_EXACT);
    crowd.rounds = TABLES_SLOW ? 1500 : 6000;
    weak_table_new(&world, weak_table_forms[form]);
    crowd_run(&crowd, &world, crowd_put);
    weak_table_collect(&world);
    ck_assert_uint_eq(weak_table_walk(&world), 0);
    unit_close(&world);
  }
}
END_TEST

/* Of several threads that remove one entry, one has it. */
static atomic_uint crowd_removed;

static void *crowd_remove(void *arg) {
  crowd_member *member = arg;
  crowd_enter(member, "removes");
  for (uintptr_t i = 1; i <= member->crowd->rounds; i++)
    if (gait_weak_table_remove(member->thread, member->crowd->table, (void *)(i * 16)))
      atomic_fetch_add(&crowd_removed, 1);
  crowd_leave(member);
  return NULL;
}

START_TEST(one_thread_removes_an_entry) {
  static crowd_world crowd;
  const gait_options options = crowd_options(_i);
  for (size_t form = 0; form < WEAK_TABLE_FORMS; form++) {
    unit_world world;
    unit_open_with(&world, &options, GAIT_STACK_EXACT);
    gait_weak_table *table = weak_table_new(&world, weak_table_forms[form]);
    crowd.rounds = 2000;
    for (uintptr_t i = 1; i <= crowd.rounds; i++)
      UNIT_CHECK(gait_weak_table_put(world.thread, table, (void *)(i * 16), (void *)(i * 16)));
    atomic_store(&crowd_removed, 0);
    crowd_run(&crowd, &world, crowd_remove);
    ck_assert_uint_eq(atomic_load(&crowd_removed), crowd.rounds);
    weak_table_sweep(&world, table, 2 * crowd.rounds);
    ck_assert_uint_eq(gait_weak_table_count(world.thread, table), 0);
    unit_close(&world);
  }
}
END_TEST

/* ---- Forks ---- */

static atomic_bool fork_stop;

static void *fork_change(void *arg) {
  crowd_member *member = arg;
  crowd_enter(member, "changes");
  unit_world world = {.thread = member->thread, .leaf = gait_kind_leaf(member->crowd->heap)};
  for (uintptr_t i = 0; !atomic_load(&fork_stop); i++) {
    member->slots[1] = weak_table_numbered(&world, i);
    UNIT_CHECK(gait_weak_table_put(member->thread, member->crowd->table,
                                   (void *)(i % 10000 + 100000), member->slots[1]));
    if (i % 512 == 0) UNIT_CHECK(gait_heap_collect(member->thread) == GAIT_OK);
  }
  crowd_leave(member);
  return NULL;
}

/* What the child finds and does: all that was kept, and a table that goes on. */
static bool fork_is_whole(unit_world *world, size_t count) {
  void **keys = world->slots[WEAK_KEYS], **values = world->slots[WEAK_VALUES];
  gait_weak_table *table = world->slots[WEAK_TABLE];
  for (int round = 0; round < 2; round++) {
    for (size_t i = 0; i < count; i++)
      if (gait_weak_table_get(world->thread, table, keys[i]) != values[i]) return false;
    for (uintptr_t i = 1; i < 3000; i++)
      if (!gait_weak_table_put(world->thread, table, (void *)i, (void *)i)) return false;
    if (gait_heap_collect(world->thread) != GAIT_OK) return false;
    for (uintptr_t i = 1; i < 3000; i++)
      if (gait_weak_table_get(world->thread, table, (void *)i) != (void *)i) return false;
  }
  return true;
}

START_TEST(a_fork_finds_a_table_whole_while_others_change_it) {
  enum { COUNT = 500, FORKS = 8 };
  static crowd_world crowd;
  crowd_member member = {.crowd = &crowd};
  pthread_t thread;
  crowd.table = weak_table_filled(&unit, GAIT_WEAK_VALUES, COUNT);
  crowd.heap = unit.heap;
  atomic_store(&fork_stop, false);
  UNIT_CHECK(pthread_create(&thread, NULL, fork_change, &member) == 0);
  for (int i = 0; i < FORKS; i++) {
    const pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) _exit(fork_is_whole(&unit, COUNT) ? 0 : 1);
    int status = 1;
    gait_thread_leave(unit.thread);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    gait_thread_enter(unit.thread);
    ck_assert_int_eq(status, 0);
  }
  atomic_store(&fork_stop, true);
  gait_thread_leave(unit.thread);
  pthread_join(thread, NULL);
  gait_thread_enter(unit.thread);
  ck_assert(fork_is_whole(&unit, COUNT));
}
END_TEST

/* ---- Iterators beside a clear ---- */

/* By the number of the round: the clear may begin, it has returned; and how many have looked. */
static atomic_uint clear_begins, clear_is_over, clear_looks;

static void clear_await(gait_thread *thread, const atomic_uint *counter, unsigned number) {
  while (atomic_load(counter) < number)
    gait_thread_poll(thread);
}

static void clear_rounds(const crowd_member *member) {
  gait_weak_table *table = member->crowd->table;
  void *key = (void *)(uintptr_t)40; /* no reference */
  for (unsigned round = 1; round <= member->crowd->rounds; round++) {
    UNIT_CHECK(gait_weak_table_put(member->thread, table, key, key));
    atomic_store(&clear_begins, round);
    UNIT_CHECK(gait_weak_table_clear(member->thread, table));
    atomic_store(&clear_is_over, round);
    clear_await(member->thread, &clear_looks, (CROWD_THREADS - 1) * round);
  }
}

static void iterator_rounds(crowd_member *member) {
  gait_weak_table *table = member->crowd->table;
  for (unsigned round = 1; round <= member->crowd->rounds; round++) {
    clear_await(member->thread, &clear_begins, round);
    for (unsigned i = 0; atomic_load(&clear_is_over) < round; i++)
      member->slots[i % 8] = gait_weak_table_iterate(member->thread, table);
    for (unsigned i = 0; i < 8; i++) {
      void *key, *value;
      UNIT_CHECK(!member->slots[i] ||
                 !gait_weak_table_next(member->thread, member->slots[i], &key, &value));
      member->slots[i] = NULL;
    }
    atomic_fetch_add(&clear_looks, 1);
  }
}

static void *clear_run(void *arg) {
  crowd_member *member = arg;
  crowd_enter(member, "clears");
  if (member->number == 0)
    clear_rounds(member);
  else
    iterator_rounds(member);
  crowd_leave(member);
  return NULL;
}

START_TEST(a_clear_ends_iterators_that_begin_beside_it) {
  static crowd_world crowd;
  unit_world world;
  const gait_options options = crowd_options(_i);
  unit_open_with(&world, &options, GAIT_STACK_EXACT);
  weak_table_new(&world, GAIT_WEAK_VALUES);
  crowd.rounds = TABLES_SLOW ? 20 : 100;
  atomic_store(&clear_begins, 0), atomic_store(&clear_is_over, 0), atomic_store(&clear_looks, 0);
  crowd_run(&crowd, &world, clear_run);
  unit_close(&world);
}
END_TEST

void unit_suite_fill(Suite *suite) {
  TCase *crowds = unit_case(suite, "threads");
  UNIT_TEST(crowds, threads_have_one_object_for_a_name);
  UNIT_TEST(crowds, threads_that_race_for_new_names_agree);
  UNIT_TEST(crowds, threads_that_put_and_remove_see_their_own);
  UNIT_TEST(crowds, one_thread_removes_an_entry);
  UNIT_TEST(crowds, a_clear_ends_iterators_that_begin_beside_it);
  if (!SANITIZER_FORKS) return;
  const unit_worlds forks = unit_world_cases(suite, "fork", &unit_exact);
  UNIT_WORLD_TEST(forks, a_fork_finds_a_table_whole_while_others_change_it);
}
