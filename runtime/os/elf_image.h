/* elf_image.h: a file of code, as the linker made it, mapped to be read. */
#ifndef GAITI_OS_ELF_IMAGE_H
#define GAITI_OS_ELF_IMAGE_H

#include <stdbool.h>
#include <stddef.h>

struct gaiti_elf_image {
  const char *bytes;
  size_t size;
};

/* False: there is no such file, or none that has a header. */
bool gaiti_elf_image_open(const char *path, struct gaiti_elf_image *image);
void gaiti_elf_image_close(const struct gaiti_elf_image *image);

/* Whether that part lies within the file, whose own word for that may be wrong. */
static inline bool gaiti_elf_image_has(const struct gaiti_elf_image *image, size_t offset,
                                       size_t bytes) {
  return offset <= image->size && bytes <= image->size - offset;
}

#endif
