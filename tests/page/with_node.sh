#!/bin/sh
# with_node.sh SCRIPT ARGUMENT...: runs it with Node.js; skipped where there is none.
command -v node >/dev/null || { echo "node is not here"; exit 77; }
exec node "$@"
