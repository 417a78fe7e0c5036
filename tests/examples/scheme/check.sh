#!/bin/sh
# check.sh SCHEME PROGRAM [NAME=VALUE...]: with these variables of the environment, the program
# prints what stands in the file beside it.
scheme=$1 program=$2
shift 2
output=$(env "$@" "$scheme" "$program" 2>&1; echo "status $?")
[ "$output" = "$(cat "${program%.scm}.out")" ] && exit 0
echo "$output" | diff - "${program%.scm}.out"
exit 1
