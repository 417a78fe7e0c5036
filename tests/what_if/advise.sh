#!/usr/bin/env bash
# advise.sh GAIT RECORDINGS: advice meets the budget as what-if predicts it, and is refused when
# nothing meets it.
set -euo pipefail
gait=$1
steady=$2/steady-fast.gogc100.nolimit.txt

number() { # NAME < JSON
  sed -n "s/^ *\"$1\": \([0-9.e+-]*\),*$/\1/p"
}

advice=$("$gait" advise "$steady" --peak 300MiB --json)
gogc=$(number gogc <<<"$advice")
peak=$(number peak_heap_bytes <<<"$advice")
awk -v peak="$peak" 'BEGIN { exit !(peak > 250 * 1048576 && peak <= 300 * 1048576) }'
again=$("$gait" what-if "$steady" --gogc "$gogc" --json | number peak_heap_bytes)
[ "$peak" = "$again" ]
# Ten percent more would not meet it.
over=$("$gait" what-if "$steady" --gogc $((gogc + 20)) --json | number peak_heap_bytes)
awk -v peak="$over" 'BEGIN { exit !(peak > 300 * 1048576) }'

share=$("$gait" advise "$steady" --gc-cpu 5 --json | number gc_cpu_share)
awk -v share="$share" 'BEGIN { exit !(share > 0.04 && share <= 0.05) }'
"$gait" advise "$steady" --gc-cpu 5% | grep -Eq '^GOGC=[0-9]+: .* it has the lowest peak .*\.$'

refuse() { # STATUS PATTERN ARGUMENT...
  local status=$1 pattern=$2 got=0 said
  shift 2
  said=$("$gait" advise "$@" 2>&1) || got=$?
  if [ "$got" != "$status" ] || ! grep -q -- "$pattern" <<<"$said"; then
    echo "advise $*: status $got and: $said"
    exit 1
  fi
}
refuse 1 'no setting does: even GOGC=10 peaks at' "$steady" --peak 80MiB
refuse 1 'no setting does: even GOGC=1600' "$steady" --gc-cpu 0.1
refuse 2 'one budget' "$steady"
refuse 2 'one budget' "$steady" --peak 1GiB --gc-cpu 5
refuse 2 'peak=much' "$steady" --peak much
refuse 2 'gc-cpu=0' "$steady" --gc-cpu 0
refuse 1 'No such file' /nowhere --gc-cpu 5
