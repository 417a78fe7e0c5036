#!/bin/sh
# clang.sh COMPILER INCLUDE LIBRARY SOURCE: compiles a program in C++ with another compiler than the
# library's, and runs it.
set -eu
program=$(mktemp)
trap 'rm -f "$program"' EXIT
"$1" -std=c++17 -Wall -Wextra -Werror -I"$2" -o "$program" "$4" "$3" -pthread
"$program"
