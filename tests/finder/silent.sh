#!/usr/bin/env bash
# silent.sh PROGRAM EVERY: it ends well with the option find_missing, which finds nothing; with a
# cycle at every so many allocations, 0: where they come.
set -euo pipefail
for find in on stores; do
  said=$(GAIT_COLLECT_EVERY=$2 GAIT_FIND_MISSING=$find "$1" 2>&1 >/dev/null) && result=0 || result=$?
  case $result:$said in
  0:* | 77:*) ;;
  *)
    printf 'find_missing=%s: it ended with %s and said:\n%s\n' "$find" "$result" "$said"
    exit 1
    ;;
  esac
  if grep -q '^gait: find_missing: ' <<<"$said"; then
    printf 'find_missing=%s: it said:\n%s\n' "$find" "$said"
    exit 1
  fi
done
