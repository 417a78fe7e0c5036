#!/usr/bin/env bash
# workloads.sh GAIT: each workload does its whole work, the same whatever the collector's settings.
set -uo pipefail
gait=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failed=0

fail() {
  echo "$*"
  failed=1
}

field() { # field NAME: of the JSON on standard input
  sed -n "s/.*\"$1\": \"\{0,1\}\([^,}\"]*\).*/\1/p"
}

# expect NAME VALUE ARGUMENT...: the field has that value, whatever the settings.
expect() {
  local name=$1 value=$2 found settings
  shift 2
  for settings in "--gogc 100" "--gogc 25 --option min_heap=64KiB" "--gogc off" \
    "--gogc off --memory-limit 64MiB" "--option barrierless=on"; do
    # shellcheck disable=SC2086
    found=$("$gait" run "$@" $settings --json | field "$name")
    [ "$found" = "$value" ] || fail "$* $settings: $name is $found, not $value"
  done
}

# Known from the definition of the work, or printed by the same program with malloc and free.
expect ops 388848 binary-trees 12
expect ops 388848 binary-trees 12 --threads 3
expect checksum "$(printf %016x $((388848 + 16383 + 8191)))" binary-trees 12 --threads 3
expect hits 14681 lru 1000 30000
expect checksum "$(printf %016x 20000)" alloc 48 10000 0 --threads 2
expect checksum "$(printf %016x 20000)" alloc 64 10000 1 --threads 2
for shape in random tree list shuffled; do
  expect checksum "$(printf %016x 5000)" mark-graph 5000 2 "$shape"
done
for shape in steady step ramp saw spike; do
  expect ops 78336 paced "$shape" 1 0 10
done

# The collector's share is of the whole run, also where the work's time is that of its best round.
share=$("$gait" run mark-graph 20000 60 tree --json | field gc_cpu_share)
awk "BEGIN { exit !($share > 0 && $share <= 1) }" || fail "mark-graph: gc_cpu_share is $share"

# The index does not depend on how the files are found, and is known for a small text.
printf 'the cat saw the cat\n' >"$folder/a"
printf 'The dog; the END.\n' >"$folder/b"
printf 'zero\0byte' >"$folder/binary"
one=$("$gait" run index "$folder" --json)
two=$("$gait" run index "$folder/b" "$folder/a" --json)
[ "$(field words <<<"$one")" = 5 ] || fail "index: $one"
[ "$(field files <<<"$one")" = 2 ] || fail "index: $one"
[ "$(field ops <<<"$one")" = $((9 * $(field passes <<<"$one"))) ] || fail "index: $one"
[ "$(field checksum <<<"$one")" = "$(field checksum <<<"$two")" ] || fail "index: $one $two"
"$gait" run index "$folder" "$folder/gone" 2>&1 >/dev/null | grep "$folder/gone" >/dev/null ||
  fail "index does not name a file that it cannot read"

# Every key that others read.
keys=(workload ops seconds ns_per_op cycles gc_cpu_seconds peak_rss_bytes alloc_bytes alloc_objects
  pause_max_ns pause_p9999_ns pause_cpu_max_ns op_p9999_ns op_max_ns checksum)
json=$("$gait" run lru 1000 30000 --json)
for key in "${keys[@]}"; do
  grep -q "\"$key\": " <<<"$json" || fail "--json lacks $key"
done
"$gait" run lru 1000 30000 --trace 2>&1 >/dev/null | grep '^gc 1 @' >/dev/null || fail "--trace is silent"
exit $failed
