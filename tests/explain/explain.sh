#!/usr/bin/env bash
# explain.sh GAIT RECORDINGS: `gait explain` of each sort of file says the same of the same cycles, and
# refuses what is none.
set -uo pipefail
command -v python3 >/dev/null || exit 77
gait=$1 recordings=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
failed=0

expect() {
  local status=$1 pattern=$2 output found=0
  shift 2
  output=$("$gait" "$@" 2>&1) || found=$?
  if [ "$found" -ne "$status" ] || ! grep -qE -- "$pattern" <<<"$output"; then
    printf 'gait %s: status %s (wanted %s), printed:\n%s\n' "$*" "$found" "$status" "$output"
    failed=1
  fi
}

# One run, as records and as JSON.
GAIT_RECORDS=run "$gait" run binary-trees 14 --json --cycles >run.json || exit 1
"$gait" explain run >of_records || failed=1
"$gait" explain run.json >of_json || failed=1
cmp of_records of_json || failed=1
"$gait" explain - <run.json | cmp - of_json || failed=1
[ "$(grep -c '^\(Young cycle\|Cycle\) [0-9]* began at ' of_records)" -ge 2 ] || failed=1
[ "$(grep -c '^It ended at ' of_records)" = "$(grep -c 'began at ' of_records)" ] || failed=1

expect 0 '^Cycle 2 began at' explain run 2
expect 0 '^(Young c|C)ycle [0-9]+ began at' explain run last
[ "$("$gait" explain run 1-2 | grep -c ' began at ')" = 2 ] || failed=1
[ "$("$gait" explain run --missed | grep -c 'nothing missed')" = 0 ] || failed=1
"$gait" explain run --json >explained.json || failed=1
python3 - <<'PYTHON' || failed=1
import json
cycles = json.load(open("run.json"))["timeline"]
told = json.load(open("explained.json"))
assert len(told) == len(cycles), (len(told), len(cycles))
for cycle, said in zip(cycles, told):
    assert said["cycle"] == cycle["cycle"]
    moved = cycle["goal_rule"] == 5
    goal = cycle["planned_goal_bytes"] if moved else cycle["goal_bytes"]
    assert abs(said["over_bytes"] - (cycle["at_mark_end_bytes"] - goal)) < 1, (cycle, said)
    late = max(cycle["at_trigger_bytes"] - cycle["trigger_bytes"], 0)
    assert abs(said["late_bytes"] - late) < 1, (cycle, said)
    assert said["why"].startswith("Cycle") or cycle["young"]
PYTHON

# A recording of Go's, with what it does not tell.
go=$recordings/steady-fast.gogc100.limit150MiB.txt
expect 0 'the memory limit of 150 MiB leaves' explain "$go" --gogc 100 --memory-limit 150MiB
expect 0 'agrees with no rule that the recording tells of' explain "$go" --gogc off

expect 1 'run has no such cycle: it has 1 to ' explain run 100000
expect 1 '/nowhere: No such file' explain /nowhere
expect 1 '/dev/null: ' explain /dev/null
: >empty
expect 1 'empty: ' explain empty
head -c 70000 run >cut
expect 1 'cut: at byte 70000' explain cut
head -c 100 run.json >cut.json
expect 1 'cut.json: byte ' explain cut.json
expect 1 '"timeline": 3|no list `timeline`' explain - <<<'{"timeline": 3}'
expect 2 'which FILE' explain
expect 2 "CYCLE: 'x' is no number" explain run x
expect 2 "CYCLE: '0' is no number" explain run 0
expect 2 "CYCLE: '5-2' is no number" explain run 5-2
expect 2 "not 'more' too" explain run 1 more
expect 2 '--gogc=x' explain run --gogc x
expect 2 '--memory-limit=x' explain run --memory-limit x
exit $failed
