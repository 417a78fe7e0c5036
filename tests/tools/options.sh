#!/usr/bin/env bash
# options.sh GAIT FILE: the page about options is what the command makes.
set -euo pipefail
if ! "$1" options --markdown | diff -u "$2" -; then
  echo "make it anew: gait options --markdown >docs/options.md"
  exit 1
fi
# Every option stands in each form.
table=$("$1" options | grep -c '^[a-z]')
json=$("$1" options --json | grep -c '"name"')
lines=$("$1" options --markdown | grep -c '^| `')
[ "$table" -gt 10 ] && [ "$table" = "$json" ] && [ "$table" = "$lines" ]
