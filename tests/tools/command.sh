#!/usr/bin/env bash
# command.sh GAIT: what the command says to good and to senseless arguments, and its exit status.
set -uo pipefail
gait=$1
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

expect 0 '^  run +Runs' --help
expect 0 '^gait [0-9]+\.[0-9]+\.[0-9]+$' --version
expect 2 "no command 'walk'" walk
expect 2 "no command 'sweep'.*gait grid" sweep lru 10 10 --gogc 50
expect 2 'Usage: gait COMMAND'
expect 0 'binary-trees DEPTH' run --help
expect 0 'Usage: gait grid' grid --help
expect 0 'Usage: gait options' options --help
expect 0 'Usage: gait demo' demo --help
expect 2 'which workload' run
expect 2 "no workload 'banana'" run banana
expect 2 "DEPTH: 'x' is no whole number" run binary-trees x
expect 2 'Usage: gait run alloc SIZE COUNT LEAF' run alloc 16
expect 2 "SHAPE: 'cube'" run mark-graph 10 1 cube
expect 2 "SHAPE: 'flat'" run paced flat 1 0 1
expect 2 'lru runs in 1 thread' run lru 10 10 --threads 2
expect 2 'gogc.*banana' run lru 10 10 --gogc banana
expect 2 'memory_limit.*12XB' run lru 10 10 --memory-limit 12XB
expect 2 'memory_limit.*12XB' run lru 10 10 --memlimit 12XB
expect 0 'memlimit is called memory_limit now' run lru 10 10 --option memlimit=64MiB
expect 2 'NAME=VALUE' run lru 10 10 --option gogc
expect 2 'nosuch' run lru 10 10 --option nosuch=1
expect 2 'threads=0' run alloc 16 10 0 --threads 0
expect 2 'unrecognized option' run lru 10 10 --banana
expect 2 '--gogc is wanted' grid lru 10 10
expect 2 'gogc.*banana' grid lru 10 10 --gogc 50,banana
expect 2 "DEPTH: 'x'" grid binary-trees x --gogc 50,100
expect 1 '/nowhere/at/all' run index /nowhere/at/all
expect 1 'no text' run index /dev/null
expect 0 'checksum' run binary-trees 4
expect 0 'allocated' run alloc 4000000000 1 1

GAIT_GOGC=banana expect 2 'GAIT_GOGC.*banana' run lru 10 10
GAIT_GOGC=57 expect 0 '"gogc_percent": 57' run lru 10 10 --json
GAIT_GOGC=57 expect 0 '"gogc_percent": 75' run lru 10 10 --json --gogc 75
exit $failed
