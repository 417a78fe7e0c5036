#!/usr/bin/env bash
# virtual.sh GAIT FOLDER [--write]: the law and the policies on a virtual machine are those in FOLDER,
# to the bit; and whatever would differ from machine to machine is refused.
set -euo pipefail
gait=$1 expected=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

"$gait" law --virtual --live 8MiB --rate 100MiB,400MiB --gogc 50,100,200 --csv \
  >"$folder/law.csv" 2>"$folder/err" || { cat "$folder/err"; exit 1; }

# NAME ARGUMENT...: one line of what comes out.
policy() {
  "$gait" run --virtual --json "${@:2}" paced saw 12 200 240 >"$folder/json"
  printf '%s' "$1"
  for key in cycles seconds gc_cpu_share mapped_peak_bytes pause_max_ns; do
    printf ', %s %s' "$key" "$(grep -o "\"$key\": [0-9.]*" "$folder/json" | sed 's/.* //')"
  done
  echo
}
{
  policy 'gogc 50' --gogc=50
  policy 'gogc 100' --gogc=100
  policy 'gogc 400' --gogc=400
  policy 'memory limit 64 MiB' --gogc=off --memory-limit=64MiB
  policy 'memory limit 48 MiB' --gogc=off --memory-limit=48MiB
  policy 'memory limit 32 MiB' --gogc=off --memory-limit=32MiB
  policy 'CPU budget 2%' --option=policy=cpu-budget --option=cpu_budget=2
  policy 'CPU budget 10%' --option=policy=cpu-budget --option=cpu_budget=10
  policy 'square root' --option=policy=square-root
} >"$folder/policies.txt"

if [ "${3:-}" = --write ]; then
  cp "$folder/law.csv" "$folder/policies.txt" "$expected"
  exit
fi
diff "$expected/law.csv" "$folder/law.csv"
diff "$expected/policies.txt" "$folder/policies.txt"

# The same once more, with other addresses, another environment and all cycles.
once() { "$gait" run --virtual=4 --json --cycles paced ramp 4 0 80; }
once >"$folder/one"
LONGER=$(head -c 5000 /dev/zero | tr '\0' x) once | cmp - "$folder/one"

refuse() { # PATTERN ARGUMENT...
  local pattern=$1 got=0
  shift
  "$gait" run "$@" >"$folder/out" 2>"$folder/err" || got=$?
  if [ "$got" != 2 ] || ! grep -q -- "$pattern" "$folder/err"; then
    echo "run $*: status $got and: $(cat "$folder/err")"
    exit 1
  fi
}
refuse 'scanning the stack' --virtual lru 100 100
refuse 'virtual=0' --virtual=0 paced steady 1 0 1
refuse 'virtual=65' --virtual=65 paced steady 1 0 1
refuse 'limit of the system' --virtual --memory-limit=auto paced steady 1 0 1

# Predictions from a run at one setting, where no machine disturbs the truth: docs/what-if.md.
for gogc in 50 100 200 400; do
  recording=$folder/recordings/ramp.gogc$gogc.txt
  mkdir -p "$folder/recordings"
  echo "# gait virtual; command: paced ramp; GOGC=$gogc GOMEMLIMIT=off" >"$recording"
  "$gait" run --virtual --trace --gogc="$gogc" paced ramp 4 0 250 2>>"$recording" >"$folder/out"
done
"$gait" what-if --check "$folder/recordings" >"$folder/check" 2>"$folder/err" || true
awk '/ 3 of 3 inside/ { inside++ }
     /^(cycles|peak)/ { sub("%,", "", $7); bad += $7 > 5 }
     END { exit bad > 0 || inside < 2 }' "$folder/check" || { cat "$folder/check"; exit 1; }
