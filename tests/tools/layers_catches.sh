#!/usr/bin/env bash
# layers_catches.sh CHECKER: each include and each call that breaks the rule is caught, and each that
# does not is let through.
set -euo pipefail
checker=$1
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
mkdir -p "$tree"/pacer "$tree"/runtime/{base,os,heap,mutator,alloc,barrier,mark,weak,sweep,cycle,api}
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
expect good runtime/alloc '"mutator/thread.h"'
expect good runtime/heap '"gait/gait.h"'
expect good runtime/os '<sys/mman.h>'
expect good runtime/cycle '"pacer.h"'
expect good runtime/api '"cycle/cycle.h"'
expect good pacer '"pacer.h"'
expect good pacer '<math.h>'

expect bad runtime/base '"os/os.h"'
expect bad runtime/heap '"mark/mark.h"'
expect bad runtime/mutator '"alloc/cache.h"'
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
rmdir "$tree/runtime/misc"

# expect_calls good|bad: of a library of runtime/mutator/low.c and runtime/cycle/high.c, with these
# bodies.
expect_calls() {
  local found=good
  echo "$2" >"$tree/runtime/mutator/low.c"
  echo "$3" >"$tree/runtime/cycle/high.c"
  (cd "$tree" && cc -c runtime/mutator/low.c -o low.c.o && cc -c runtime/cycle/high.c -o high.c.o &&
    rm -f probe.a && ar rc probe.a low.c.o high.c.o)
  "$checker" --calls "$tree/probe.a" "$tree" >/dev/null || found=bad
  [ "$found" = "$1" ] && return
  echo "the calls of '$2' and '$3' were found $found"
  failed=1
}

expect_calls good 'int gaiti_low; ' 'extern int gaiti_low; int gaiti_high(void) { return gaiti_low; }'
expect_calls bad 'int gaiti_high(void); int gaiti_low(void) { return gaiti_high(); }' \
  'int gaiti_high(void) { return 0; }'
expect_calls bad 'int gaiti_low; ' 'extern int gaiti_low; int gait_high(void) { return gaiti_low; }'
expect_calls bad 'int other_low;' 'int other_high;'
exit $failed
