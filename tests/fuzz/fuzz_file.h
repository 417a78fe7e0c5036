/* fuzz_file.h: files of a folder that lasts as long as the program, for targets that read files. */
#ifndef GAIT_FUZZ_FILE_H
#define GAIT_FUZZ_FILE_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The folder; made with the first call. */
const char *fuzz_file_folder(void);

/* Writes the file `name` of the folder anew and returns its path, good until the next call. */
const char *fuzz_file_write(const char *name, const char *text, size_t bytes);
void fuzz_file_remove(const char *name);

#endif
