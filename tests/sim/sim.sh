#!/usr/bin/env bash
# sim.sh GAIT SOURCES: shards join to the whole, every mistake in a file is named, every output.
set -euo pipefail
gait=$1
sources=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cp "$sources/tests/gctrace/steady-fast.gogc100.nolimit.txt" recorded.txt

cat >spec.json <<'EOF'
{"gogc": [50, 100, 200, "off"], "memory_limit": ["off", "400MiB"],
 "programs": [
  {"name": "wave", "until": {"cycles": 50}, "mark_rate": "1GiB", "cpus": 4, "seed": 7,
   "live_bytes": {"oscillation": {"mean": "100MiB", "amplitude": "50MiB", "period": 10}},
   "allocation_rate": {"ramp": {"from": "100MiB", "to": "500MiB", "at": 1, "over": 5}, "jitter": 0.1},
   "root_bytes": {"step": {"from": 0, "to": "1MiB", "at": 2}}, "scannable_share": 0.5},
  {"name": "replayed", "until": {"seconds": 14}, "mark_rate": "1GiB", "cpus": 2,
   "live_bytes": {"recording": "recorded.txt"}, "allocation_rate": {"recording": "recorded.txt"}}]}
EOF
"$gait" sim spec.json --json --html page.html >whole
[ "$(grep -c '"index"' whole)" = 16 ]
for shard in 1 2 3; do
  "$gait" sim spec.json --json --shard "$shard/3" >"part.$shard"
done
"$gait" sim --merge part.3 part.1 part.2 --json | diff whole -
"$gait" sim --merge whole --csv >whole.csv
"$gait" sim spec.json --csv | diff whole.csv -
awk -F, 'NR == 1 { n = NF } NF != n { exit 1 } END { exit NR != 17 }' whole.csv
[ "$("$gait" sim spec.json --gogc 100 --memory-limit off | wc -l)" = 3 ]
"$gait" sim spec.json --gogc 100 --memory-limit off --timeline cycles.csv >table
[ "$(awk -F, '$1 == 0' cycles.csv | wc -l)" = 50 ]
if grep -E '<(script|link|img)[^>]+(src|href)=' page.html; then
  echo "the page is not self-contained"
  exit 1
fi
grep -q '"program": *"wave"' page.html

# Each policy aims at something of its own: a quarter of live bytes, a share of the CPU, a root.
policy() { # POLICY: prints cycles, those by law, and the share of GC CPU
  echo '{"until": {"seconds": 60}, "live_bytes": "100MiB", "allocation_rate": "400MiB", "cpus": 4,
    "mark_rate": "500MiB", "cpu_budget": 0.03, "square_root_bytes": "64MiB", "policy": "'"$1"'"}' |
    "$gait" sim - --gogc 25 --json | sed -nE 's/^ *"(gc_cpu_share|cycles|cycles_by_law)": ([^,]*),?/\2/p' | xargs
}
read -r cycles law share <<<"$(policy gogc)"
awk "BEGIN { exit !($cycles > 500 && $law > 500 && $share > 0.05) }"
read -r _ law share <<<"$(policy cpu-budget)"
[ "$law" = null ] && awk "BEGIN { exit !($share > 0.0285 && $share < 0.0315) }"
read -r root law _ <<<"$(policy square-root)"
[ "$law" = null ] && awk "BEGIN { exit !($root > 0 && $root < $cycles) }"

refuse() { # STATUS PATTERN ARGUMENT...
  local status=$1 pattern=$2 got=0
  shift 2
  "$gait" sim "$@" >out 2>err || got=$?
  if [ "$got" != "$status" ] || ! grep -qF -- "$pattern" err; then
    echo "sim $*: status $got and: $(cat err)"
    exit 1
  fi
}
refuse 1 'a shard is missing' --merge part.1 part.3
refuse 1 'part.1: setting 0 is in part.1 already' --merge part.1 part.1
refuse 1 'no output of gait sim' --merge <(echo '[{}]')
refuse 2 'which file?'
refuse 2 'shard=4/3' spec.json --shard 4/3
refuse 2 'shard=0/3' spec.json --shard 0/3
refuse 2 'one file is wanted' spec.json spec.json
refuse 1 'nowhere.json' nowhere.json

program='"until": {"cycles": 9}, "mark_rate": 1e9, "allocation_rate": 1e8'
wrong() { # PATTERN JSON
  echo "$2" >wrong.json
  refuse 1 "wrong.json: $1" wrong.json
}
wrong 'line 1, column 10' '{ nonsense'
wrong 'the file holds no JSON object' '[1]'
wrong 'live_bytes: is wanted' "{$program}"
wrong 'live_bytes: -5 is not in 0' "{$program, \"live_bytes\": -5}"
wrong 'live_bytes: "much" is no size' "{$program, \"live_bytes\": \"much\"}"
wrong 'live_bytes: one of constant' "{$program, \"live_bytes\": {}}"
wrong 'live_bytes.rampe: there is no such key' "{$program, \"live_bytes\": {\"rampe\": 1}}"
wrong 'live_bytes.ramp.over: is wanted' \
  "{$program, \"live_bytes\": {\"ramp\": {\"from\": 1, \"to\": 2}}}"
wrong 'live_bytes.oscillation.amplitude: is more than the mean' \
  "{$program, \"live_bytes\": {\"oscillation\": {\"mean\": 1, \"amplitude\": 2, \"period\": 1}}}"
wrong 'live_bytes.jitter: is more' "{$program, \"live_bytes\": {\"constant\": 1, \"jitter\": 2}}"
wrong 'live_bytes.recording: none.txt: No such file' \
  "{$program, \"live_bytes\": {\"recording\": \"none.txt\"}}"
wrong 'colour: there is no such key' "{$program, \"live_bytes\": 1, \"colour\": 1}"
wrong 'cpus: 0 is not in' "{$program, \"live_bytes\": 1, \"cpus\": 0}"
wrong 'background_share: 2 is not in' "{$program, \"live_bytes\": 1, \"background_share\": 2}"
wrong 'idle_share: with the background share it is more' "{$program, \"live_bytes\": 1, \"idle_share\": 0.8}"
wrong 'policy: one of gogc, cpu-budget' "{$program, \"live_bytes\": 1, \"policy\": \"best\"}"
wrong 'policy: one of gogc, cpu-budget' "{$program, \"live_bytes\": 1, \"policy\": 1}"
wrong 'cpu_budget: 2 is not in' "{$program, \"live_bytes\": 1, \"cpu_budget\": 2}"
wrong 'until: an object' '{"live_bytes": 1, "mark_rate": 1, "allocation_rate": 1}'
wrong 'until.seconds: a number is wanted' '{"until": {"seconds": []}}'
wrong 'programs: an array of 1' '{"programs": []}'
wrong 'programs[1].mark_rate: is wanted' "{\"programs\": [{$program, \"live_bytes\": 1},
  {\"until\": {\"cycles\": 1}, \"live_bytes\": 1, \"allocation_rate\": 1}]}"
wrong 'gogc: ' "{$program, \"live_bytes\": 1, \"gogc\": [\"many\"]}"
