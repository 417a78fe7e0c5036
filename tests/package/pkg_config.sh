#!/usr/bin/env bash
# pkg_config.sh CC OUTSIDE PREFIX: a compiler finds the library through pkg-config, in C11 and
# C++17, with warnings as errors; and README.md's program is built as README.md has it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
PKG_CONFIG_PATH=$(dirname "$(find "$3" -name gait.pc)")
export PKG_CONFIG_PATH
library=$(pkg-config --variable=libdir gait)
warnings=(-Wall -Wextra -Wconversion -Wshadow -Werror)

# shellcheck disable=SC2046
"$1" -std=c11 "${warnings[@]}" -Wmissing-prototypes $(pkg-config --cflags gait) "$2/installed.c" \
  -o "$folder/shared" $(pkg-config --libs gait)
LD_LIBRARY_PATH=$library "$folder/shared"

# shellcheck disable=SC2046
"$1" -std=c11 $(pkg-config --cflags gait) "$2/installed.c" -o "$folder/static" \
  "$library/libgait.a" -pthread
"$folder/static"

# shellcheck disable=SC2046
g++ -std=c++17 "${warnings[@]}" -Wold-style-cast $(pkg-config --cflags gait | sed s/-I/-isystem/) \
  "$2/installed_cxx.cpp" -o "$folder/cxx" $(pkg-config --libs gait)
LD_LIBRARY_PATH=$library "$folder/cxx"

# No warning comes from the headers themselves.
# shellcheck disable=SC2046
g++ -std=c++17 "${warnings[@]}" $(pkg-config --cflags gait) -fsyntax-only "$2/installed_cxx.cpp"
export LD_LIBRARY_PATH=$library
[ "$(pkg-config --modversion gait)" = "$("$3/bin/gait" --version | cut -d' ' -f2)" ]

cd "$2/../../examples"
# shellcheck disable=SC2046
"$1" embed.c $(pkg-config --cflags --libs gait) -o "$folder/embed"
"$folder/embed" | grep -E '^[0-9]+ MiB allocated, [1-9][0-9]* collections'
