#!/usr/bin/env bash
# exports.sh PREFIX: the shared library shows all that the headers declare, nothing else, each with
# the version in which it came, and needs no library but the C library.
set -euo pipefail
library=$(find "$1" -name 'libgait.so')
shown=$(nm -D --defined-only --without-symbol-versions "$library" |
  awk '$2 != "A" { print $3 }' | sort)
# A declaration at the margin with a semicolon is not inline and not a type.
declared=$(cat "$1"/include/gait/*.h | grep -v '^static\|^template\|^typedef\|^ \|^#\|^/' |
  grep -oE '\bgait_[a-z_]+\(' | tr -d '(' | sort -u)
inline=$(cat "$1"/include/gait/*.h | grep '^static inline' | grep -oE '\bgait_[a-z_]+\(' |
  tr -d '(' | sort -u)
declared=$(comm -23 <(echo "$declared") <(echo "$inline"))
diff <(echo "$declared") <(echo "$shown") || { echo "< declared, > exported"; exit 1; }
unversioned=$(nm -D --defined-only "$library" | awk '$2 != "A" { print $3 }' |
  grep -v '@@GAIT_0\.2' || true)
[ -z "$unversioned" ] || { echo "without a version: $unversioned"; exit 1; }
readelf -d "$library" | grep 'SONAME.*\[libgait\.so\.0\.2\]'
needed=$(readelf -d "$library" | grep NEEDED | grep -vE '\[(libc|libpthread|ld-linux[^]]*)\.so' || true)
[ -z "$needed" ] || { echo "$needed"; exit 1; }
