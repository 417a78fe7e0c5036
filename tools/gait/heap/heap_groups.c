#include "heap_groups.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "heap_text.h"

#define GROUPS_SMALL_BYTES 32768u /* above it sizes are grouped by powers of two */

/* The group of a key, made where it is not there yet; NULL: out of memory. */
static struct heap_group *groups_find(struct heap_groups *groups, uint64_t key) {
  for (size_t i = groups->count; i-- > 0;)
    if (groups->groups[i].key == key) return &groups->groups[i];
  struct heap_group *larger = realloc(groups->groups, (groups->count + 1) * sizeof *groups->groups);
  if (!larger) return NULL;
  groups->groups = larger;
  larger[groups->count] = (struct heap_group){.key = key};
  return &larger[groups->count++];
}

static uint64_t groups_size(uint64_t bytes) {
  if (bytes <= GROUPS_SMALL_BYTES) return bytes;
  uint64_t least = GROUPS_SMALL_BYTES;
  while (bytes / 2 >= least)
    least *= 2;
  return least == GROUPS_SMALL_BYTES ? least + 1 : least;
}

/* A whole block is of one kind and of one size. */
static bool groups_add_blocks(const struct heap_dump *dump, enum heap_by by,
                              struct heap_groups *groups) {
  for (size_t i = 0; i < dump->blocks_count; i++) {
    const struct heap_block *block = &dump->blocks[i];
    uint64_t bytes = heap_block_slot_bytes(block);
    struct heap_group *group =
        groups_find(groups, by == HEAP_BY_KIND ? block->kind : groups_size(bytes));
    if (!group) return false;
    group->objects += block->count;
    group->bytes += block->count * bytes;
  }
  for (size_t i = 0; i < dump->external.count; i++) {
    const struct heap_note *note = &dump->external.notes[i];
    const struct heap_block *block = heap_block_of(dump, note->object);
    struct heap_group *group = groups_find(
        groups, by == HEAP_BY_KIND ? block->kind : groups_size(heap_block_slot_bytes(block)));
    if (group) group->external += note->value;
  }
  return true;
}

/* Sites are as many as they are, so their groups are found by their place. */
static bool groups_add_sites(const struct heap_dump *dump, struct heap_groups *groups) {
  size_t unknown = dump->sites_count;
  groups->groups = calloc(unknown + 1, sizeof *groups->groups);
  if (!groups->groups) return false;
  groups->count = unknown + 1;
  for (size_t site = 0; site <= unknown; site++)
    groups->groups[site].key = site;
  groups->groups[unknown].objects = dump->objects;
  groups->groups[unknown].bytes = dump->object_bytes;
  for (size_t i = 0; i < dump->sited.count; i++) {
    const struct heap_note *note = &dump->sited.notes[i];
    struct heap_group *group = &groups->groups[note->value], *rest = &groups->groups[unknown];
    uint64_t bytes = heap_block_slot_bytes(heap_block_of(dump, note->object));
    group->objects++;
    group->bytes += bytes;
    rest->objects--;
    rest->bytes -= bytes;
  }
  for (size_t i = 0; i < dump->external.count; i++) {
    const struct heap_note *note = &dump->external.notes[i];
    groups->groups[heap_note_of(&dump->sited, note->object, unknown)].external += note->value;
  }
  return true;
}

static void group_name(const struct heap_dump *dump, enum heap_by by, struct heap_group *group) {
  char text[32];
  switch (by) {
  case HEAP_BY_KIND:
    snprintf(group->name, sizeof group->name, "%s", dump->kinds[group->key].name);
    return;
  case HEAP_BY_SITE:
    snprintf(group->name, sizeof group->name, "%s",
             group->key < dump->sites_count ? dump->sites[group->key] : "(not known)");
    return;
  case HEAP_BY_SIZE:
    if (group->key <= GROUPS_SMALL_BYTES)
      snprintf(group->name, sizeof group->name, "%" PRIu64 " B", group->key);
    else
      snprintf(group->name, sizeof group->name, "%s and more",
               heap_size_text(group->key & ~UINT64_C(1), text));
    return;
  }
}

static int group_compare_bytes(const void *a, const void *b) {
  const struct heap_group *first = a, *second = b;
  uint64_t one = first->bytes + first->external, other = second->bytes + second->external;
  if (one != other) return one < other ? 1 : -1;
  return strcmp(first->name, second->name);
}

static int group_compare_keys(const void *a, const void *b) {
  const struct heap_group *first = a, *second = b;
  return (first->key > second->key) - (first->key < second->key);
}

static int group_compare_names(const void *a, const void *b) {
  const struct heap_group *first = a, *second = b;
  return strcmp(first->name, second->name);
}

/* Sites that differ beyond their text are one. */
static void groups_merge(struct heap_groups *groups) {
  size_t count = 0;
  qsort(groups->groups, groups->count, sizeof *groups->groups, group_compare_names);
  for (size_t i = 0; i < groups->count; i++) {
    struct heap_group *group = &groups->groups[i],
                      *last = count ? &groups->groups[count - 1] : NULL;
    if (last && strcmp(last->name, group->name) == 0) {
      last->objects += group->objects;
      last->bytes += group->bytes;
      last->external += group->external;
    } else {
      groups->groups[count++] = *group;
    }
  }
  groups->count = count;
}

bool heap_groups_make(const struct heap_dump *dump, enum heap_by by, struct heap_groups *groups) {
  *groups = (struct heap_groups){0};
  bool made =
      by == HEAP_BY_SITE ? groups_add_sites(dump, groups) : groups_add_blocks(dump, by, groups);
  size_t count = 0;
  for (size_t i = 0; i < groups->count; i++) {
    if (groups->groups[i].objects == 0) continue;
    groups->groups[count] = groups->groups[i];
    group_name(dump, by, &groups->groups[count++]);
  }
  groups->count = count;
  if (count == 0) return made;
  if (by == HEAP_BY_SITE) groups_merge(groups);
  qsort(groups->groups, groups->count, sizeof *groups->groups,
        by == HEAP_BY_SIZE ? group_compare_keys : group_compare_bytes);
  return made;
}

void heap_groups_destroy(struct heap_groups *groups) {
  free(groups->groups);
  *groups = (struct heap_groups){0};
}

/* ---- Two dumps ---- */

static const struct heap_group *groups_named(const struct heap_groups *groups, const char *name) {
  for (size_t i = 0; i < groups->count; i++)
    if (strcmp(groups->groups[i].name, name) == 0) return &groups->groups[i];
  return NULL;
}

static int change_compare(const void *a, const void *b) {
  const struct heap_change *first = a, *second = b;
  int64_t one = llabs(first->bytes), other = llabs(second->bytes);
  if (one != other) return one < other ? 1 : -1;
  return strcmp(first->name, second->name);
}

static void changes_add(struct heap_changes *changes, const struct heap_group *before,
                        const struct heap_group *after) {
  struct heap_change change = {before, after, after ? after->name : before->name, 0, 0, 0};
  if (before) {
    change.objects -= (int64_t)before->objects;
    change.bytes -= (int64_t)(before->bytes + before->external);
  }
  if (after) {
    change.objects += (int64_t)after->objects;
    change.bytes += (int64_t)(after->bytes + after->external);
  }
  changes->changes[changes->count++] = change;
}

bool heap_changes_make(const struct heap_groups *before, const struct heap_groups *after,
                       struct heap_changes *changes) {
  *changes =
      (struct heap_changes){calloc(before->count + after->count + 1, sizeof *changes->changes), 0};
  if (!changes->changes) return false;
  for (size_t i = 0; i < after->count; i++)
    changes_add(changes, groups_named(before, after->groups[i].name), &after->groups[i]);
  for (size_t i = 0; i < before->count; i++)
    if (!groups_named(after, before->groups[i].name))
      changes_add(changes, &before->groups[i], NULL);
  qsort(changes->changes, changes->count, sizeof *changes->changes, change_compare);
  return true;
}

static struct heap_change *changes_named(struct heap_changes *changes, const char *name) {
  for (size_t i = 0; i < changes->count; i++)
    if (strcmp(changes->changes[i].name, name) == 0) return &changes->changes[i];
  return NULL;
}

void heap_changes_keep(struct heap_changes *changes, const struct heap_dump *before,
                       const struct heap_dump *after) {
  for (size_t i = 0; i < before->blocks_count; i++) {
    const struct heap_block *block = &before->blocks[i];
    const char *kind = before->kinds[block->kind].name;
    struct heap_change *change = changes_named(changes, kind);
    for (uint32_t rank = 0; rank < block->count && change; rank++) {
      uint64_t address = heap_address_of(before, block->first + rank);
      if (address < after->base) continue;
      uint32_t object = heap_object_at(after, (address - after->base) / HEAP_GRANULE_BYTES);
      if (object == HEAP_NONE) continue;
      const struct heap_block *other = heap_block_of(after, object);
      change->kept += other->slot_granules == block->slot_granules &&
                      strcmp(after->kinds[other->kind].name, kind) == 0;
    }
  }
}
