#define _GNU_SOURCE
#include "os/elf_image.h"

#include <fcntl.h>
#include <link.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

bool gaiti_elf_image_open(const char *path, struct gaiti_elf_image *image) {
  int file = open(path, O_RDONLY | O_CLOEXEC);
  struct stat status;
  image->bytes = MAP_FAILED;
  if (file < 0) return false;
  if (fstat(file, &status) == 0 && (size_t)status.st_size > sizeof(ElfW(Ehdr))) {
    image->size = (size_t)status.st_size;
    image->bytes = mmap(NULL, image->size, PROT_READ, MAP_PRIVATE, file, 0);
  }
  close(file);
  return image->bytes != MAP_FAILED;
}

void gaiti_elf_image_close(const struct gaiti_elf_image *image) {
  munmap((void *)(uintptr_t)image->bytes, image->size);
}
