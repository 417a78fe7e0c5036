#!/usr/bin/env bash
# slots.sh COMPILER INCLUDE SOURCE: what is no pointer to a pointer is no slot for the compiler.  Each
# expression of the two lists stands in place of SLOT in the source, as C or C++ goes; those of the
# first compile, with no warning, and those of the second do not.
set -uo pipefail
compiler=$1 include=$2 source=$3
case $source in *.cc) standard=c++17 ;; *) standard=c11 ;; esac
good=('&node->next' 'stack' 'stack + 1' 'node->items' '&node->items[1]' '&node->opaque'
  '(void **)node' '(void **)(void *)&node->number')
bad=('node' 'node->next' '&node->number' '(void *)node' '&node->items' '*node' 'node->number' '"text"'
  '(uint64_t *)node')
# Atomic pointers are slots in C; constant ones may be loaded.
[ $standard = c11 ] && good+=('&node->atomic')
[ $standard = c11 ] || bad+=('&node->constant')
failed=0

compiles() { # CHECKED CALL SLOT
  "$compiler" -std=$standard -Wall -Wextra -Wconversion -Wshadow -Werror -fsyntax-only -I"$include" \
    -DGAIT_NO_OLD_NAMES -DGAIT_CHECKED="$1" -DCALL="$2" -DSLOT="$3" "$source" 2>errors
}

cd "$(mktemp -d)" || exit 1
trap 'rm -rf "$PWD"' EXIT
for call in LOAD STORE INIT CAS TO FROM CLEAR; do
  for checked in 0 1; do
    for slot in "${good[@]}"; do
      compiles $checked $call "$slot" && continue
      echo "$call does not take $slot:" && cat errors
      failed=1
    done
    for slot in "${bad[@]}"; do
      [[ "$call $slot" =~ ^(LOAD|FROM)' &node->constant'$ ]] && continue
      if compiles $checked $call "$slot"; then
        echo "$call takes $slot"
        failed=1
      fi
    done
  done
done
exit $failed
