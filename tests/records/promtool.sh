#!/usr/bin/env bash
# promtool.sh GAIT: Prometheus's own tool finds nothing to say on the metrics of a record file.
set -uo pipefail
command -v promtool >/dev/null || exit 77
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
file=$folder/file
GAIT_RECORDS=$file "$1" run binary-trees 12 --threads 2 --memory-limit 64MiB >/dev/null || exit 1
"$1" records "$file" --openmetrics >"$folder/metrics" || exit 1
for name in gait_cycles_total gait_heap_live_bytes gait_memory_limit_bytes gait_late_seconds_count; do
  grep -q "^$name{" "$folder/metrics" || { echo "no $name"; exit 1; }
done
promtool check metrics <"$folder/metrics"
