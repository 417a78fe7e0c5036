#!/usr/bin/env bash
# basenames_catches.sh CHECKER: a name of two files is caught, and a stale exception.
set -euo pipefail
checker=$1
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
mkdir -p "$tree"/{runtime/heap,runtime/mark,tests/abi/frozen,build}
failed=0

# As many files of each exception as it has, with a checker of its own.
sed '/^EXCEPTIONS = {/,/^}/c EXCEPTIONS = {"twice.c": 2}' "$checker" >"$tree/checker"
touch "$tree"/{runtime,tests}/twice.c "$tree"/runtime/heap/once.{c,h}

# expect good|bad TEXT: the tree as it is now; TEXT is in the output.
expect() {
  local found=good
  python3 "$tree/checker" "$tree" >"$tree/found" || found=bad
  [ "$found" = "$1" ] && grep -qF "$2" "$tree/found" && return
  echo "found $found, not $1 with: $2"
  cat "$tree/found"
  failed=1
}

expect good '3 names'
touch "$tree"/{build,tests/abi/frozen}/once.h
expect good '3 names'
touch "$tree/runtime/mark/once.h"
expect bad 'once.h is the name of 2: runtime/heap/once.h, runtime/mark/once.h'
rm "$tree/runtime/mark/once.h"
touch "$tree/runtime/mark/twice.c"
expect bad 'twice.c is the name of 3'
rm "$tree/runtime/mark/twice.c" "$tree/tests/twice.c"
expect bad 'twice.c is unique now'
exit $failed
