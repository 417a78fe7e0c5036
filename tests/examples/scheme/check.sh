#!/bin/sh
# check.sh SCHEME PROGRAM: the program prints what stands in the file beside it.
output=$("$1" "$2" 2>&1; echo "status $?")
[ "$output" = "$(cat "${2%.scm}.out")" ] && exit 0
echo "$output" | diff - "${2%.scm}.out"
exit 1
