#!/usr/bin/env bash
# members.sh FROZEN HEADERS: what a structure or an enum of gait.h had in version 0.2.0 it has still,
# in that order and of that type.  Those that cross the boundary may have more at their end; those
# that inline.h compiles into a program may not; one with reserved words at its end takes of these.
set -euo pipefail

# members FOLDER NAME: a line for each member of the structure, or each value of the enum.
members() {
  cat "$1"/gait/{gait,tune,debug,inline,budget}.h | awk -v name="$2" '
    !done && $0 ~ "^(typedef )?(struct|enum) " name " \\{" { inside = 1; next }
    inside && /^}/ { inside = 0; done = 1 }
    inside { text = text " " $0 }
    END {
      while ((start = index(text, "/*")) > 0)
        text = substr(text, 1, start - 1) \
               substr(text, start + 1 + index(substr(text, start + 2), "*/") + 2)
      count = split(text, parts, /[;,]/)
      for (i = 1; i <= count; i++) {
        gsub(/ +/, " ", parts[i])
        gsub(/^ | $/, "", parts[i])
        if (parts[i] != "") print parts[i]
      }
    }'
}

status=0
compare() { # NAME MAY-GROW
  local before after
  before=$(members "$1" "$3")
  after=$(members "$2" "$3")
  [ "$4" != takes ] || before=$(head -n -1 <<<"$before")
  [ "$4" = exact ] || after=$(head -n "$(wc -l <<<"$before")" <<<"$after")
  [ -n "$before" ] || { echo "$3: not found"; status=1; }
  diff <(echo "$before") <(echo "$after") && return
  echo "$3: < version 0.2.0, > now"
  status=1
}

for name in gait_options gait_option gait_kind_info gait_stats gait_cycle_record \
  gait_result gait_option_type gait_kind_form gait_thread_roots gait_roots_discipline \
  gait_cycle_cause gait_policy gait_budget_stats gait_budget_member; do
  compare "$1" "$2" $name grows
done
compare "$1" "$2" gait_debug_options takes
for name in gait_kind gait_frame gait_cursor gait_fast; do
  compare "$1" "$2" $name exact
done
exit $status
