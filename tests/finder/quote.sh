#!/usr/bin/env bash
# quote.sh PROGRAM MANUAL: the manual shows the report of PROGRAM, but for addresses.
set -euo pipefail
program=$1
manual=$2
plain() {
  sed -E 's/0x[0-9a-f]+/0x.../g; s/finder_faulty/faulty/g'
}
shown=$(sed -n '/^### Finding a missing barrier/,/^### /p' "$manual" |
  awk '/^```text/ { inside = 1; next } /^```/ { inside = 0 } inside' | plain)
said=$(ulimit -c 0 && GAIT_FIND_MISSING=stores "$program" 2>&1 >/dev/null | plain) || true
case $said in
*"cannot watch stores"*)
  echo "stores are not watched here"
  exit 77
  ;;
esac
[ -n "$shown" ] && [ "$shown" = "$said" ] && exit
printf 'the manual shows:\n%s\nthe program says:\n%s\n' "$shown" "$said"
exit 1
