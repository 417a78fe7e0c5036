#!/usr/bin/env bash
# format.sh ROOT: every C file is as .clang-format wants it.  Versions of clang-format differ, so
# another than the one that the project uses proves nothing.
set -euo pipefail
cd "$1"
if ! clang-format --version 2>/dev/null | grep -q ' version 14\.'; then
  echo "clang-format 14 is not here"
  exit 77
fi
find include runtime pacer tests bench tools -name vendor -prune -o -name '*.[ch]' -print0 |
  xargs -0 clang-format --dry-run -Werror
