#!/usr/bin/env bash
# complete.sh SCRIPT GAIT: completion in bash offers commands, options, values and workloads, as the
# command lists them.
set -uo pipefail
library=/usr/share/bash-completion/bash_completion
[ -r "$library" ] || { echo "bash-completion is not here"; exit 77; }
set +u
# shellcheck source=/dev/null
. "$library"
# shellcheck source=tools/completion/gait.bash
. "$1"
gait=$2
failed=0
compopt() { :; } # which works within a completion only

# offered WORD...: what completion makes of the words, of which the last is being typed.
offered() {
  local line="$gait $*"
  COMP_LINE=$line COMP_POINT=${#line} COMPREPLY=()
  # Bash takes = for a word of its own.
  read -ra COMP_WORDS <<<"${line//=/ = }"
  [[ $line != *[\ =] ]] || COMP_WORDS+=("")
  COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
  _gait
  printf '%s\n' "${COMPREPLY[@]}" | sort | tr '\n' ' '
}

# expect WORDS OFFERED...: these and no others are offered.
expect() {
  local words=$1 wanted found
  shift
  found=$(offered "$words")
  wanted=$(printf '%s\n' "$@" | sort | tr '\n' ' ')
  [ "$found" = "$wanted" ] || { echo "gait $words: '$found', wanted '$wanted'"; failed=1; }
}

cd "$(mktemp -d)" || exit 1
mkdir folder
touch program.log
mapfile -t commands < <("$gait" --help | sed -n 's/^  \([a-z-]*\) .*/\1/p')
[ "${#commands[@]}" -gt 5 ] || { echo "no commands"; failed=1; }
expect '' "${commands[@]}" --help --version
expect 'wh' what-if
expect 'run --t' --threads= --trace
expect 'run --json --gog' --gogc=
expect 'run --gogc ' 100 off
expect 'run --gogc=o' off
expect 'run --option gog' gogc=
expect 'run --option=young=o' off
expect 'run --option policy=' cpu-budget gogc square-root
expect 'run --option trace=' off on
expect 'run --option memory_limit=' auto off
expect 'run --memory-limit=' auto off
expect 'run --threads 2 bin' binary-trees
expect 'run --json l' lru
expect 'run index p' program.log
expect 'grid --html p' program.log
expect 'what-if --check f' folder
expect 'what-if p' program.log
expect 'options --m' --markdown
expect 'options p' ''
rm -r "$PWD"
exit $failed
