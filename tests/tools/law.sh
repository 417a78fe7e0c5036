#!/usr/bin/env bash
# law.sh GAIT: the arithmetic of each row, that real cycles were measured, and every complaint.
set -euo pipefail
gait=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mib=1048576

# Awk reads one line for each point; `value NAME` in awk finds a column by its name.
columns='
function value(name) { if (!(name in at)) { print "no column " name; bad = 1; exit 1 } return $at[name] }
function near(a, b, share, what) {
  if (a < b * (1 - share) || a > b * (1 + share)) { print what ": " a ", not " b; bad = 1 }
}
function between(over, what) { if (over < 0.6 || over > 2.5) { print what ": " over " times the law"; bad = 1 } }
NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
END { exit bad }'

"$gait" law --live 8MiB --rate 100MiB --gogc 100,200 --cycles 5 --csv --html page.html >grid.csv
awk -F, -v mib=$mib "$columns"'
{ gogc[NR] = value("gogc"); live = value("live_bytes")
  rate = value("rate_reached") ? value("rate_bytes_per_second") : value("rate_measured_bytes_per_second")
  near(live, 8 * mib, 0, "live"); near(value("rate_bytes_per_second"), 100 * mib, 0, "rate")
  near(value("interval_formula_seconds"), value("gogc") / 100 * live / rate, 1e-6, "formula")
  near(value("collector_over_formula"), value("interval_collector_seconds") / value("interval_formula_seconds"), 1e-6, "quotient")
  near(value("simulator_over_collector"), value("interval_simulator_seconds") / value("interval_collector_seconds"), 1e-6, "quotient")
  near(value("live_measured_bytes"), live, 0.1, "what cycles found live")
  near(value("peak_over_goal"), 1, 0.5, "peak over goal")
  # By bytes and not by time; a slow machine lets the workload burst, which makes cycles rarer.
  law = value("gogc") / 100 * live
  between(value("interval_collector_seconds") * value("rate_measured_bytes_per_second") / law, "allocated between cycles")
  between(value("interval_simulator_seconds") * rate / law, "allocated between simulated cycles")
  if (value("intervals") < 2 || value("gc_cpu_share") <= 0 || value("gc_cpu_share_simulator") <= 0 ||
      value("interval_min_seconds") > value("interval_collector_seconds") ||
      value("interval_max_seconds") < value("interval_collector_seconds") ||
      value("black_bytes") <= 0 || value("interval_spread") < 0) { print "cannot be: " $0; bad = 1 } }
NR == 3 && !(gogc[2] == 100 && gogc[3] == 200) { print "not in order"; bad = 1 }
END { if (NR != 3) { print "lines: " NR; exit 1 } }' grid.csv

# The page needs no other file.
if grep -E '<(script|link|img)[^>]+(src|href)=|@@' page.html; then
  echo "the page is not self-contained"
  exit 1
fi
grep -q 'var uPlot=' page.html
grep -q '"interval_collector_seconds"' page.html

# A rate that no machine reaches: both are told, and the formula takes the one that was.
"$gait" law --live 4MiB --rate 500GiB --gogc 100 --cycles 3 --json >fast.json 2>complaints
grep -q '^gait law: live 4 MiB, 512000 MiB/s, GOGC=100: the rate was [0-9.]* MiB/s' complaints
grep -q '"rate_reached": false' fast.json
awk -F'[:,]' '/"rate_measured/ { rate = $2 } /"interval_formula/ { formula = $2 } /"live_bytes"/ { live = $2 }
  END { off = formula * rate / live; exit !(off > 0.9999 && off < 1.0001 && rate < 5e11) }' fast.json
"$gait" law --live 4MiB --rate 500GiB --gogc 100 --cycles 3 2>/dev/null >table
grep -q '^ *4 *512000 *[0-9.]*\* *100 ' table
grep -q '^collector against formula: median error [0-9.]*%, worst [0-9.]*%$' table

fails() { # STATUS TEXT ARGUMENT...
  local status=0
  "$gait" law "${@:3}" >/dev/null 2>complaints || status=$?
  if [ "$status" != "$1" ] || ! grep -q -- "$2" complaints; then
    echo "gait law ${*:3}: status $status, and: $(cat complaints)"
    exit 1
  fi
}
fails 2 "'1MiB' is no size in 4 MiB" --live 1MiB
fails 2 "'' is no size" --live 16MiB,
fails 2 "'fast' is no size" --rate fast
fails 2 "1 or more, not 0 or off" --gogc 100,off
fails 2 "1 or more, not 0 or off" --gogc 0
fails 2 "gogc=x" --gogc x
fails 2 "this machine has" --live 1TiB
fails 2 "2 .. 100000" --cycles 1
fails 2 "not wanted" steady
GAIT_GOGC=x fails 2 "gogc=x\|GAIT_GOGC" --gogc 100
# A run that ends for want of memory is missed, and the others are not.
GAIT_RESERVE=8MiB fails 1 "1 of 2 points were not measured" --live 4MiB,16MiB --rate 500MiB --gogc 50 --cycles 3
"$gait" --help >help
grep -q '^  law  ' help
