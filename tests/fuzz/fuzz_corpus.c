/* corpus: gives every file of the folders on the command line to a fuzz target, without a fuzzer.
 * So that any compiler, and every sanitizer, tries again what a fuzzer once found. */
#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool corpus_file(const char *path) {
  FILE *in = fopen(path, "rb");
  if (in == NULL) {
    perror(path);
    return false;
  }
  size_t room = 1 << 12, size = 0;
  uint8_t *data = malloc(room);
  for (size_t got; data != NULL && (got = fread(data + size, 1, room - size, in)) > 0;) {
    size += got;
    if (size < room) continue;
    uint8_t *grown = realloc(data, room *= 2);
    if (grown == NULL) free(data);
    data = grown;
  }
  bool read = data != NULL && !ferror(in);
  fclose(in);
  /* A copy of just that size, so that a sanitizer sees what reads on past the end. */
  uint8_t *exact = read ? malloc(size + (size == 0)) : NULL;
  if (exact != NULL) {
    memcpy(exact, data, size);
    LLVMFuzzerTestOneInput(exact, size);
  }
  free(exact);
  free(data);
  return exact != NULL;
}

static int corpus_folder(const char *folder) {
  struct dirent **entries;
  int count = scandir(folder, &entries, NULL, alphasort), given = 0;
  if (count < 0) perror(folder);
  for (int i = 0; i < count; i++) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
    if (entries[i]->d_name[0] != '.' && given >= 0) given = corpus_file(path) ? given + 1 : -1;
    free(entries[i]);
  }
  if (count >= 0) free(entries);
  return given;
}

int main(int argc, char **argv) {
  int all = 0;
  for (int i = 1; i < argc; i++) {
    int given = corpus_folder(argv[i]);
    if (given <= 0) {
      fprintf(stderr, "%s: nothing to try, or not readable\n", argv[i]);
      return EXIT_FAILURE;
    }
    all += given;
  }
  printf("%d inputs\n", all);
  return all > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
