#!/usr/bin/env bash
# command.sh GAIT SITES: `gait profile` on the profile of `sites`, on a run of a workload, and on
# files that are none.
set -euo pipefail
gait=$1 sites=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
profile=$folder/profile.pb.gz

fail() {
  echo "$*" >&2
  exit 1
}

"$sites" "$profile" >/dev/null
if ! "$gait" profile "$profile" >"$folder/top" 2>"$folder/error"; then
  grep -q 'built without zlib' "$folder/error" && exit 77
  cat "$folder/error" >&2
  exit 1
fi
head -1 "$folder/top" | grep -qE '^[0-9.]+ MiB allocated in .* MiB in use; .* one in 16 KiB$'
grep -q 'make_entry < run, entry$' "$folder/top"

# Each site has the advice that it was written for, and no other.
"$gait" profile "$profile" --lifetimes >"$folder/lives"
advised() { # HEAD: the sites under it
  awk -v head="$1" 'index($0, head) == 1 { on = 1; next } /^$/ { on = 0 } on && /^  [^ ]/' \
    "$folder/lives" | sed 's/^ *//; s/ <.*//' | sort
}
[ "$(advised 'Candidates for the stack')" = make_temporary ] || fail "$(cat "$folder/lives")"
[ "$(advised Preallocate)" = "$(printf 'append_numbers\ngrow_text')" ] ||
  fail "$(cat "$folder/lives")"
[ "$(advised Pool)" = read_block ] || fail "$(cat "$folder/lives")"
# All that make_entry made lives.
grep -E ' 100\.0% +[0-9.-]+%? .*longer +longer +make_entry < run, entry$' "$folder/lives" ||
  fail "$(cat "$folder/lives")"

# The same as JSON; gains and curves are what they say.
"$gait" profile "$profile" --json >"$folder/json"
python3 - "$folder/json" <<'PYTHON'
import json, math, sys
profile = json.load(open(sys.argv[1]))
sites = {site["function"]: site for site in profile["sites"] if not site["memory"]}
assert abs(sum(s["alloc_space"] for s in profile["sites"]) - profile["alloc_space"]) < 1
advice = {name: site["advice"]["is"] for name, site in sites.items() if site["advice"]}
assert advice == {"make_temporary": "stack", "append_numbers": "preallocate",
                  "grow_text": "preallocate", "read_block": "pool"}, advice
# Doubling from 2 KiB to 256 KiB copies 2 + ... + 128 KiB for each text.
text = sites["grow_text"]["advice"]["saved_bytes"]
assert abs(text / (60 * 254 * 1024) - 1) < .1, text
for site in profile["sites"] + [profile]:
    for curve in site["survival_by_cycles"], site["survival_by_bytes"]:
        shares = [1] + [point["share"] for point in curve]
        assert all(b <= a + 1e-9 for a, b in zip(shares, shares[1:])), shares
        weight = sum(point["dead"] + point["live"] for point in curve)
        assert abs(weight / site["alloc_space"] - 1) < 1e-6, weight
    advised = site.get("advice")
    if advised:
        assert math.isclose(advised["saved_cycles_share"] * profile["alloc_space"],
                            advised["saved_bytes"], rel_tol=1e-6)
PYTHON

# A run of a workload.
"$gait" run alloc 64 100000 0 --profile "$folder/run.pb.gz" >/dev/null
"$gait" profile "$folder/run.pb.gz" >/dev/null
"$gait" profile - <"$folder/run.pb.gz" >/dev/null
if "$gait" run alloc 64 1000 0 --profile /dev/null/none >/dev/null 2>"$folder/error"; then
  fail "a profile was written below /dev/null"
fi
grep -q '^gait run: alloc: /dev/null/none: ' "$folder/error"

# Bad files are named, with the offset.
refused() { # FILE EXPRESSION
  if "$gait" profile "$1" >/dev/null 2>"$folder/error"; then fail "$1 was read"; fi
  grep -qE "$2" "$folder/error" || fail "$(cat "$folder/error")"
}
refused "$folder/none" "^gait profile: $folder/none: No such file"
head -c 1000 "$profile" >"$folder/cut"
refused "$folder/cut" "^gait profile: $folder/cut: at byte [0-9]+: it is cut off"
gunzip -c "$profile" >"$folder/plain"
"$gait" profile "$folder/plain" | cmp - "$folder/top"
head -c 1000 "$folder/plain" >"$folder/cut"
refused "$folder/cut" "^gait profile: $folder/cut: at byte [0-9]+: "
echo 'heap profile: 1: 2 [3: 4] @ heap/1048576' >"$folder/text"
refused "$folder/text" "^gait profile: $folder/text: at byte [0-9]+: "
refused "$(dirname "$0")/../fuzz/corpus/profile/no_location" \
  'no_location: at byte [1-9][0-9]*: there is no location 9$'
: >"$folder/empty"
refused "$folder/empty" "^gait profile: $folder/empty: at byte 0: it has no types"
