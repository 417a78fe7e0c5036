#!/usr/bin/env bash
# lint_pages.sh DIR: groff and mandoc have no complaint about any page, and man-db finds its NAME.
set -uo pipefail
for tool in groff mandoc lexgrog; do
  command -v "$tool" >/dev/null || { echo "$tool is not here"; exit 77; }
done
failed=0 pages=0
for page in "$1"/man*/*; do
  read -r first _ <"$page"
  [ "$first" = .so ] && continue
  pages=$((pages + 1))
  said=$({
    groff -man -ww -z "$page"
    mandoc -T lint -W warning "$page"
    lexgrog "$page" >/dev/null || echo "$page: no NAME"
  } 2>&1)
  [ -z "$said" ] || { printf '%s\n' "$said"; failed=1; }
done
echo "$pages pages"
[ "$pages" -gt 20 ] && exit $failed
