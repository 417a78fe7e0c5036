#!/usr/bin/env bash
# forms.sh GAIT: every form of `gait records` says the same of one run, and others can read it.
set -uo pipefail
gait=$1
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failed=0

fail() {
  echo "$*"
  failed=1
}

file=$folder/file
GAIT_RECORDS=$file "$gait" run binary-trees 14 --threads 2 --option min_heap=1MiB \
  --trace 2>"$folder/log" >"$folder/run" || fail "the program failed"
grep '^gc ' "$folder/log" >"$folder/traced"

"$gait" records "$file" --gctrace >"$folder/gctrace" || fail "--gctrace failed"
diff -u "$folder/traced" "$folder/gctrace" || fail "--gctrace is not the program's own trace"

count=$(wc -l <"$folder/traced")
[ "$count" -gt 3 ] || fail "$count cycles"
"$gait" records "$file" --csv >"$folder/csv" || fail "--csv failed"
[ "$(wc -l <"$folder/csv")" -eq $((count + 1)) ] || fail "--csv has not a row for each cycle"
awk -F, 'NR == 1 { columns = NF } NF != columns { exit 1 }' "$folder/csv" ||
  fail "--csv has rows of different lengths"
[ "$("$gait" records "$file" --csv --last 2 | tail -n +2)" = "$(tail -n 2 "$folder/csv")" ] ||
  fail "--last 2 has other rows"

"$gait" records "$file" >"$folder/text" || fail "the table failed"
grep -q "cycles     $count;" "$folder/text" || fail "the table has another number of cycles"
grep -q 'worker (id' "$folder/text" || fail "the table names no thread"

expect() { # expect STATUS PATTERN ARGUMENT...
  local status=$1 pattern=$2 output found=0
  shift 2
  output=$("$gait" records "$@" 2>&1) || found=$?
  if [ "$found" -ne "$status" ] || ! grep -qE -- "$pattern" <<<"$output"; then
    fail "gait records $*: status $found (wanted $status), printed: $output"
  fi
}
expect 2 'which record file' --json
expect 2 'one form' "$file" --json --csv
expect 2 'one record file' "$file" "$file"
expect 2 '--last=0' "$file" --last 0
expect 2 'strict' "$file" --openmetrics=lax
expect 1 'none: No such file' "$folder/none"
expect 1 "log: at byte 0: this is no record file" "$folder/log"
head -c 100000 "$file" >"$folder/cut"
expect 1 'cut: at byte 100000: the file was cut' "$folder/cut"
expect 1 '/none/out' "$file" --perfetto /none/out

if command -v python3 >/dev/null; then
  "$gait" records "$file" --json --events >"$folder/json" || fail "--json failed"
  python3 - "$folder/json" "$count" <<'END' || fail "--json is not as it should be"
import json, sys
file = json.load(open(sys.argv[1]))
cycles, count = file["cycles"], int(sys.argv[2])
assert [cycle["cycle"] for cycle in cycles] == list(range(1, count + 1))
assert all(cycle["cause"] == "gogc" and cycle["memory_limit_bytes"] is None for cycle in cycles)
assert file["now"]["cycles_written"] == count and file["now"]["ended"] == 1
assert file["settings"]["min_heap"] == "1048576" and file["heap"] == 1 and not file["live"]
kinds = {event["event"] for event in file["events"]}
assert {"phase", "asked", "answer", "handshake", "pause", "heap", "cycle"} <= kinds, kinds
assert {thread["name"] for thread in file["threads"]} >= {"main", "worker"}
assert file["events_lost"] == 0 and max(cycle["late_ns"] for cycle in cycles) > 0
END
  "$gait" records "$file" --perfetto "$folder/trace" || fail "--perfetto failed"
  "$here/check_trace.py" "$folder/trace" || fail "--perfetto is not as it should be"
fi
# The parser is Debian's, for Debian's Python.
for python in python3 /usr/bin/python3; do
  "$python" -c 'import prometheus_client.openmetrics' 2>/dev/null || continue
  "$gait" records "$file" --openmetrics=strict | "$python" -c '
import sys
from prometheus_client.openmetrics import parser
names = {family.name for family in parser.text_string_to_metric_families(sys.stdin.read())}
assert {"gait_cycles", "gait_heap_live_bytes", "gait_late_seconds"} <= names, names
' || fail "--openmetrics=strict is not OpenMetrics"
  break
done
exit $failed
