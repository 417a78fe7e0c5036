/* recording_file.h: recordings in files, as text or as Gait's record files. */
#ifndef GAIT_RECORDING_FILE_H
#define GAIT_RECORDING_FILE_H

#include "recording.h"

/* The recording in the file; "-" is standard input.  As recording_parse. */
bool recording_load(struct recording *recording, const char *path, struct recording_error *error);

/* The same of a file with several runs. */
bool recordings_load(struct recordings *recordings, const char *path,
                     struct recording_error *error);

#endif
