#!/usr/bin/env bash
# basenames_catches.sh CHECKER: a name of two files is caught, and a tree without files.
set -euo pipefail
checker=$1
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
mkdir -p "$tree"/{runtime/heap,runtime/mark,tests/abi/frozen,build}
failed=0

# expect good|bad TEXT: the tree as it is now; TEXT is in the output.
expect() {
  local found=good
  python3 "$checker" "$tree" >"$tree/found" || found=bad
  [ "$found" = "$1" ] && grep -qF "$2" "$tree/found" && return
  echo "found $found, not $1 with: $2"
  cat "$tree/found"
  failed=1
}

expect bad '0 names'
touch "$tree"/runtime/heap/once.{c,h}
expect good '2 names'
touch "$tree"/{build,tests/abi/frozen}/once.h
expect good '2 names'
touch "$tree/runtime/mark/once.h"
expect bad 'once.h is the name of 2: runtime/heap/once.h, runtime/mark/once.h'
exit $failed
