#!/usr/bin/env bash
# package.sh CMAKE CC BUILD CLIENT CHECKED: a program that finds the library through pkg-config or
# CMake is checked when the library checks itself (CHECKED is 1), and in any case when it asks for it.
set -euo pipefail
cmake=$1 compiler=$2 build=$3 client=$4 checked=$5
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$cmake" --install "$build" --prefix "$folder/prefix" >/dev/null
PKG_CONFIG_PATH=$(dirname "$(find "$folder/prefix" -name gait.pc)")
export PKG_CONFIG_PATH
LD_LIBRARY_PATH=$(pkg-config --variable=libdir gait)
export LD_LIBRARY_PATH

# names_check PROGRAM: it ends with the line of the check.
names_check() {
  local said
  said=$({ "$1" || true; } 2>&1)
  [[ $said == *"gait: REQUIRE(thread.managed) failed in gait_alloc"* ]]
}

# shellcheck disable=SC2046
build_client() { # NAME [FLAG]...: with what pkg-config says
  "$compiler" -std=c11 -Wall -Wextra -Werror -O2 $(pkg-config --cflags gait) "${@:2}" \
    "$client/alloc_outside.c" -o "$folder/$1" $(pkg-config --static --libs gait)
}

build_client asked -UGAIT_CHECKED -DGAIT_CHECKED=1
names_check "$folder/asked" || { echo "GAIT_CHECKED names no check"; exit 1; }

"$cmake" -S "$client" -B "$folder/build" -D CMAKE_PREFIX_PATH="$folder/prefix" \
  -D CMAKE_C_COMPILER="$compiler" >/dev/null
"$cmake" --build "$folder/build" >/dev/null
build_client found
for program in "$folder/found" "$folder/build/client"; do
  if [ "$checked" = 1 ]; then
    names_check "$program" || { echo "$program is not checked"; exit 1; }
  elif nm "$program" | grep gait_checked_; then
    echo "$program is checked and did not ask"
    exit 1
  fi
done
