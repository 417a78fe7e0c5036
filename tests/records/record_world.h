/* record_world.h: what tests of record files share: a folder, a heap that records there, and the
 * file's reader. */
#ifndef RECORD_WORLD_H
#define RECORD_WORLD_H

#include "record_reader.h"
#include "unit.h"

/* A path in a folder of this process, removed when it ends; good until the eighth call after. */
const char *record_path(const char *name);

/* unit_options with records there. */
gait_options record_options(int mode, const char *path);

/* Opens the file; fails the test where that cannot be read. */
struct record_reader *record_open(const char *path);

/* Allocates until the heap has run `cycles` cycles on its own or on request. */
void record_run(unit_world *world, unsigned cycles);

bool record_file_exists(const char *path);

/* What holds of any file, at any time: events and records are whole, and in order. */
void record_check(struct record_reader *reader);

#endif
