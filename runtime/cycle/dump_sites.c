/* Where objects of a dump were allocated: all of them are known with the option find_missing, and
 * those of samples with a profile. */
#include <stdio.h>
#include <string.h>

#include "barrier/finder.h"
#include "cycle/heap_dump.h"
#include "heap/samples.h"

#define SITES_TEXT_BYTES 512
/* So many frames of an interpreter are named. */
#define SITES_NAMED 6

static void sited_put(struct gaiti_dump *dump, uintptr_t object, size_t site) {
  gaiti_ref ref = gaiti_map_resolve(&dump->heap->map, object);
  if (!ref) return;
  unsigned char *at = gaiti_dump_room(&dump->file, GAITI_DUMP_SITED, 2 * GAITI_DUMP_NUMBER_BYTES);
  if (!at) return;
  at = gaiti_dump_number(at, gaiti_dump_granule(ref));
  gaiti_dump_used(&dump->file, gaiti_dump_number(at, site));
}

/* The sites themselves are copied, to be named later. */
static void sited_finder(struct gaiti_dump *dump) {
  struct gaiti_finder *finder = dump->heap->finder;
  gaiti_lock(&finder->lock);
  dump->sites = gaiti_os_alloc((finder->sites_count + 1) * sizeof *dump->sites);
  if (dump->sites) {
    dump->sites_count = finder->sites_count;
    memcpy(dump->sites, finder->sites, finder->sites_count * sizeof *dump->sites);
    for (size_t i = 0; i < finder->count; i++)
      if (!finder->objects[i].lost)
        sited_put(dump, finder->objects[i].start, finder->objects[i].site);
  }
  gaiti_unlock(&finder->lock);
}

/* An object has one sample of the form OBJECT at most. */
static void sited_samples(struct gaiti_dump *dump) {
  struct gaiti_profile *profile = dump->heap->profile;
  gaiti_lock(&profile->lock);
  if (gaiti_call_stacks_copy(&dump->stacks, &profile->stacks))
    for (size_t i = 0; i < profile->places; i++) {
      const struct gaiti_sample *sample = &profile->samples[i];
      if (sample->address && sample->site.form == GAITI_SAMPLE_OBJECT &&
          sample->site.stack < dump->stacks.count)
        sited_put(dump, sample->address, sample->site.stack);
    }
  gaiti_unlock(&profile->lock);
}

/* The finder knows more; the two are seldom on at once. */
void gaiti_dump_sited(struct gaiti_dump *dump) {
  if (dump->heap->finder)
    sited_finder(dump);
  else if (dump->heap->profile)
    sited_samples(dump);
}

/* ---- Names ---- */

static void sites_put(struct gaiti_dump *dump, const char *text) {
  size_t chars = strlen(text);
  unsigned char *at =
      gaiti_dump_room(&dump->file, GAITI_DUMP_SITES, GAITI_DUMP_NUMBER_BYTES + chars);
  if (at) gaiti_dump_used(&dump->file, gaiti_dump_text(at, text, chars));
}

/* Adds a frame of the interpreter's: its function, file and line. */
static void stack_name(const struct gaiti_call_stacks *stacks, uintptr_t word, char *text) {
  const struct gaiti_named_frame *frame = &stacks->named[word & ~GAITI_FRAME_NAMED];
  size_t used = strlen(text);
  snprintf(text + used, SITES_TEXT_BYTES - used, "%s%s (%s:%lld)", used ? ", " : "",
           stacks->text + frame->function, stacks->text + frame->file, (long long)frame->line);
}

/* Where an interpreter has named frames, they tell more than its own functions. */
static void stack_put(struct gaiti_dump *dump, const struct gaiti_call_stack *stack) {
  const struct gaiti_call_stacks *stacks = &dump->stacks;
  struct gaiti_site site = {.count = 0};
  char text[SITES_TEXT_BYTES] = "";
  int named = 0;
  for (size_t i = 0; i < stack->count; i++) {
    uintptr_t word = stacks->words[stack->first + i];
    if (word & GAITI_FRAME_NAMED && named++ < SITES_NAMED) stack_name(stacks, word, text);
    if (!(word & GAITI_FRAME_NAMED) && site.count < GAITI_SITE_FRAMES)
      site.frames[site.count++] = word;
  }
  if (named == 0) gaiti_site_describe(&site, text, sizeof text);
  sites_put(dump, text);
}

void gaiti_dump_sites(struct gaiti_dump *dump) {
  char text[SITES_TEXT_BYTES];
  for (size_t i = 0; i < dump->sites_count; i++) {
    gaiti_site_describe(&dump->sites[i], text, sizeof text);
    sites_put(dump, text);
  }
  for (size_t i = 0; i < dump->stacks.count; i++)
    stack_put(dump, &dump->stacks.stacks[i]);
}
