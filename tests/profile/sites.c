/* sites FILE: a program with one site for each thing that a profile tells, and a line on standard
 * output for each: its function, the objects that it made, their bytes, and those that are kept.
 * Arrays that grow have no line: their sizes are the library's. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gait/array.h>
#include <gait/profile.h>

#define SITE __attribute__((noinline, noclone))

enum {
  TEMPORARIES = 400000,
  ENTRIES = 4000,
  ARRAYS = 12,
  NUMBERS = 100000,
  TEXTS = 60,
  TEXT_FIRST = 2048,
  TEXT_MOST = 262144,
  BLOCKS = 200,
  BLOCK_BYTES = 262144,
};

struct program {
  gait_thread *thread;
  gait_kind leaf;
  gait_kind entry;
  gait_frame frame;
  void *slots[2]; /* the first entry, and an object in use */
};

/* An object that is dead when the function returns. */
SITE static long make_temporary(struct program *program, long number) {
  long *temporary = gait_alloc(program->thread, program->leaf, 64);
  if (!temporary) abort();
  temporary[1] = number;
  return temporary[0] + temporary[1];
}

/* A list that the program keeps. */
SITE static void make_entry(struct program *program) {
  void **entry = gait_alloc(program->thread, program->entry, 1024);
  if (!entry) abort();
  gait_store_init(program->thread, entry, program->slots[0]);
  program->slots[0] = entry;
}

SITE static void append_numbers(struct program *program) {
  gait_array array;
  if (gait_array_init(program->thread, &array, program->leaf, sizeof(long)) != GAIT_OK) abort();
  for (long number = 0; number < NUMBERS; number++) {
    program->slots[1] = array.items;
    long *place = gait_array_append(program->thread, &array, 1);
    if (!place) abort();
    *place = number;
  }
}

/* A text that doubles its buffer. */
SITE static char *grow_text(struct program *program, char *text, size_t bytes) {
  char *larger = gait_alloc(program->thread, program->leaf, bytes);
  if (!larger) abort();
  if (text) memcpy(larger, text, bytes / 2);
  program->slots[1] = larger;
  return larger;
}

SITE static void read_block(struct program *program) {
  char *volatile block = gait_alloc(program->thread, program->leaf, BLOCK_BYTES);
  if (!block) abort();
  block[0] = 1;
}

SITE static void run(struct program *program) {
  long sum = 0;
  for (long i = 0; i < TEMPORARIES; i++) {
    sum += make_temporary(program, i);
    if (i % (TEMPORARIES / ENTRIES) == 0) make_entry(program);
    if (i % (TEMPORARIES / BLOCKS) == 0) read_block(program);
    if (i % (TEMPORARIES / ARRAYS) == 0) append_numbers(program);
    if (i % (TEMPORARIES / TEXTS) != 0) continue;
    char *text = NULL;
    for (size_t bytes = TEXT_FIRST; bytes <= TEXT_MOST; bytes *= 2)
      text = grow_text(program, text, bytes);
  }
  program->slots[1] = NULL;
  if (sum == 42) puts("");
}

static void tell(const char *function, long count, long bytes, long kept) {
  printf("%s %ld %ld %ld\n", function, count, bytes, kept);
}

int main(int argc, char **argv) {
  static const uint64_t map[1] = {1};
  const gait_kind_info info = {
      .name = "entry", .form = GAIT_KIND_POINTERS, .map_bytes = sizeof(void *), .pointer_map = map};
  struct program program = {.slots = {NULL}};
  gait_options options;
  gait_heap *heap;
  gait_options_init(&options);
  options.profile_bytes = 16384;
  if (argc != 2 || gait_heap_create(&options, &heap) != GAIT_OK) return EXIT_FAILURE;
  if (gait_kind_register(heap, &info, &program.entry) != GAIT_OK) return EXIT_FAILURE;
  if (gait_thread_attach(heap, "main", GAIT_STACK_EXACT, &program.thread) != GAIT_OK)
    return EXIT_FAILURE;
  program.leaf = gait_kind_leaf(heap);
  gait_frame_push(program.thread, &program.frame, program.slots, 2);
  run(&program);
  if (gait_heap_collect(program.thread) != GAIT_OK) return EXIT_FAILURE;
  if (gait_profile_write(heap, argv[1]) != GAIT_OK) return EXIT_FAILURE;
  tell("make_temporary", TEMPORARIES, 64, 0);
  tell("make_entry", ENTRIES, 1024, ENTRIES);
  tell("read_block", BLOCKS, BLOCK_BYTES, 0);
  gait_frame_pop(program.thread, &program.frame);
  gait_thread_detach(program.thread);
  gait_heap_destroy(heap);
  return EXIT_SUCCESS;
}
