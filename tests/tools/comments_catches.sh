#!/usr/bin/env bash
# comments_catches.sh CHECKER: each kind of damage to a comment is caught, and sound ones are not.
set -euo pipefail
checker=$1
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
mkdir -p "$tree/runtime/heap"
failed=0

# expect good|bad TEXT: the comment on standard input; TEXT is in the output.
expect() {
  local found=good
  cat >"$tree/runtime/heap/kept.h"
  python3 "$checker" "$tree" >"$tree/found" || found=bad
  [ "$found" = "$1" ] && grep -qF "$2" "$tree/found" && return
  echo "found $found, not $1 with: $2"
  cat "$tree/found"
  failed=1
}

expect good '0 faults' <<'END'
/* kept.h: a table.
 *   first   a row, which goes on
 *           below itself
 *   second  the last
 *
 * Then text.  Thread: any. */
END
expect bad 'kept.h:1: the head names kind.h' <<'END'
/* kind.h: a table. */
END
expect bad 'kept.h:3: text straight after a row' <<'END'
/* kept.h: a table.
 *   first   a row, which goes on
 * below itself */
END
expect bad 'kept.h:2: columns in a line of text' <<'END'
/* kept.h: a table.
 * first     a row second     and another */
END
expect bad 'kept.h:2: a label within a paragraph' <<'END'
/* kept.h: a call.
 * Returns nothing. Thread: any. */
END
expect bad 'kept.h:2: 101 columns' <<END
/* kept.h: a call.
 * $(printf 'x%.0s' {1..95}) */
END
exit $failed
