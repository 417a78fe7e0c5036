#!/usr/bin/env bash
# pure.sh ROOT: the simulator includes nothing but the pacer, itself and headers without a system
# behind them; and what the page runs, no mathematical library either.
set -euo pipefail
cd "$1"
wrong=$(grep -HE '^#include <' tools/sim/*.[ch] | grep -vE '<(math|stdbool|stddef|stdint)\.h>$' || true)
for name in $(sed -nE 's/^#include "([^"]+)".*/\1/p' tools/sim/*.[ch] | sort -u); do
  [ -e "tools/sim/$name" ] || [ -e "pacer/$name" ] || wrong+=" $name"
done
wrong+=$(grep -lE '^#include <math\.h>' tools/sim/sim_{driver,heap,mark,run}.[ch] || true)
[ -z "$wrong" ] && exit
echo "not pure: $wrong"
exit 1
