#!/usr/bin/env bash
# lines.sh PROGRAM...: what programs with benchmarks print is what Go's benchmark data format says
# (golang.org/design/14313-benchmark-format), and Go's own tools read it where they are there.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# Blank lines, lines "key: value", and results: Benchmark and a name, a count, pairs of value and
# unit.  Prints how many results there are; each unit stands once in a line.
results() {
  awk '
    /^[a-z][^A-Z \t]*: / { keys++; next }
    /^Benchmark[A-Z]/ {
      if (NF % 2 || NF < 8 || $2 !~ /^[0-9]+$/ || $2 == 0) { print "wrong: " $0; exit 1 }
      split("", seen)
      for (i = 3; i < NF; i += 2) {
        if ($i !~ /^[0-9]+(\.[0-9]+)?$/ || seen[$(i + 1)]++) { print "wrong: " $0; exit 1 }
      }
      if (!("ns/op" in seen) || !("B/op" in seen) || !("allocs/op" in seen)) {
        print "wrong: " $0; exit 1
      }
      count++
      next
    }
    NF { print "neither result nor key: " $0; exit 1 }
    END { if (!keys) print "no key"; print count + 0 }' "$1"
}

for program in "$@"; do
  "$program" -benchtime=3x -count=2 >"$folder/before"
  "$program" -benchtime=3x -count=2 -collector >"$folder/after"
  before=$(results "$folder/before") after=$(results "$folder/after")
  echo "$program: $before results"
  [ "$before" = "$after" ] && [ "$before" -ge 10 ]
  [ "$(grep -c 'gc-cpu-ns/op' "$folder/after")" = "$after" ]
  # One in two runs has each name.
  [ "$(grep -c '^Benchmark' "$folder/before")" = \
    $((2 * $(grep '^Benchmark' "$folder/before" | cut -f 1 | sort -u | wc -l))) ]
  if "$program" -benchtime=never >"$folder/wrong" 2>&1; then
    echo "took -benchtime=never"
    exit 1
  fi
  # benchcmp is of golang-golang-x-tools; benchstat of golang.org/x/perf, which Debian has not.
  if command -v benchcmp >/dev/null; then
    benchcmp "$folder/before" "$folder/after" >"$folder/compared" 2>&1
    [ "$(grep -cE '^Benchmark[^ ]+ +[0-9.]+ +[0-9.]+ ' "$folder/compared")" -ge "$before" ]
    grep -q 'old allocs' "$folder/compared"
  fi
  if command -v benchstat >/dev/null; then
    benchstat "$folder/before" "$folder/after" >"$folder/compared"
    grep -q 'allocs/op' "$folder/compared"
  fi
done
