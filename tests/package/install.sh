#!/usr/bin/env bash
# install.sh CMAKE BUILD PREFIX: installs the build, and again over itself.
set -euo pipefail
rm -rf "$3"
"$1" --install "$2" --prefix "$3" >/dev/null
"$1" --install "$2" --prefix "$3" >/dev/null
"$3/bin/gait" --version
