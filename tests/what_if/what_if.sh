#!/usr/bin/env bash
# what_if.sh GAIT RECORDINGS YOUNG: every form of output, bad input, and the errors that are promised.
set -euo pipefail
gait=$1
recordings=$2
young=$3
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
sed 's/^gc \([0-9]\) /gc 1\1 /' "$steady" | cat "$steady" - >"$folder/mixed"
refuse 1 'line 54: cycle 11 comes after cycle 50' "$folder/mixed"
refuse 1 'not of one program' "$steady" "$young/trees.gogc100.nolimit.txt"
head -c 2000 "$steady" >"$folder/cut"
refuse 0 'line 16: the cycle is cut off' "$folder/cut"

# A machine that others kept busy shows in the recording, and widens every range.
sed -E 's/ cpu, /&/; s#(ms clock, [0-9.]+\+[0-9.]+)/[0-9.]+/[0-9.]+#\1/0.01/0#' "$steady" \
  >"$folder/starved"
refuse 0 'workers got [0-9]*% of the CPU' "$folder/starved"
width() { # RECORDING
  "$gait" what-if "$1" --gogc 200 --json | awk -F'[:,]' '
    /"cycles_low"/ { low = $2 } /"cycles_high"/ { print int(100 * $2 / low) }'
}
[ "$(width "$folder/starved")" -gt "$(width "$steady")" ]

# Two runs, in one file or in two, are one prediction, with narrower ranges where they agree.
cat "$steady" "$steady" >"$folder/twice"
"$gait" what-if "$folder/twice" >"$folder/one"
"$gait" what-if --gogc 50,100,200,400 "$steady" "$steady" | diff "$folder/one" -
[ "$(width "$folder/twice")" -lt "$(width "$steady")" ]

# A record file tells what the same run printed, without rounding.
GAIT_RECORDS=$folder/run.gait "$gait" run --trace binary-trees 17 2>"$folder/run.log" >"$folder/out"
"$gait" what-if "$folder/run.gait" --json 2>"$folder/err" >"$folder/exact"
"$gait" what-if "$folder/run.log" --json 2>"$folder/err" >"$folder/rounded"
paste <(grep '_bytes":\|"cycles":' "$folder/exact") <(grep '_bytes":\|"cycles":' "$folder/rounded") |
  awk '{ a = $2 + 0; b = $4 + 0; if (a < 0.7 * b || a > 1.4 * b) exit 1; rows++ }
       END { exit rows != 8 }'
head -c 9000 "$folder/run.gait" >"$folder/short.gait"
refuse 1 'short.gait: at byte 9000' "$folder/short.gait"
# One that somebody has written into is refused or read, with finite numbers.
for seed in 1 2 3 4 5 6 7 8; do
  cp "$folder/run.gait" "$folder/bad.gait"
  for at in 1 2 3 4 5 6; do
    printf '\377\177' | dd of="$folder/bad.gait" bs=1 conv=notrunc status=none \
      seek=$((at < 3 ? seed * 997 * at % 9000 : 9000 + seed * 7919 * at % 200000))
  done
  got=0
  "$gait" what-if "$folder/bad.gait" >"$folder/out" 2>"$folder/err" || got=$?
  [ "$got" -le 1 ] && ! grep -q 'nan\|inf' "$folder/out"
done

# Young cycles: what --check says of recordings at the defaults.
"$gait" what-if --check "$young" --each >"$folder/young" 2>/dev/null || true
grep -q '^cycles .* 12 of 12 inside' "$folder/young"
grep -q '^peak_heap_bytes .* 12 of 12 inside' "$folder/young"

# What docs/what-if.md promises of the errors on these recordings.
"$gait" what-if --check "$recordings" --json 2>"$folder/err" >"$folder/check" || true
"$gait" what-if --check "$recordings" --json --each 2>"$folder/err" >"$folder/each" || true
check() { # FILE QUANTITY MEDIAN WORST INSIDE
  awk -F'[:,]' -v quantity="\"$2\"" -v median="$3" -v worst="$4" -v least="$5" '
    /^ "/ { of = substr($1, 2) }
    of != quantity { next }
    /limit"/ { limited = /"with_limit/ }
    /"recordings"/ { all = $2 }
    /"inside"/ { seen++; bad += $2 < least * all }
    /"median_error"/ && !limited { bad += $2 > median }
    /"worst_error"/ && !limited { bad += $2 > worst }
    END { exit bad > 0 || seen != 2 }' "$folder/$1" || { echo "$*:"; cat "$folder/$1"; exit 1; }
}
check check cycles 0.05 0.15 0.9
check check peak_heap_bytes 0.05 0.36 0.9
check check gc_cpu_seconds 0.10 0.24 0.9
check each cycles 0.04 0.20 0.9
check each peak_heap_bytes 0.05 0.50 0.8
check each gc_cpu_seconds 0.11 0.35 0.9
