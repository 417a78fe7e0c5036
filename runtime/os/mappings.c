/* Where the program's code lies, and the names of its functions: for the profile, which asks for
 * many at once, so that each file's tables are read once. */
#define _GNU_SOURCE
#include "os/symbols.h"

#include <elf.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "os/elf_image.h"
#include "os/os.h"

struct mappings_list {
  struct gaiti_mapping *all;
  size_t count;
  size_t most;
};

/* ---- Mappings ---- */

/* Copies the build ID out of the notes of a file, where they are mapped. */
static void mapping_read_note(struct gaiti_mapping *mapping, const char *note, size_t bytes) {
  while (bytes >= sizeof(ElfW(Nhdr))) {
    ElfW(Nhdr) head;
    memcpy(&head, note, sizeof head);
    size_t name = (head.n_namesz + 3u) & ~(size_t)3, text = (head.n_descsz + 3u) & ~(size_t)3;
    if (name > bytes - sizeof head || text > bytes - sizeof head - name) return;
    const char *owner = note + sizeof head;
    if (head.n_type == NT_GNU_BUILD_ID && head.n_namesz == 4 && memcmp(owner, "GNU", 4) == 0) {
      const unsigned char *id = (const unsigned char *)owner + name;
      for (size_t i = 0; i < head.n_descsz && i < GAITI_BUILD_ID_BYTES; i++)
        snprintf(mapping->build_id + 2 * i, 3, "%02x", id[i]);
      return;
    }
    note += sizeof head + name + text;
    bytes -= sizeof head + name + text;
  }
}

static void mapping_take_path(struct gaiti_mapping *mapping, const char *name) {
  ssize_t length = -1;
  if (!name || !name[0])
    length = readlink("/proc/self/exe", mapping->path, sizeof mapping->path - 1);
  else
    length = snprintf(mapping->path, sizeof mapping->path, "%s", name);
  if (length < 0 || (size_t)length >= sizeof mapping->path) length = 0;
  mapping->path[length] = '\0';
}

static void mapping_take(struct mappings_list *list, const struct dl_phdr_info *info,
                         const ElfW(Phdr) * part) {
  uintptr_t page = gaiti_os_page_bytes();
  struct gaiti_mapping *mapping = &list->all[list->count++];
  *mapping = (struct gaiti_mapping){.slide = info->dlpi_addr};
  mapping->start = (info->dlpi_addr + part->p_vaddr) & ~(page - 1);
  mapping->end = (info->dlpi_addr + part->p_vaddr + part->p_memsz + page - 1) & ~(page - 1);
  mapping->offset = part->p_offset & ~(page - 1);
  mapping_take_path(mapping, info->dlpi_name);
  for (int i = 0; i < info->dlpi_phnum; i++)
    if (info->dlpi_phdr[i].p_type == PT_NOTE && !mapping->build_id[0])
      mapping_read_note(mapping, (const char *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr),
                        info->dlpi_phdr[i].p_memsz);
}

static int mappings_look(struct dl_phdr_info *info, size_t bytes, void *arg) {
  struct mappings_list *list = arg;
  (void)bytes;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *part = &info->dlpi_phdr[i];
    if (part->p_type != PT_LOAD || !(part->p_flags & PF_X)) continue;
    if (list->count == list->most) return 1;
    mapping_take(list, info, part);
  }
  return 0;
}

size_t gaiti_mappings(struct gaiti_mapping *mappings, size_t most) {
  struct mappings_list list = {.all = mappings, .most = most};
  dl_iterate_phdr(mappings_look, &list);
  return list.count;
}

/* ---- Names of functions ---- */

/* The names found so far, and where each function starts. */
struct mapping_names {
  const struct gaiti_mapping *mapping;
  const uintptr_t *addresses;
  size_t count;
  const char **names;
  uintptr_t *starts;
};

/* The first of the addresses that is not less. */
static size_t mapping_search(const struct mapping_names *names, uintptr_t address) {
  size_t low = 0, high = names->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (names->addresses[middle] < address)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static void mapping_take_symbol(struct mapping_names *names, const ElfW(Sym) * symbol,
                                const char *name) {
  uintptr_t start = symbol->st_value + names->mapping->slide, end = start + symbol->st_size;
  for (size_t i = mapping_search(names, start); i < names->count && names->addresses[i] < end; i++)
    if (!names->names[i] &&
        names->addresses[i] - names->mapping->start < names->mapping->end - names->mapping->start) {
      names->names[i] = name;
      names->starts[i] = start;
    }
}

/* A name has to end within the strings. */
static void mapping_read_table(const struct gaiti_elf_image *image, struct mapping_names *names,
                               const ElfW(Shdr) * table, const ElfW(Shdr) * strings) {
  if (table->sh_entsize != sizeof(ElfW(Sym)) ||
      !gaiti_elf_image_has(image, table->sh_offset, table->sh_size) || strings->sh_size == 0 ||
      !gaiti_elf_image_has(image, strings->sh_offset, strings->sh_size) ||
      image->bytes[strings->sh_offset + strings->sh_size - 1] != '\0')
    return;
  const char *text = image->bytes + strings->sh_offset;
  const ElfW(Sym) *symbols = (const void *)(image->bytes + table->sh_offset);
  for (size_t i = 0; i < table->sh_size / sizeof *symbols; i++)
    if ((symbols[i].st_info & 0xf) == STT_FUNC && symbols[i].st_shndx != SHN_UNDEF &&
        symbols[i].st_name < strings->sh_size)
      mapping_take_symbol(names, &symbols[i], text + symbols[i].st_name);
}

static void mapping_read(const struct gaiti_elf_image *image, struct mapping_names *names) {
  const ElfW(Ehdr) *header = (const void *)image->bytes;
  if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 || header->e_shentsize != sizeof(ElfW(Shdr)) ||
      !gaiti_elf_image_has(image, header->e_shoff, (size_t)header->e_shnum * sizeof(ElfW(Shdr))))
    return;
  const ElfW(Shdr) *sections = (const void *)(image->bytes + header->e_shoff);
  for (int i = 0; i < header->e_shnum; i++) {
    const ElfW(Shdr) *table = &sections[i];
    if (table->sh_type != SHT_SYMTAB && table->sh_type != SHT_DYNSYM) continue;
    if (table->sh_link >= header->e_shnum) continue;
    mapping_read_table(image, names, table, &sections[table->sh_link]);
  }
}

void gaiti_mapping_name(const struct gaiti_mapping *mapping, const uintptr_t *addresses,
                        size_t count, gaiti_function_fn *name, void *arg) {
  struct mapping_names names = {.mapping = mapping, .addresses = addresses, .count = count};
  struct gaiti_elf_image image;
  names.names = gaiti_os_alloc((count + 1) * sizeof *names.names);
  names.starts = gaiti_os_alloc((count + 1) * sizeof *names.starts);
  if (names.names && names.starts && gaiti_elf_image_open(mapping->path, &image)) {
    mapping_read(&image, &names);
    for (size_t i = 0; i < count; i++)
      if (names.names[i]) name(i, names.names[i], names.starts[i], arg);
    gaiti_elf_image_close(&image);
  }
  gaiti_os_free(names.names);
  gaiti_os_free(names.starts);
}
