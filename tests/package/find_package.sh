#!/usr/bin/env bash
# find_package.sh CMAKE OUTSIDE PREFIX: a CMake project finds the library; from where it was
# installed, and from where the whole tree was moved to.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cp -r "$3" "$folder/moved"
for prefix in "$3" "$folder/moved"; do
  rm -rf "$folder/build"
  "$1" -G Ninja -S "$2" -B "$folder/build" -D CMAKE_PREFIX_PATH="$prefix"
  "$1" --build "$folder/build"
  for program in default static shared cxx embed; do
    "$folder/build/outside_$program"
  done
  ldd "$folder/build/outside_shared" | grep "libgait.so.0.2 => $prefix/"
  if ldd "$folder/build/outside_static" | grep libgait; then
    echo "the static program needs the shared library"
    exit 1
  fi
done
