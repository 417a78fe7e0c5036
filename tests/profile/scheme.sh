#!/usr/bin/env bash
# scheme.sh GAIT SCHEME: the profile of a Scheme program names its procedures.
set -euo pipefail
gait=$1 scheme=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat >"$folder/program.scm" <<'SCHEME'
(define kept '())
(define (build-row n) (if (= n 0) '() (cons n (build-row (- n 1)))))
(define (keep-rows n) (do ((i 0 (+ i 1))) ((= i n)) (set! kept (cons (build-row 100) kept))))
(define (drop-größe n) (do ((i 0 (+ i 1))) ((= i n)) (make-vector 100 0)))
(keep-rows 2000)
(drop-größe 5000)
(keep-rows 1)
SCHEME
GAIT_PROFILE=$folder/%p.pb.gz GAIT_PROFILE_BYTES=4KiB "$scheme" "$folder/program.scm"
if ! "$gait" profile "$folder"/[0-9]*.pb.gz --json >"$folder/json" 2>"$folder/error"; then
  grep -q 'built without zlib' "$folder/error" && exit 77
  cat "$folder/error" >&2
  exit 1
fi
python3 - "$folder/json" <<'PYTHON'
import json, sys
profile = json.load(open(sys.argv[1]))
sums = {}
for site in profile["sites"]:
    key = site["function"], site["caller"]
    sums[key] = sums.get(key, 0) + site["alloc_space"]
# 200 thousand pairs of 16 bytes.
rows = sum(space for (function, caller), space in sums.items() if function == "build-row")
assert abs(rows / (200100 * 16) - 1) < .2, sums
assert ("build-row", "keep-rows") in sums, sums
# 5000 vectors of 101 words.
vectors = sum(space for (function, caller), space in sums.items() if function == "drop-größe")
assert abs(vectors / (5000 * 832) - 1) < .2, sums
PYTHON
