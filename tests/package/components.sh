#!/usr/bin/env bash
# components.sh CMAKE BUILD PREFIX: each component can be installed alone, has the files that its
# name promises, and all of them together are the tree PREFIX, in which no file is of two.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failed=0
for component in runtime development command documentation; do
  "$1" --install "$2" --prefix "$folder/$component" --component "$component" >/dev/null
  (cd "$folder/$component" && find . ! -type d) >>"$folder/files"
done
diff <(cd "$3" && find . ! -type d | sort) <(sort "$folder/files") ||
  { echo "< all at once, > the components"; failed=1; }

# has COMPONENT PATTERN...: every file of the component matches a pattern, every pattern a file.
has() {
  local component=$1 files pattern joined
  shift
  files=$(cd "$folder/$component" && find . ! -type d)
  joined=$(printf '|%s' "$@")
  for pattern in "$@"; do
    grep -qE "$pattern" <<<"$files" || { echo "$component: no $pattern"; failed=1; }
  done
  if grep -vE "${joined#|}" <<<"$files"; then
    echo "these are not of $component"
    failed=1
  fi
}
has runtime '/libgait\.so\.[0-9.]+$'
has development '/include/gait/[a-z_]+\.h$' '/include/gait/gait\.hpp$' '/libgait\.(a|so)$' '/pkgconfig/gait\.pc$' \
  '/cmake/gait/gait-[a-z-]+\.cmake$'
has command '/bin/gait$' '/completions/gait$' '/_gait$'
pages=()
[ ! -d "$3/share/man" ] || pages=('/man1/gait' '/man3/gait' '/man7/gait') # without Python: none
has documentation '/doc/gait/' "${pages[@]}"
grep -q "^gogc " <<<"$("$folder/command/bin/gait" options)"
exit $failed
