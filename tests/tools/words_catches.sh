#!/usr/bin/env bash
# words_catches.sh CHECKER: words in comments count, of any letters, and others do not.
set -euo pipefail
checker=$1
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
mkdir -p "$tree"/{runtime/heap,pacer,include/gait,tools}
failed=0

# expect COUNT FILE TEXT: the file alone has so many.
expect() {
  printf '%b\n' "$3" >"$tree/$2"
  "$checker" "$tree" | tail -1 >"$tree/found" || true
  if ! grep -q ": $1 of " "$tree/found"; then
    echo "not $1 in $2: $3: $(cat "$tree/found")"
    failed=1
  fi
  rm "$tree/$2"
}

expect 4 runtime/heap/a.c '/* What is lost. */\n/*\n * Who waits,\n * whoever it is, and nobody. */'
expect 1 pacer/a.h 'int a; // what is lost'
expect 1 include/gait/a.h '/* "what" it is */'
expect 2 runtime/heap/a.c '/* what */ int what; /* what */'
expect 0 runtime/heap/a.c '/* somewhat, what_if, what-if, the whole, whose */'
expect 0 runtime/heap/a.c 'const char *what = "/* what */ who";'
expect 0 tools/a.c '/* what */'
expect 0 runtime/heap/a.md 'what'

# As many as are allowed, and one more.
most=$(sed -n 's/^MOST = //p' "$checker")
for ((i = 0; i < most; i++)); do echo '/* what */'; done >"$tree/runtime/heap/many.c"
"$checker" "$tree" >"$tree/found" || { echo "$most are too many"; failed=1; }
echo '/* nobody */' >"$tree/pacer/one.c"
! "$checker" "$tree" >"$tree/found" || { echo "$most and one are not too many"; failed=1; }
grep -q '^pacer/one.c:1: nobody$' "$tree/found" || { echo "the place is not told"; failed=1; }
exit $failed
