#!/usr/bin/env bash
# pprof.sh GO SITES SOURCE [GAIT]: pprof itself reads the profile of `sites`, and its numbers are the true
# ones within four standard deviations.
set -euo pipefail
go=$1 sites=$2 source=$3 gait=${4:-}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export PPROF_TMPDIR=$folder HOME=$folder GOCACHE=$folder/cache GOFLAGS=-mod=mod
"$go" tool pprof -h >/dev/null 2>&1 || [ $? -le 2 ] || exit 77
profile=$folder/profile.pb.gz
"$sites" "$profile" >"$folder/truth"

pprof() {
  "$go" tool pprof "$@" "$sites" "$profile" 2>"$folder/errors" || {
    cat "$folder/errors" >&2
    exit 1
  }
}

# pprof's flat column for a function, as a bare number.
flat() { # SAMPLE UNIT FUNCTION
  pprof -top -nodecount=1000 -nodefraction=0 -sample_index="$1" -unit="$2" |
    awk -v name="$3" '$6 == name { sum += $1 } END { printf "%.0f\n", sum }'
}

check() { # FUNCTION SAMPLE UNIT EXACT SCALE COUNT BYTES
  local found
  found=$(flat "$2" "$3" "$1")
  awk -v found="$found" -v exact="$4" -v scale="$5" -v count="$6" -v bytes="$7" \
    -v name="$1 $2" 'BEGIN {
      chance = 1 - exp(-bytes / 16384)
      most = 4 * scale * (sqrt(count * (1 - chance) / chance) + 1)
      off = found - exact
      if (off < 0) off = -off
      printf "%s: %.0f, exactly %.0f, may be off by %.0f\n", name, found, exact, most
      exit off > most
    }'
}

while read -r function count bytes kept; do
  check "$function" alloc_objects count "$count" 1 "$count" "$bytes"
  check "$function" alloc_space B $((count * bytes)) "$bytes" "$count" "$bytes"
  check "$function" inuse_objects count "$kept" 1 "$kept" "$bytes"
  check "$function" inuse_space B $((kept * bytes)) "$bytes" "$kept" "$bytes"
done <"$folder/truth"

pprof -raw >"$folder/raw"
grep -q '^Period: 16384$' "$folder/raw"
grep -q 'alloc_objects/count alloc_space/bytes inuse_objects/count inuse_space/bytes\[dflt\]' \
  "$folder/raw"
grep -q 'kind:\[entry\]' "$folder/raw"
grep -q "0x[0-9a-f]*/0x[0-9a-f]*/0x[0-9a-f]* $sites" "$folder/raw"

pprof -peek '^make_entry$' -sample_index=alloc_space >"$folder/peek"
grep -qE '\| +(run|main)' "$folder/peek"

# The lines of calls come from the program's own file, by the addresses.
pprof -list '^run$' -sample_index=alloc_space -trim_path=../.. \
  -source_path="$(cd "$(dirname "$source")/../.." && pwd)" >"$folder/list"
grep -qE '^ +\. +[0-9.]+[kMG]?B +[0-9]+:.*make_temporary\(program, i\)' "$folder/list" || {
  cat "$folder/list" >&2
  exit 1
}

pprof -tags >"$folder/tags"
grep -q 'kind' "$folder/tags"

# With lines from the command, a call of an inline function has the line of the program's call.
if [ -n "$gait" ] && "$gait" profile "$profile" --lines "$folder/lines.pb.gz" \
  >"$folder/told" 2>"$folder/errors"; then
  grep -qE '^.*lines\.pb\.gz: [1-9][0-9]* of [0-9]+ addresses have lines$' "$folder/told"
  "$go" tool pprof -list '^make_temporary$' -sample_index=alloc_space -trim_path=../.. \
    -source_path="$(cd "$(dirname "$source")/../.." && pwd)" "$folder/lines.pb.gz" \
    >"$folder/list" 2>"$folder/errors"
  grep -qE '^ +[0-9.]+[kMG]?B +[0-9.]+[kMG]?B +[0-9]+:.*gait_alloc\(program->thread, program->leaf, 64\)' \
    "$folder/list" || {
    cat "$folder/list" >&2
    exit 1
  }
  "$gait" profile "$profile" >"$folder/before"
  "$gait" profile "$folder/lines.pb.gz" | head -1 | cmp - <(head -1 "$folder/before")
else
  grep -q 'without libdw' "$folder/told" "$folder/errors" || [ -z "$gait" ] || exit 1
fi
