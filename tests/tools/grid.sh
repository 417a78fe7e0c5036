#!/usr/bin/env bash
# grid.sh GAIT: every pair is run once, in every form of output.
set -euo pipefail
gait=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
# shellcheck disable=SC2054
grid=(grid lru 2000 20000 --gogc 50,off --memory-limit 64MiB,off)

"$gait" "${grid[@]}" --html page.html >table
[ "$(grep -c '^lru ' table)" = 4 ]
[ "$("$gait" "${grid[@]}" --csv | wc -l)" = 5 ]
"$gait" "${grid[@]}" --csv | awk -F, 'NR == 1 { n = NF } NF != n { exit 1 }'
[ "$("$gait" "${grid[@]}" --json | grep -c '"checksum"')" = 4 ]
[ "$("$gait" "${grid[@]}" --json | grep '"checksum"' | sort -u | wc -l)" = 1 ]

# The page needs no other file, and its data cannot end its element.
if grep -E '<(script|link|img)[^>]+(src|href)=|@@' page.html; then
  echo "the page is not self-contained"
  exit 1
fi
grep -q '"workload": *"lru"' page.html
grep -q 'var uPlot=' page.html

"$gait" grid index '/nowhere</script>' --gogc 50 --html failed.html 2>complaints && exit 1
grep -q '/nowhere' complaints
[ "$(grep -c '</script>' failed.html)" = "$(grep -c '</script>' page.html)" ]
