/* Growable arrays, byte builders, views, pools. */
#include <gait/array.h>
#include <gait/pool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* [array] */
struct document {
  gait_array lines; /* of references, to strings */
  long revision;
};

static struct document *document_new(gait_thread *thread, gait_kind kind, gait_kind lines) {
  struct document *document = gait_alloc(thread, kind, sizeof *document);
  if (document) gait_array_init(thread, &document->lines, lines, sizeof(void *));
  return document;
}

static gait_result register_document(gait_heap *heap, gait_kind *kind, gait_kind *lines) {
  static const uint64_t first_word[] = {1};
  const gait_kind_info document = {.name = "document",
                                   .form = GAIT_KIND_POINTERS,
                                   .map_bytes = sizeof(struct document),
                                   .pointer_map = first_word}; /* lines.items */
  const gait_kind_info references = {.name = "lines",
                                     .form = GAIT_KIND_POINTERS,
                                     .map_bytes = sizeof(void *),
                                     .pointer_map = first_word,
                                     .repeat_bytes = sizeof(void *)};
  gait_result result = gait_kind_register(heap, &document, kind);
  return result ? result : gait_kind_register(heap, &references, lines);
}
/* [end] */

/* [builder] */
static bool append_number(gait_thread *thread, gait_array *text, long number) {
  char digits[24];
  const int count = snprintf(digits, sizeof digits, "%ld,", number);
  return gait_array_append_copy(thread, text, digits, (size_t)count);
}

/* The numbers up to `last` as text; owner NULL: out of memory. */
static gait_view numbers_up_to(gait_thread *thread, long last) {
  gait_array text = {0};
  gait_frame frame;
  gait_array_init(thread, &text, gait_kind_leaf(gait_thread_heap(thread)), 1);
  gait_frame_push(thread, &frame, &text.items, 1);
  for (long i = 0; i <= last && append_number(thread, &text, i); i++) {
  }
  gait_frame_pop(thread, &frame);
  return gait_array_take(thread, &text); /* no copy: the view has the bytes now */
}
/* [end] */

/* [pool] */
static void *make_buffer(gait_thread *thread, void *arg) {
  (void)arg;
  return gait_alloc(thread, gait_kind_leaf(gait_thread_heap(thread)), 4096);
}

static gait_pool *buffers_new(gait_heap *heap) {
  const gait_pool_info info = {.new_object = make_buffer};
  gait_pool *buffers;
  return gait_pool_create(heap, &info, &buffers) == GAIT_OK ? buffers : NULL;
}

static size_t greet(gait_thread *thread, gait_pool *buffers, const char *name) {
  char *buffer = gait_pool_get(thread, buffers); /* has what the last user left */
  if (!buffer) return 0;
  const int chars = snprintf(buffer, 4096, "Hello, %s!", name);
  gait_pool_put(thread, buffers, buffer);
  return chars > 0 ? (size_t)chars : 0;
}
/* [end] */

static void require(int holds) {
  if (!holds) abort();
}

int main(void) {
  gait_heap *heap;
  gait_thread *thread;
  gait_kind documents, lines;
  if (gait_heap_create(NULL, &heap) || register_document(heap, &documents, &lines) ||
      gait_thread_attach(heap, NULL, GAIT_STACK_CONSERVATIVE, &thread))
    return 1;
  struct document *volatile document = document_new(thread, documents, lines);
  for (long i = 0; i < 300; i++)
    require(gait_array_append_reference(thread, &document->lines, numbers_up_to(thread, i).owner));
  require(gait_heap_collect(thread) == GAIT_OK);
  const char *last = *(char **)gait_array_at(&document->lines, 299);
  require(document->lines.count == 300 && strncmp(last, "0,1,2,3,", 8) == 0);
  gait_array_truncate(thread, &document->lines, 0);
  gait_pool *buffers = buffers_new(heap);
  require(buffers && greet(thread, buffers, "you") == 11 && gait_pool_bytes(buffers) >= 4096);
  gait_pool_destroy(buffers);
  return gait_thread_detach(thread) || gait_heap_destroy(heap);
}
