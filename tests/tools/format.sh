#!/usr/bin/env bash
# format.sh ROOT: every C file is as .clang-format wants it.  Versions of clang-format differ, so
# another than the one that the project uses proves nothing.
set -euo pipefail
cd "$1"
if [[ $(clang-format --version 2>/dev/null) != *' version 14.'* ]]; then
  echo "clang-format 14 is not here"
  exit 77
fi
# The headers of the models are Promela.
wrong=$(find include runtime pacer tests bench tools \( -name vendor -o -path tests/model \) -prune \
  -o -name '*.[ch]' -print0 | xargs -0 clang-format --dry-run 2>&1 |
  sed -nE 's/^([^ :]+):[0-9]+:.*/\1/p' | sort | uniq -c)
[ -z "$wrong" ] && exit
printf 'lines that clang-format would change:\n%s\n' "$wrong"
exit 1
