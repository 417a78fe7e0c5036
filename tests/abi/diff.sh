#!/usr/bin/env bash
# diff.sh FOLDER LIBRARY HEADERS PROCESSOR: of what version 0.2.0 shows to programs, the library has
# all, unchanged, but for members at the end of the structures that may grow.
set -euo pipefail
command -v abidw abidiff >/dev/null || { echo "abigail-tools are not there"; exit 77; }
[ "$4" = x86_64 ] || { echo "the reference is of x86_64"; exit 77; }
now=$(mktemp --suffix=.abi)
trap 'rm -f "$now"' EXIT
"$(dirname "$0")/dump.sh" "$2" "$3" >"$now"
abidiff --suppressions "$1/may_grow.abignore" --no-added-syms "$1/frozen/x86_64.abi" "$now"
