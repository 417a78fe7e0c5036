#!/usr/bin/env bash
# dump.sh LIBRARY HEADERS: what the shared library shows to programs, as abidw writes it down; of
# the place of its sources nothing.
set -euo pipefail
abidw --headers-dir "$2" --drop-private-types --exported-interfaces-only --no-corpus-path \
  --no-comp-dir-path --no-show-locs --no-elf-needed --type-id-style hash "$1" |
  sed "s|\(<abi-instr [^>]*path='\)[^']*/runtime/|\1runtime/|"
