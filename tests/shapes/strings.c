/* Strings that are built by doubling, and ropes that are flattened.  A leaf object holds the
 * characters; the only reference to the one before is a local. */
#include "shapes.h"

#include <string.h>

#define STRINGS_LONGEST 200000
#define STRINGS_PARTS   200

struct rope {
  struct rope *left, *right;
  char *text;
  size_t bytes;
};

static char string_letter(size_t i) {
  return (char)('a' + i % 23);
}

static char *string_new(struct shape_worker *worker, size_t bytes) {
  return shape_alloc(worker, gait_kind_leaf(worker->run->heap), bytes);
}

static void string_check(const struct shape_worker *worker, const char *text, size_t bytes) {
  for (size_t i = 0; i < bytes; i++)
    if (text[i] != string_letter(i))
      shape_fail(worker->run, "a string of %zu bytes is wrong at %zu", bytes, i);
}

/* One letter after the other; room is made by copying to twice the bytes. */
static void string_grow(struct shape_worker *worker) {
  size_t room = 4, bytes = 0;
  const size_t most = 1 + random_below(&worker->random, STRINGS_LONGEST);
  char *text = string_new(worker, room);
  while (bytes < most) {
    if (bytes == room) {
      char *larger = string_new(worker, 2 * room);
      memcpy(larger, text, room);
      text = larger;
      room *= 2;
    }
    text[bytes] = string_letter(bytes);
    bytes++;
  }
  string_check(worker, text, bytes);
}

static struct rope *rope_leaf(struct shape_worker *worker, size_t from, size_t bytes) {
  const gait_kind *kind = worker->arg;
  char *text = string_new(worker, bytes);
  for (size_t i = 0; i < bytes; i++)
    text[i] = string_letter(from + i);
  struct rope *rope = shape_alloc(worker, *kind, sizeof *rope);
  rope->bytes = bytes;
  gait_store_init(worker->thread, &rope->text, text);
  return rope;
}

static struct rope *rope_join(struct shape_worker *worker, struct rope *left, struct rope *right) {
  const gait_kind *kind = worker->arg;
  struct rope *rope = shape_alloc(worker, *kind, sizeof *rope);
  rope->bytes = left->bytes + right->bytes;
  gait_store_init(worker->thread, &rope->left, left);
  gait_store_init(worker->thread, &rope->right, right);
  return rope;
}

static char *rope_copy(const struct rope *rope, char *to) {
  if (rope->text) {
    memcpy(to, rope->text, rope->bytes);
    return to + rope->bytes;
  }
  return rope_copy(rope->right, rope_copy(rope->left, to));
}

static void rope_build(struct shape_worker *worker) {
  struct rope *rope = rope_leaf(worker, 0, 1);
  for (uint32_t i = 0; i < STRINGS_PARTS; i++)
    rope = rope_join(worker, rope,
                     rope_leaf(worker, rope->bytes, 1 + random_below(&worker->random, 300)));
  char *text = string_new(worker, rope->bytes);
  const size_t bytes = rope->bytes;
  if (rope_copy(rope, text) != text + bytes) shape_fail(worker->run, "a rope has another length");
  rope = NULL;
  string_check(worker, text, bytes);
}

static void strings_work(struct shape_worker *worker) {
  for (uint32_t round = 0; round < 15 * worker->run->scale; round++) {
    string_grow(worker);
    rope_build(worker);
  }
}

void shape_strings(struct shape_run *run) {
  gait_kind kind = shape_kind(run, "rope", 1 << 0 | 1 << 1 | 1 << 2, false);
  shape_threads(run, 2, strings_work, &kind);
}
