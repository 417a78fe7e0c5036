#!/usr/bin/env bash
# compare.sh COMPARE GAIT: the comparison runs all of its work with each peer that is here, names
# those that are not, and notices a peer that does other work.
set -euo pipefail
if ! command -v python3 >/dev/null; then
  echo "python3 is not here"
  exit 77
fi
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
compare=("$1" --quick --gait "$2" --build "$folder/build")
cd "$folder"

"${compare[@]}" --runs 2 --json all.json --html all.html --markdown all.md >all.txt
python3 "$here/check_report.py" all.json 2 glibc
grep -q '^binary-trees, one thread' all.txt
[ "$(grep -c '^\*\*' all.md)" = "$(grep -c '"arguments"' all.json)" ]

# The page needs no other file, and its data cannot end its element.
if grep -E '<(script|link|img)[^>]+(src|href)=|@@' all.html; then
  echo "the page is not self-contained"
  exit 1
fi
grep -q 'var uPlot=' all.html
[ "$(grep -c '</script>' all.html)" = 3 ]

# A peer that is not there is named, and is no failure.
GO=/nowhere/go "${compare[@]}" --peers go --only start --runs 1 --json absent.json >absent.txt
grep -q '^Go is absent: /nowhere/go' absent.txt
python3 "$here/check_report.py" absent.json 1

# Runs in parts are joined.
"${compare[@]}" --peers glibc --only trees-1 --runs 1 --json part.json >/dev/null
"$1" --from absent.json --from part.json --json joined.json >joined.txt
grep -q '^start:' joined.txt
grep -q '^binary-trees' joined.txt
grep -q '^Go is absent' joined.txt

# expect_failure PATTERN COMMAND...: fails, and says what matches.
expect_failure() {
  local pattern=$1 output
  shift
  if output=$("$@" 2>&1) || ! grep -qE -- "$pattern" <<<"$output"; then
    printf '%s: succeeded or did not say %s:\n%s\n' "$*" "$pattern" "$output"
    exit 1
  fi
}

cat >liar <<'EOF'
#!/bin/sh
"$@" | sed 's/"checksum": "0/"checksum": "1/'
EOF
cat >crasher <<'EOF'
#!/bin/sh
case $1 in *trees) echo "lost a tree" >&2; exit 3 ;; esac
exec "$@"
EOF
chmod +x liar crasher
GLIBC_RUN=$folder/liar expect_failure 'FAILED C library: checksum' \
  "${compare[@]}" --peers glibc --only trees-1 --runs 1
GLIBC_RUN=$folder/crasher expect_failure 'FAILED C library: exit status 3: lost a tree' \
  "${compare[@]}" --peers glibc --only trees-1 --runs 1
expect_failure "no peer 'malloc'" "${compare[@]}" --peers malloc
expect_failure "no work 'trees'" "${compare[@]}" --only trees
expect_failure 'no number above zero' "${compare[@]}" --runs 0
