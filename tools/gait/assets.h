/* assets.h: the files that the command carries inside; the table is generated. */
#ifndef GAIT_ASSETS_H
#define GAIT_ASSETS_H

#include <stddef.h>
#include <string.h>

struct asset {
  const char *name; /* NULL ends the table */
  const char *text; /* ends in a zero byte that `bytes` does not count */
  size_t bytes;
};

extern const struct asset assets[];

/* NULL when there is none. */
static inline const struct asset *asset_find(const char *name) {
  const struct asset *asset = assets;
  while (asset->name != NULL && strcmp(asset->name, name) != 0)
    asset++;
  return asset->name != NULL ? asset : NULL;
}

#endif
