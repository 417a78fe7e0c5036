#include "profile/profile_debug.h"

#if GAIT_HAS_LIBDW
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct profile_debug {
  int file;
  Dwarf *dwarf;
};

/* ---- The file ---- */

static bool debug_has_id(Elf *elf, const char *build_id) {
  size_t headers = 0, at = 0, name, text;
  if (build_id[0] == '\0') return true;
  elf_getphdrnum(elf, &headers);
  for (size_t i = 0; i < headers; i++) {
    GElf_Phdr part;
    GElf_Nhdr head;
    if (gelf_getphdr(elf, (int)i, &part) == NULL || part.p_type != PT_NOTE) continue;
    Elf_Data *data = elf_getdata_rawchunk(elf, (int64_t)part.p_offset, part.p_filesz, ELF_T_NHDR);
    for (at = 0; data != NULL && (at = gelf_getnote(data, at, &head, &name, &text)) > 0;) {
      const char *bytes = data->d_buf;
      if (head.n_type != NT_GNU_BUILD_ID || strcmp(bytes + name, "GNU") != 0) continue;
      char id[129] = "";
      for (size_t j = 0; j < head.n_descsz && j < 64; j++)
        snprintf(id + 2 * j, 3, "%02x", (unsigned char)bytes[text + j]);
      return strncmp(id, build_id, strlen(build_id)) == 0;
    }
  }
  return false;
}

struct profile_debug *profile_debug_open(const char *path, const char *build_id) {
  struct profile_debug *debug = malloc(sizeof *debug);
  if (debug == NULL) return NULL;
  debug->file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  debug->dwarf = debug->file < 0 ? NULL : dwarf_begin(debug->file, DWARF_C_READ);
  if (debug->dwarf != NULL && debug_has_id(dwarf_getelf(debug->dwarf), build_id)) return debug;
  profile_debug_close(debug);
  return NULL;
}

void profile_debug_close(struct profile_debug *debug) {
  if (debug == NULL) return;
  if (debug->dwarf != NULL) dwarf_end(debug->dwarf);
  if (debug->file >= 0) close(debug->file);
  free(debug);
}

bool profile_debug_address(const struct profile_debug *debug, uint64_t file_offset, uint64_t offset,
                           uint64_t *address) {
  Elf *elf = dwarf_getelf(debug->dwarf);
  size_t headers = 0;
  elf_getphdrnum(elf, &headers);
  for (size_t i = 0; i < headers; i++) {
    GElf_Phdr part;
    if (gelf_getphdr(elf, (int)i, &part) == NULL || part.p_type != PT_LOAD) continue;
    uint64_t at = file_offset + offset;
    if (!(part.p_flags & PF_X) || at < part.p_offset || at - part.p_offset >= part.p_filesz)
      continue;
    *address = at - part.p_offset + part.p_vaddr;
    return true;
  }
  return false;
}

/* ---- Lines ---- */

/* The compilation unit of an address, where the file has an index of them, and where it has none.
 */
static bool debug_unit(Dwarf *dwarf, uint64_t address, Dwarf_Die *unit) {
  Dwarf_CU *at = NULL;
  uint8_t form;
  if (dwarf_addrdie(dwarf, address, unit) != NULL) return true;
  while (dwarf_get_units(dwarf, at, &at, NULL, &form, unit, NULL) == 0)
    if (form == DW_UT_compile && dwarf_haspc(unit, address) > 0) return true;
  return false;
}

static int debug_number(Dwarf_Die *die, unsigned name) {
  Dwarf_Attribute attribute;
  Dwarf_Word number;
  if (dwarf_attr(die, name, &attribute) == NULL || dwarf_formudata(&attribute, &number) != 0)
    return 0;
  return number > INT32_MAX ? 0 : (int)number;
}

/* The place of the call that was inlined as `die`. */
static void debug_take_call(Dwarf_Die *unit, Dwarf_Die *die, struct profile_debug_line *line) {
  Dwarf_Files *files;
  size_t count;
  int file = debug_number(die, DW_AT_call_file);
  *line = (struct profile_debug_line){.line = debug_number(die, DW_AT_call_line)};
  if (dwarf_getsrcfiles(unit, &files, &count) == 0 && file > 0 && (size_t)file < count)
    line->file = dwarf_filesrc(files, (size_t)file, NULL, NULL);
}

static size_t debug_walk(Dwarf_Die *unit, Dwarf_Die *scopes, int depth,
                         struct profile_debug_line place,
                         struct profile_debug_line lines[PROFILE_DEBUG_MOST]) {
  size_t count = 0;
  for (int i = 0; i < depth && count < PROFILE_DEBUG_MOST; i++) {
    int tag = dwarf_tag(&scopes[i]);
    if (tag != DW_TAG_inlined_subroutine && tag != DW_TAG_subprogram) continue;
    Dwarf_Attribute linkage;
    place.function =
        dwarf_formstring(dwarf_attr_integrate(&scopes[i], DW_AT_linkage_name, &linkage));
    if (place.function == NULL) place.function = dwarf_diename(&scopes[i]);
    lines[count++] = place;
    if (tag == DW_TAG_subprogram) break;
    debug_take_call(unit, &scopes[i], &place);
  }
  return count;
}

size_t profile_debug_find(struct profile_debug *debug, uint64_t address,
                          struct profile_debug_line lines[PROFILE_DEBUG_MOST]) {
  Dwarf_Die unit, *scopes = NULL, *around = NULL;
  size_t count = 0;
  if (!debug_unit(debug->dwarf, address, &unit)) return 0;
  struct profile_debug_line place = {.line = 0};
  Dwarf_Line *line = dwarf_getsrc_die(&unit, address);
  if (line != NULL) {
    place.file = dwarf_linesrc(line, NULL, NULL);
    dwarf_lineno(line, &place.line);
  }
  if (dwarf_getscopes(&unit, address, &scopes) > 0) {
    int depth = dwarf_getscopes_die(&scopes[0], &around);
    if (depth > 0) count = debug_walk(&unit, around, depth, place, lines);
  }
  free(around);
  free(scopes);
  return count;
}

#else

struct profile_debug *profile_debug_open(const char *path, const char *build_id) {
  (void)path, (void)build_id;
  return NULL;
}

void profile_debug_close(struct profile_debug *debug) {
  (void)debug;
}

bool profile_debug_address(const struct profile_debug *debug, uint64_t file_offset, uint64_t offset,
                           uint64_t *address) {
  (void)debug, (void)file_offset, (void)offset, (void)address;
  return false;
}

size_t profile_debug_find(struct profile_debug *debug, uint64_t address,
                          struct profile_debug_line lines[PROFILE_DEBUG_MOST]) {
  (void)debug, (void)address, (void)lines;
  return 0;
}
#endif
