#!/usr/bin/env bash
# trial.sh GAIT: runs are recorded, compared and told apart; what cannot be is refused.
set -uo pipefail
command -v python3 >/dev/null || exit 77
gait=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
failed=0

# expect STATUS PATTERN ARGUMENT...: exits so, and prints (on either stream) what matches.
expect() {
  local status=$1 pattern=$2 output found=0
  shift 2
  output=$("$gait" "$@" 2>&1) || found=$?
  if [ "$found" -ne "$status" ] || ! grep -qE -- "$pattern" <<<"$output"; then
    printf 'gait %s: status %s (wanted %s), printed:\n%s\n' "$*" "$found" "$status" "$output"
    failed=1
  fi
}

# holds FILE EXPRESSION: of the metrics of the first comparison, by their names.
holds() {
  python3 - "$1" "$2" <<'PYTHON' || failed=1
import json, sys
trial = json.load(open(sys.argv[1]))
compared = trial["comparisons"][0] if "comparisons" in trial else trial
m = {row["name"]: row for row in compared["metrics"]}
if not eval("(" + sys.argv[2] + ")"):
    print("does not hold:", sys.argv[2], json.dumps(trial, indent=1))
    sys.exit(1)
PYTHON
}

# An experiment in one process: more room, fewer cycles and a larger heap.
expect 0 'ended with status 0' record -o ab --trial gogc:50,200,block=4,discard=1,seed=5 \
  "$gait" run lru 4000 3000000
"$gait" trial ab --json >ab.json || failed=1
holds ab.json 'trial["trial"] == "gogc:50,200,block=4,discard=1,seed=5" and trial["blocks"] >= 10'
holds ab.json 'compared["a"] == "gogc=50" and compared["b"] == "gogc=200"'
holds ab.json 'm["peak heap"]["low"] > 0 and m["cycles"]["high"] < 0'
holds ab.json 'all(r["low"] <= r["difference"] <= r["high"] for r in m.values())'
holds ab.json 'all(abs(r["b"] - r["a"] - r["difference"]) < 1e-6 * abs(r["a"]) + 1e-9
                   for r in m.values())'
expect 0 'gogc=200 against gogc=50: [0-9]+ rounds' trial ab
expect 0 'peak heap +MiB.* more$' trial ab
expect 0 'peak heap +MiB.* more$' records ab --trial
"$gait" records ab --trial --json | cmp - ab.json || failed=1

# A recording without one.
expect 0 'a: [0-9]+ cycles, of which [0-9]+ are there, in' record -o a "$gait" run lru 4000 1500000
expect 0 'b: ' record -o b --set gogc=300 "$gait" run lru 4000 1500000
expect 1 'a: no setting takes turns in it' trial a
expect 0 'peak heap +MiB.* more$' compare a b
expect 0 'peak heap .* the same, as far as can be told$' compare a a --blocks 8 --discard 2
"$gait" compare a b --json >compared.json || failed=1
holds compared.json 'compared["b"] == "b" and m["peak heap"]["low"] > 0 and
                     m["peak heap"]["pairs"] == 16'

# How a program ends.
expect 3 'sh ended with status 3' record -o none sh -c 'exit 3'
expect 3 'it left no records: none: ' record -o none sh -c 'exit 3'
expect 1 'it left no records' record -o none true
expect 143 'sh ended by signal 15' record -o none sh -c 'kill -TERM $$'
expect 137 'killed: [0-9]+ cycles.*; the heap was not destroyed' record -o killed \
  sh -c "'$gait' run lru 4000 100000000 >/dev/null & sleep 1; kill -9 \$!; wait \$!; kill -9 \$\$"
expect 127 'no-such-program: No such file' record -o none no-such-program

# What makes no sense.
expect 2 'which PROGRAM' record
expect 2 "trial: 'banana:1' does not begin" record --trial banana:1 true
expect 2 "no option 'banana'" record --set banana=1 true
expect 2 'NAME=VALUE is wanted' record --set gogc true
expect 2 'gogc=x: it takes' record --set gogc=x true
expect 1 'Is a directory|Operation not permitted' record -o / true
expect 2 'which FILE' trial
expect 2 'one FILE is wanted' trial a b
expect 2 'two files are wanted' compare a
expect 2 "not 'c' too" compare a b c
expect 2 '--blocks=1: a number in 2 ..' compare a b --blocks 1
expect 2 '--discard=-1' compare a b --discard=-1
expect 1 'a: [0-9]+ cycle.s. are too few, with 99999' compare a b --discard 99999
expect 1 '/nowhere' trial /nowhere
expect 1 '/nowhere' compare a /nowhere
head -c 50000 a >cut
expect 1 'cut: at byte 50000' trial cut
expect 1 'cut: at byte 50000' compare a cut
exit $failed
