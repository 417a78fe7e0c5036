#!/usr/bin/env bash
# what_if.sh GAIT RECORDINGS: every form of output, bad input, and the errors that are promised.
set -euo pipefail
gait=$1
recordings=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
steady=$recordings/steady-fast.gogc100.nolimit.txt

"$gait" what-if "$steady" --gogc 50,off --memory-limit off,200MiB --json --html "$folder/page.html" \
  >"$folder/json"
for key in gogc memory_limit cycles gc_cpu_seconds peak_heap_bytes; do
  [ "$(grep -c "\"$key\":" "$folder/json")" = 4 ]
done
for key in cycles gc_cpu_seconds peak_heap_bytes; do
  [ "$(grep -c "\"${key}_low\":" "$folder/json")" = 4 ]
  [ "$(grep -c "\"${key}_high\":" "$folder/json")" = 4 ]
done
[ "$(grep -c '"gogc": null' "$folder/json")" = 2 ]
[ "$(grep -c '"memory_limit": 209715200' "$folder/json")" = 2 ]
if grep -E '<(script|link|img)[^>]+(src|href)=' "$folder/page.html"; then
  echo "the page is not self-contained"
  exit 1
fi
grep -q 'var uPlot=' "$folder/page.html"

# Standard input, and other text between the cycles, change nothing.
sed 's/^gc /host app: gc /; s/$/\nnoise/' "$steady" | "$gait" what-if - >"$folder/noisy"
"$gait" what-if "$steady" | diff - "$folder/noisy"

# More CPUs mark faster; the program itself is as it was.
"$gait" what-if "$steady" --gogc 100 --procs 16 >"$folder/more"
[ "$(wc -l <"$folder/more")" = 2 ]

refuse() { # STATUS PATTERN ARGUMENT...
  local status=$1 pattern=$2 got=0
  shift 2
  "$gait" what-if "$@" >"$folder/out" 2>"$folder/err" || got=$?
  if [ "$got" != "$status" ] || ! grep -q "$pattern" "$folder/err"; then
    echo "what-if $*: status $got and: $(cat "$folder/err")"
    exit 1
  fi
}
refuse 2 'which recording' --json
refuse 2 'gogc.*abc' "$steady" --gogc abc
refuse 2 'procs=0' "$steady" --procs 0
refuse 1 'No such file' "$folder/nowhere"
: >"$folder/empty"
refuse 1 'no cycles' "$folder/empty"
head -c 3000 /dev/urandom >"$folder/garbage"
refuse 1 'no cycle' "$folder/garbage"
cat "$steady" "$steady" >"$folder/twice"
refuse 1 'line 54: cycle 1 comes after cycle 50' "$folder/twice"
head -c 2000 "$steady" >"$folder/cut"
refuse 0 'line 16: the cycle is cut off' "$folder/cut"

# What docs/what-if.md promises of the errors on these recordings.
"$gait" what-if --check "$recordings" >"$folder/check" || true
check() { # QUANTITY MEDIAN WORST INSIDE
  awk -v median="$2" -v worst="$3" -v inside="$4" -v quantity="$1" '
    $1 == quantity && /without a limit/ {
      gsub(/[%,;]/, ""); seen = 1
      for (i = 1; i < NF; i++) {
        if ($i == "error") m = $(i + 1)
        if ($i == "worst") w = $(i + 1)
        if ($i == "of" && $(i + 2) == "inside") { n = $(i - 1); all = $(i + 1) }
        if ($i == "range") widest = $(i + 1)
      }
      if (m > median || w > worst || n < inside * all || widest > 2) exit 1
    }
    END { if (!seen) exit 1 }' "$folder/check" || { echo "$1:"; cat "$folder/check"; exit 1; }
}
check cycles 5 15 0.8
check peak_heap_bytes 5 36 0.8
check gc_cpu_seconds 10 24 0.8
