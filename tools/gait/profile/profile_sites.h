/* profile_sites.h: a profile by sites and kinds, with the lives of their objects.
 *
 * The site of a sample is the innermost function that is the program's: calls of Gait's that
 * allocate are left out.  With it goes its caller, the next function of another name. */
#ifndef GAIT_PROFILE_SITES_H
#define GAIT_PROFILE_SITES_H

#include "profile/pprof.h"
#include "profile/survival.h"

/* Samples of one size. */
struct profile_size {
  double bytes;
  double objects;
  double samples;
};

/* One site and kind.
 *   memory     "external" or "growth": bytes that are no object by themselves; "": objects
 *   samples    how many there were, before they were scaled
 *   by_array   a growable array of Gait's allocated them
 *   sizes      ascending */
struct profile_site {
  const char *function;
  const char *caller;
  const char *kind;
  const char *memory;
  double samples;
  double alloc_objects, alloc_space, inuse_objects, inuse_space;
  bool by_array;
  struct profile_size *sizes;
  size_t size_count;
  struct survival cycles, bytes;
};

/*   has_lives  the samples have labels for the lives of objects
 *   sites      by alloc_space, the largest first; whole: all of them, as one */
struct profile_sites {
  struct profile_site *sites;
  size_t count;
  struct profile_site whole;
  bool has_lives;
};

/* The texts are those of the profile, which has to stay.  False: there is no memory, or it has not
 * the four values of a heap, in which case *error is a sentence. */
bool profile_sites_make(struct profile_sites *sites, const struct pprof *profile,
                        const char **error);
void profile_sites_destroy(struct profile_sites *sites);

#endif
