#!/usr/bin/env bash
# layers_catches.sh CHECKER: each include that breaks the rule is caught, and each that does not is
# let through.
set -euo pipefail
checker=$1
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
mkdir -p "$tree"/pacer "$tree"/runtime/{base,os,heap,alloc,barrier,mark,sweep,cycle,api}
echo >"$tree/pacer/pacer.h"
failed=0

# expect good|bad FOLDER INCLUDE
expect() {
  local found=good
  echo "#include $3" >"$tree/$2/probe.c"
  "$checker" "$tree" >/dev/null || found=bad
  rm "$tree/$2/probe.c"
  [ "$found" = "$1" ] && return
  echo "$2 that includes $3 was found $found"
  failed=1
}

expect good runtime/heap '"os/os.h"'
expect good runtime/heap '"heap/block.h"'
expect good runtime/heap '"block.h"'
expect good runtime/heap '"gait/gait.h"'
expect good runtime/os '<sys/mman.h>'
expect good runtime/cycle '"pacer.h"'
expect good runtime/api '"cycle/cycle.h"'
expect good pacer '"pacer.h"'
expect good pacer '<math.h>'

expect bad runtime/base '"os/os.h"'
expect bad runtime/heap '"mark/mark.h"'
expect bad runtime/mark '"sweep/sweep.h"'
expect bad runtime/cycle '"api/api.h"'
expect bad runtime/heap '"../mark/mark.h"'
expect bad runtime/heap '"pacer.h"'
expect bad runtime/heap '"stranger/thing.h"'
expect bad pacer '"base/check.h"'
expect bad pacer '"gait/gait.h"'
expect bad pacer '<gait/gait.h>'
expect bad pacer '<time.h>'
expect bad pacer '<stdlib.h>'

mkdir "$tree/runtime/misc"
expect bad runtime/misc '<stddef.h>'
exit $failed
