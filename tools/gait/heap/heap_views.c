#include "heap_views.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "command.h"
#include "heap_dominators.h"
#include "heap_paths.h"
#include "heap_text.h"

static int views_no_memory(void) {
  fprintf(stderr, "gait heap: out of memory\n");
  return COMMAND_FAILED;
}

static int views_print_json(json_t *answer) {
  if (!answer) return views_no_memory();
  json_dumpf(answer, stdout, JSON_INDENT(1));
  putchar('\n');
  json_decref(answer);
  return COMMAND_OK;
}

static json_t *views_address(uint64_t address) {
  return json_sprintf("0x%" PRIx64, address);
}

static void views_head(const struct heap_dump *dump) {
  char bytes[32], when[64] = "";
  time_t at = (time_t)dump->time;
  struct tm broken;
  if (localtime_r(&at, &broken)) strftime(when, sizeof when, "%F %T", &broken);
  printf("%s: process %" PRIu64 ", cycle %" PRIu64 ", %s\n", dump->path, dump->pid, dump->cycle,
         when);
  printf("%" PRIu32 " objects of %s, %" PRIu64 " references, %" PRIu64 " weak, %" PRIu64
         " roots; threads were stopped for %.1f ms\n\n",
         dump->objects, heap_size_text(dump->object_bytes, bytes), dump->edges, dump->weak,
         dump->roots, (double)dump->stopped_ns / 1e6);
}

static json_t *views_head_json(const struct heap_dump *dump) {
  return json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "file", dump->path, "pid",
                   (json_int_t)dump->pid, "time", (json_int_t)dump->time, "cycle",
                   (json_int_t)dump->cycle, "objects", (json_int_t)dump->objects, "bytes",
                   (json_int_t)dump->object_bytes, "references", (json_int_t)dump->edges, "weak",
                   (json_int_t)dump->weak, "roots", (json_int_t)dump->roots, "stopped_ns",
                   (json_int_t)dump->stopped_ns);
}

static const char *const views_by[] = {"kind", "site", "size"};

/* ---- By kind, site or size ---- */

static void groups_print(const struct heap_view *view, const struct heap_groups *groups) {
  char bytes[32], external[32];
  views_head(view->dump);
  printf("%12s %11s %11s  %s\n", "objects", "bytes", "external", views_by[view->by]);
  for (size_t i = 0; i < groups->count && i < view->top; i++) {
    const struct heap_group *group = &groups->groups[i];
    printf("%12" PRIu64 " %11s %11s  %s\n", group->objects, heap_size_text(group->bytes, bytes),
           heap_size_text(group->external, external), group->name);
  }
  if (groups->count > view->top) printf("and %zu more: --top\n", groups->count - view->top);
}

static json_t *groups_json(const struct heap_view *view, const struct heap_groups *groups) {
  json_t *answer = views_head_json(view->dump), *rows = json_array();
  for (size_t i = 0; i < groups->count && i < view->top; i++) {
    const struct heap_group *group = &groups->groups[i];
    json_array_append_new(rows, json_pack("{s:s, s:I, s:I, s:I}", views_by[view->by], group->name,
                                          "objects", (json_int_t)group->objects, "bytes",
                                          (json_int_t)group->bytes, "external_bytes",
                                          (json_int_t)group->external));
  }
  json_object_set_new(answer, "groups", rows);
  return answer;
}

int heap_view_groups(const struct heap_view *view) {
  struct heap_groups groups;
  int status = COMMAND_OK;
  if (!heap_groups_make(view->dump, view->by, &groups))
    status = views_no_memory();
  else if (view->json)
    status = views_print_json(groups_json(view, &groups));
  else
    groups_print(view, &groups);
  heap_groups_destroy(&groups);
  return status;
}

/* ---- A path ---- */

static const char *views_kind(const struct heap_dump *dump, uint32_t object) {
  return dump->kinds[heap_block_of(dump, object)->kind].name;
}

static uint64_t views_bytes(const struct heap_dump *dump, uint32_t object) {
  return heap_block_slot_bytes(heap_block_of(dump, object));
}

static void path_print_step(const struct heap_dump *dump, const struct heap_step *step) {
  char bytes[32];
  printf("  0x%" PRIx64 "  %s, %s", heap_address_of(dump, step->object),
         views_kind(dump, step->object), heap_size_text(views_bytes(dump, step->object), bytes));
  uint64_t site = heap_note_of(&dump->sited, step->object, UINT64_MAX);
  if (site != UINT64_MAX) printf(", allocated in %s", dump->sites[site]);
  if (step->word != HEAP_NO_WORD) printf(", by its byte %" PRIu64, 8 * step->word);
  putchar('\n');
}

static void path_print(const struct heap_view *view, const struct heap_path *path) {
  const struct heap_dump *dump = view->dump;
  char text[256];
  heap_root_text(dump, path->holder, path->place, path->slot, text, sizeof text);
  printf("%s\n", text);
  size_t half = view->top / 2, left = path->count > view->top ? path->count - 2 * half : 0;
  for (size_t i = 0; i < path->count; i++) {
    if (left > 0 && i == half) {
      printf("  ... %zu objects: --top\n", left);
      i += left - 1;
      continue;
    }
    path_print_step(dump, &path->steps[i]);
  }
}

static json_t *path_json(const struct heap_dump *dump, const struct heap_path *path) {
  char text[256];
  heap_root_text(dump, path->holder, path->place, path->slot, text, sizeof text);
  json_t *answer = views_head_json(dump), *steps = json_array();
  json_object_set_new(answer, "root",
                      json_pack("{s:s, s:s, s:s, s:s, s:o}", "text", text, "holder",
                                heap_holder_word(dump, path->holder), "name",
                                dump->holders[path->holder].name, "place",
                                heap_place_word(path->place), "slot", views_address(path->slot)));
  for (size_t i = 0; i < path->count; i++) {
    const struct heap_step *step = &path->steps[i];
    json_t *row = json_pack(
        "{s:o, s:s, s:I}", "address", views_address(heap_address_of(dump, step->object)), "kind",
        views_kind(dump, step->object), "bytes", (json_int_t)views_bytes(dump, step->object));
    if (step->word != HEAP_NO_WORD)
      json_object_set_new(row, "offset", json_integer((json_int_t)(8 * step->word)));
    json_array_append_new(steps, row);
  }
  json_object_set_new(answer, "path", steps);
  return answer;
}

/* The object with an address; HEAP_NONE, and says so, where there is none. */
static uint32_t views_object(const struct heap_dump *dump, uint64_t address) {
  uint32_t object = heap_object_with(dump, address);
  if (object == HEAP_NONE)
    fprintf(stderr, "gait heap: %s: no object is at 0x%" PRIx64 "\n", dump->path, address);
  return object;
}

/* What is known of an object to which no root leads. */
static int path_report_none(const struct heap_dump *dump, uint64_t address, uint32_t object) {
  struct heap_weak weak;
  uint64_t count = 0;
  heap_weak_begin(&weak, dump);
  while (heap_weak_next(&weak))
    count += weak.target == object;
  fprintf(stderr,
          "gait heap: %s: no root leads to 0x%" PRIx64
          ": it has died since the cycle began; %" PRIu64 " weak references do\n",
          dump->path, address, count);
  return COMMAND_FAILED;
}

int heap_view_path(const struct heap_view *view, uint64_t address) {
  struct heap_path path;
  int status = COMMAND_OK;
  uint32_t object = views_object(view->dump, address);
  if (object == HEAP_NONE) return COMMAND_FAILED;
  switch (heap_path_find(view->dump, object, &path)) {
  case HEAP_PATH_NO_MEMORY: return views_no_memory();
  case HEAP_PATH_NONE: return path_report_none(view->dump, address, object);
  case HEAP_PATH_FOUND: break;
  }
  if (view->json)
    status = views_print_json(path_json(view->dump, &path));
  else
    path_print(view, &path);
  heap_path_destroy(&path);
  return status;
}

/* ---- Two dumps ---- */

static void diff_print(const struct heap_view *view, const struct heap_changes *changes) {
  char bytes[32];
  bool kept = view->by == HEAP_BY_KIND;
  printf("%12s %12s %12s %12s%s  %s\n", "before", "after", "objects", "bytes",
         kept ? "          new         gone" : "", views_by[view->by]);
  for (size_t i = 0; i < changes->count && i < view->top; i++) {
    const struct heap_change *change = &changes->changes[i];
    uint64_t before = change->before ? change->before->objects : 0;
    uint64_t after = change->after ? change->after->objects : 0;
    printf("%12" PRIu64 " %12" PRIu64 " %+12" PRId64 " %12s", before, after, change->objects,
           heap_change_text(change->bytes, bytes));
    if (kept) printf(" %12" PRIu64 " %12" PRIu64, after - change->kept, before - change->kept);
    printf("  %s\n", change->name);
  }
  if (changes->count > view->top) printf("and %zu more: --top\n", changes->count - view->top);
}

static json_t *diff_json(const struct heap_view *view, const struct heap_dump *after,
                         const struct heap_changes *changes) {
  json_t *rows = json_array();
  for (size_t i = 0; i < changes->count && i < view->top; i++) {
    const struct heap_change *change = &changes->changes[i];
    uint64_t had = change->before ? change->before->objects : 0;
    uint64_t has = change->after ? change->after->objects : 0;
    json_t *row =
        json_pack("{s:s, s:I, s:I, s:I, s:I}", views_by[view->by], change->name, "objects_before",
                  (json_int_t)had, "objects_after", (json_int_t)has, "objects",
                  (json_int_t)change->objects, "bytes", (json_int_t)change->bytes);
    if (view->by == HEAP_BY_KIND) {
      json_object_set_new(row, "new", json_integer((json_int_t)(has - change->kept)));
      json_object_set_new(row, "gone", json_integer((json_int_t)(had - change->kept)));
    }
    json_array_append_new(rows, row);
  }
  return json_pack("{s:o, s:o, s:o}", "before", views_head_json(view->dump), "after",
                   views_head_json(after), "changes", rows);
}

int heap_view_diff(const struct heap_view *view, const struct heap_dump *after) {
  struct heap_groups had = {0}, has = {0};
  struct heap_changes changes = {0};
  int status = COMMAND_OK;
  if (!heap_groups_make(view->dump, view->by, &had) || !heap_groups_make(after, view->by, &has) ||
      !heap_changes_make(&had, &has, &changes)) {
    status = views_no_memory();
  } else {
    if (view->by == HEAP_BY_KIND) heap_changes_keep(&changes, view->dump, after);
    if (view->json)
      status = views_print_json(diff_json(view, after, &changes));
    else
      diff_print(view, &changes);
  }
  free(changes.changes);
  heap_groups_destroy(&had);
  heap_groups_destroy(&has);
  return status;
}

/* ---- Dominators ---- */

/* The numbers with the most bytes: a heap of them, of which the least is at the top. */
struct dominators_top {
  const struct heap_dominators *dominators;
  uint32_t *numbers;
  size_t count;
  size_t most;
};

static uint64_t top_bytes(const struct dominators_top *top, size_t place) {
  return top->dominators->bytes[top->numbers[place]];
}

static void top_swap(struct dominators_top *top, size_t a, size_t b) {
  uint32_t number = top->numbers[a];
  top->numbers[a] = top->numbers[b];
  top->numbers[b] = number;
}

static void top_sink(struct dominators_top *top, size_t place, size_t count) {
  for (size_t child; (child = 2 * place + 1) < count; place = child) {
    if (child + 1 < count && top_bytes(top, child + 1) < top_bytes(top, child)) child++;
    if (top_bytes(top, place) <= top_bytes(top, child)) return;
    top_swap(top, place, child);
  }
}

static void top_add(struct dominators_top *top, uint32_t number) {
  if (top->count < top->most) {
    size_t place = top->count++;
    top->numbers[place] = number;
    for (; place > 0 && top_bytes(top, place) < top_bytes(top, (place - 1) / 2);
         place = (place - 1) / 2)
      top_swap(top, place, (place - 1) / 2);
  } else if (top->most > 0 && top->dominators->bytes[number] > top_bytes(top, 0)) {
    top->numbers[0] = number;
    top_sink(top, 0, top->count);
  }
}

/* The most bytes first. */
static void top_sort(struct dominators_top *top) {
  for (size_t left = top->count; left > 1;) {
    top_swap(top, 0, --left);
    top_sink(top, 0, left);
  }
}

static void dominators_print(const struct heap_view *view, const struct dominators_top *top) {
  const struct heap_dump *dump = view->dump;
  const struct heap_dominators *all = top->dominators;
  char own[32], retained[32];
  views_head(dump);
  printf("roots lead to %" PRIu32 " objects, which retain %s\n\n", all->count,
         heap_size_text(all->bytes[0], retained));
  printf("%11s %12s %11s  %-18s %-18s  %s\n", "retained", "objects", "own", "object", "held by",
         "kind");
  for (size_t i = 0; i < top->count; i++) {
    uint32_t number = top->numbers[i], object = all->objects[number];
    uint32_t above = all->dominator[number];
    printf("%11s %12" PRIu32 " %11s  0x%-16" PRIx64 " ",
           heap_size_text(all->bytes[number], retained), all->retained[number],
           heap_size_text(views_bytes(dump, object), own), heap_address_of(dump, object));
    if (above == 0)
      printf("%-18s", "roots");
    else
      printf("0x%-16" PRIx64, heap_address_of(dump, all->objects[above]));
    printf("  %s\n", views_kind(dump, object));
  }
}

static json_t *dominators_json(const struct heap_view *view, const struct dominators_top *top) {
  const struct heap_dump *dump = view->dump;
  const struct heap_dominators *all = top->dominators;
  json_t *answer = views_head_json(dump), *rows = json_array();
  json_object_set_new(answer, "reachable_objects", json_integer((json_int_t)all->count));
  json_object_set_new(answer, "reachable_bytes", json_integer((json_int_t)all->bytes[0]));
  for (size_t i = 0; i < top->count; i++) {
    uint32_t number = top->numbers[i], object = all->objects[number];
    uint32_t above = all->dominator[number];
    json_array_append_new(
        rows,
        json_pack("{s:o, s:s, s:I, s:I, s:I, s:o}", "address",
                  views_address(heap_address_of(dump, object)), "kind", views_kind(dump, object),
                  "bytes", (json_int_t)views_bytes(dump, object), "retained_bytes",
                  (json_int_t)all->bytes[number], "retained_objects",
                  (json_int_t)all->retained[number], "held_by",
                  above ? views_address(heap_address_of(dump, all->objects[above])) : json_null()));
  }
  json_object_set_new(answer, "dominators", rows);
  return answer;
}

/* The number of an object, or 0. */
static uint32_t dominators_number(const struct heap_dominators *dominators, uint32_t object) {
  for (uint32_t number = 1; number <= dominators->count; number++)
    if (dominators->objects[number] == object) return number;
  return 0;
}

static int dominators_show(const struct heap_view *view, struct dominators_top *top,
                           uint64_t address) {
  const struct heap_dominators *all = top->dominators;
  uint32_t object = address ? views_object(view->dump, address) : 0;
  if (object == HEAP_NONE) return COMMAND_FAILED;
  uint32_t holder = address ? dominators_number(all, object) : 0;
  if (address && holder == 0) return path_report_none(view->dump, address, object);
  for (uint32_t number = 1; number <= all->count; number++)
    if (!address || all->dominator[number] == holder) top_add(top, number);
  top_sort(top);
  if (view->json) return views_print_json(dominators_json(view, top));
  dominators_print(view, top);
  return COMMAND_OK;
}

int heap_view_dominators(const struct heap_view *view, uint64_t address) {
  struct heap_dominators *all = heap_dominators_find(view->dump, true);
  struct dominators_top top = {.dominators = all};
  if (!all) return views_no_memory();
  top.most = view->top < all->count ? view->top : all->count;
  top.numbers = calloc(top.most + 1, sizeof *top.numbers);
  int status = top.numbers ? dominators_show(view, &top, address) : views_no_memory();
  free(top.numbers);
  heap_dominators_destroy(all);
  return status;
}
