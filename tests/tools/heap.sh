#!/usr/bin/env bash
# heap.sh GAIT PROGRAM: the views of two dumps that the program writes, as text and as JSON, and the
# faults of files.
set -euo pipefail
gait=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
address=$("$2" dump)

# has PATTERN ARGUMENT...: the view prints a line that matches.
has() {
  local pattern=$1 output
  shift
  output=$("$gait" heap "$@")
  if ! grep -qE -- "$pattern" <<<"$output"; then
    printf 'gait heap %s: no line matches %s:\n%s\n' "$*" "$pattern" "$output"
    exit 1
  fi
}

# fails STATUS PATTERN ARGUMENT...: exits so, and says that.
fails() {
  local status=$1 pattern=$2 output found=0
  shift 2
  output=$("$gait" heap "$@" 2>&1) || found=$?
  if [ "$found" -ne "$status" ] || ! grep -qE -- "$pattern" <<<"$output"; then
    printf 'gait heap %s: status %s (wanted %s):\n%s\n' "$*" "$found" "$status" "$output"
    exit 1
  fi
}

has '^21 objects of 1\.[0-9] KiB, 20 references, 0 weak, 1 roots' dump
has '^ +10 +160 B +0 B  cache entry$' dump
has '^ +1 +16 B +0 B  session$' dump --by kind
has '^ +10 +1\.1 KiB +0 B  112 B$' dump --by size
has '^ +21 .*\(not known\)$' dump --by site
has '^range session, byte 0' dump --path "$address"
has "^  0x.*  cache entry, 16 B, by its byte 8$" dump --path "$address"
has "^  $address  leaf, 112 B$" dump --path "$address"
has '^ +1\.[0-9] KiB +21 +16 B  0x[0-9a-f]+ +roots +session$' dump --dominators
holder=$("$gait" heap dump --dominators --top 1 | grep -o '0x[0-9a-f]*')
has "^ +[0-9.]+ KiB +20 .* $holder +cache entry$" dump --dominators="$holder"
has '^ +10 +1010 +\+1000 +\+15\.6 KiB +1000 +0  cache entry$' --diff dump dump.after
has '^ +10 +1010 +\+1000 +\+109\.4 KiB  112 B$' --by size --diff dump dump.after
has '^and 2 more: --top$' dump --top 1

for view in "dump" "dump --by size" "dump --by site" "dump --path $address" "dump --dominators" \
  "--diff dump dump.after"; do
  # shellcheck disable=SC2086
  "$gait" heap $view --json >view.json
  if command -v python3 >/dev/null; then python3 -m json.tool view.json >/dev/null; fi
done
"$gait" heap dump --json | grep -q '"objects": 21'

fails 2 'which dump'
fails 2 'which two dumps' --diff dump
fails 2 'too many dumps' dump dump.after
fails 2 'kind, site or size' dump --by colour
fails 2 'a number is wanted' dump --path here
fails 2 'one of --path' dump --path 0x10 --dominators
fails 1 'nothing: No such file' nothing
fails 1 'no object is at 0x10' dump --path 0x10
head -c 100 dump >short
fails 1 'short: at byte [0-9]+: the file ends' short
printf 'something else, which is long enough' >foreign
fails 1 'foreign: at byte 0: it is no heap dump' foreign
: >empty
fails 1 'empty: at byte 0: ' empty
mkdir folder
fails 1 'folder: ' folder

# The sums are those of zlib.
if command -v python3 >/dev/null; then
  python3 - dump <<'END'
import sys, zlib
data, at, number = open(sys.argv[1], 'rb').read(), 16, 0
while at < len(data):
    head = data[at:at + 24]
    size = int.from_bytes(head[8:16], 'little')
    body = data[at + 24:at + 24 + size]
    assert int.from_bytes(head[4:8], 'little') == number
    assert int.from_bytes(head[16:20], 'little') == zlib.crc32(head[:16] + body), number
    at, number = at + 24 + size, number + 1
assert number >= 6
END
fi

# A program without a call of its own.
GAIT_DUMP=$folder/own.%p "$2" >/dev/null 2>log
grep -q 'gait: dump: .*/own\.[0-9]*: written, when it was destroyed' log
"$gait" heap own.* | grep -q '^0 objects'
