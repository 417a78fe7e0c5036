#!/usr/bin/env bash
# api_names_catches.sh CHECKER: a name that no header has is caught, and a row that is missing.
set -euo pipefail
checker=$1
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
mkdir -p "$tree"/{docs,include/gait}
failed=0

# expect good|bad TEXT: the tree as it is now; TEXT is in the output.
expect() {
  local found=good
  python3 "$checker" "$tree" "$tree/gc.h" >"$tree/found" || found=bad
  [ "$found" = "$1" ] && grep -qF "$2" "$tree/found" && return
  echo "found $found, not $1 with: $2"
  cat "$tree/found"
  failed=1
}

echo '/* not gait_store */ void gait_alloc(void);' >"$tree/include/gait/gait.h"
echo 'GAIT_TRACE' >"$tree/docs/options.md"
# shellcheck disable=SC2016 # these are no commands
echo '`gait_alloc`, `GAIT_TRACE`' >"$tree/docs/embedding.md"
# shellcheck disable=SC2016
echo '| `GC_malloc` | `gait_alloc` |' >"$tree/docs/from-bdwgc.md"
expect good 'all names hold'
printf 'GC_API void * GC_CALL\n    GC_malloc(size_t);\n' >"$tree/gc.h"
expect good 'all names hold'
echo 'GC_API void GC_CALL GC_free(void *);' >>"$tree/gc.h"
expect bad 'GC_free of'
rm "$tree/gc.h"
echo 'gait_store(thread)' >>"$tree/docs/embedding.md"
expect bad 'docs/embedding.md:2: gait_store is in no public header'
exit $failed
