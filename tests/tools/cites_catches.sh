#!/usr/bin/env bash
# cites_catches.sh CHECKER: each citation that does not hold is caught, and those that do are let
# through.
set -euo pipefail
checker=$1
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
failed=0

# A tree in which all citations hold.
lay() {
  rm -rf "$tree" && mkdir -p "$tree"/{docs/design,runtime/cycle,tests/model,tests/litmus}
  printf '/* Phases.\n *\n * Models: start.  Litmus: phase. */\nvoid part_move(void) {\n  AO_store(1);\n}\n' \
    >"$tree/runtime/cycle/part.c"
  printf '/* step: runtime/cycle/part.c: part_move */\n' >"$tree/tests/model/start.pml"
  printf 'C phase\n(* runtime/cycle/part.c: part_move (AO_store) *)\n' >"$tree/tests/litmus/phase.litmus"
}

# expect good|bad WHAT
expect() {
  local found=good
  "$checker" "$tree" >/dev/null || found=bad
  [ "$found" = "$1" ] || { echo "$2 was found $found" && failed=1; }
}

lay
expect good 'a tree that holds'
sed -i 's/part_move/part_gone/' "$tree/tests/model/start.pml"
expect bad 'a function that is not there'
lay
sed -i 's/AO_store (/AO_load (/; s/AO_store)/AO_load)/' "$tree/tests/litmus/phase.litmus"
expect bad 'an operation that is not there'
lay
sed -i 's/ Models: start\. / /' "$tree/runtime/cycle/part.c"
expect bad 'a model that the file does not name'
lay
sed -i 's/phase\. /phase, stalled. /' "$tree/runtime/cycle/part.c"
expect bad 'a litmus test that does not cite the file'
lay
rm "$tree"/tests/*/*
expect bad 'a tree without citations'
lay
sed -i 's/ Models: start\. / /' "$tree/runtime/cycle/part.c"
"$checker" --write "$tree" >/dev/null
expect good 'a line that was just written'
exit $failed
