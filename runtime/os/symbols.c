/* An address belongs to the file that the dynamic linker has mapped there.  The file's own symbol
 * table is read anew for each question: a report asks a dozen, and then the program ends. */
#define _GNU_SOURCE
#include "os/symbols.h"

#include <elf.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "os/elf_image.h"

#if defined(__has_include)
#if __has_include(<execinfo.h>)
#define SITE_HAS_BACKTRACE 1
#include <execinfo.h>
#endif
#endif

/* ---- Places ---- */

/* Frames of Gait's own between the one that asks and the program's. */
#define SITE_OWN_FRAMES 6

void gaiti_site_take(struct gaiti_site *site, const void *caller) {
  site->count = 1;
  site->frames[0] = (uintptr_t)caller;
#if defined(SITE_HAS_BACKTRACE)
  void *frames[GAITI_SITE_FRAMES + SITE_OWN_FRAMES];
  int count = backtrace(frames, GAITI_SITE_FRAMES + SITE_OWN_FRAMES), first = 0;
  while (first < count && frames[first] != caller)
    first++;
  for (int i = first + 1; i < count && site->count < GAITI_SITE_FRAMES; i++)
    site->frames[site->count++] = (uintptr_t)frames[i];
#endif
}

/* ---- Files of the process ---- */

struct symbols_file {
  uintptr_t address;
  uintptr_t base;
  char path[512];
  bool found;
};

static int symbols_look(struct dl_phdr_info *info, size_t bytes, void *arg) {
  struct symbols_file *file = arg;
  (void)bytes;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *part = &info->dlpi_phdr[i];
    if (part->p_type != PT_LOAD) continue;
    if (file->address - (info->dlpi_addr + part->p_vaddr) >= part->p_memsz) continue;
    const char *name = info->dlpi_name && info->dlpi_name[0] ? info->dlpi_name : "/proc/self/exe";
    snprintf(file->path, sizeof file->path, "%s", name);
    file->base = info->dlpi_addr;
    file->found = true;
    return 1;
  }
  return 0;
}

struct segments_visit {
  gaiti_segment_fn *visit;
  void *arg;
};

static int segments_look(struct dl_phdr_info *info, size_t bytes, void *arg) {
  const struct segments_visit *visit = arg;
  (void)bytes;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *part = &info->dlpi_phdr[i];
    if (part->p_type != PT_LOAD || !(part->p_flags & PF_W)) continue;
    uintptr_t start = info->dlpi_addr + part->p_vaddr, end = start + part->p_memsz;
    start = (start + 7) & ~(uintptr_t)7;
    if (!visit->visit((const void *)start, (const void *)end, visit->arg)) return 1;
  }
  return 0;
}

void gaiti_data_segments(gaiti_segment_fn *visit, void *arg) {
  struct segments_visit all = {visit, arg};
  dl_iterate_phdr(segments_look, &all);
}

/* ---- Symbol tables ---- */

/* The symbol of that type in one table that has the place, or begins last before it. */
static void symbols_search(const struct gaiti_elf_image *image, const ElfW(Shdr) * table,
                           const ElfW(Shdr) * strings, uintptr_t place, int type,
                           struct gaiti_symbol *found) {
  if (table->sh_entsize != sizeof(ElfW(Sym)) ||
      !gaiti_elf_image_has(image, table->sh_offset, table->sh_size) ||
      !gaiti_elf_image_has(image, strings->sh_offset, strings->sh_size))
    return;
  const ElfW(Sym) *symbols = (const void *)(image->bytes + table->sh_offset);
  for (size_t i = 0; i < table->sh_size / sizeof *symbols; i++) {
    const ElfW(Sym) *symbol = &symbols[i];
    if ((symbol->st_info & 0xf) != type || symbol->st_shndx == SHN_UNDEF) continue;
    if (place - symbol->st_value >= symbol->st_size || symbol->st_name >= strings->sh_size)
      continue;
    snprintf(found->name, sizeof found->name, "%s",
             image->bytes + strings->sh_offset + symbol->st_name);
    found->start = symbol->st_value;
    return;
  }
}

static void symbols_read(const struct gaiti_elf_image *image, uintptr_t place, int type,
                         struct gaiti_symbol *found) {
  const ElfW(Ehdr) *header = (const void *)image->bytes;
  if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 || header->e_shentsize != sizeof(ElfW(Shdr)) ||
      !gaiti_elf_image_has(image, header->e_shoff, (size_t)header->e_shnum * sizeof(ElfW(Shdr))))
    return;
  const ElfW(Shdr) *sections = (const void *)(image->bytes + header->e_shoff);
  for (int i = 0; i < header->e_shnum && !found->name[0]; i++) {
    const ElfW(Shdr) *table = &sections[i];
    if (table->sh_type != SHT_SYMTAB && table->sh_type != SHT_DYNSYM) continue;
    if (table->sh_link >= header->e_shnum) continue;
    symbols_search(image, table, &sections[table->sh_link], place, type, found);
  }
}

static void symbols_name_file(const char *path, struct gaiti_symbol *symbol) {
  char target[512];
  ssize_t length = -1;
  if (strcmp(path, "/proc/self/exe") == 0) length = readlink(path, target, sizeof target - 1);
  if (length > 0) {
    target[length] = '\0';
    path = target;
  }
  const char *last = strrchr(path, '/');
  snprintf(symbol->file, sizeof symbol->file, "%.63s", last ? last + 1 : path);
}

static bool symbols_find(uintptr_t address, int type, struct gaiti_symbol *symbol) {
  struct symbols_file file = {.address = address};
  *symbol = (struct gaiti_symbol){.name = ""};
  dl_iterate_phdr(symbols_look, &file);
  if (!file.found) return false;
  struct gaiti_elf_image image;
  symbol->offset = address - file.base;
  symbols_name_file(file.path, symbol);
  if (!gaiti_elf_image_open(file.path, &image)) return true;
  symbols_read(&image, symbol->offset, type, symbol);
  gaiti_elf_image_close(&image);
  if (symbol->name[0]) symbol->start += file.base;
  return true;
}

bool gaiti_symbol_of_function(uintptr_t address, struct gaiti_symbol *symbol) {
  return symbols_find(address, STT_FUNC, symbol);
}

bool gaiti_symbol_of_variable(uintptr_t address, struct gaiti_symbol *symbol) {
  return symbols_find(address, STT_OBJECT, symbol);
}
