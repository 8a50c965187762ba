#!/usr/bin/env bash
# Fuzzes one reader for some seconds: its seeds and its bad inputs first, and what earlier runs reached. Prints one line.
set -euo pipefail
reader=$1 seconds=$2 target=$3
seeds=tests/fuzz/seeds/$reader
[ -d "$seeds" ] || seeds=events
mkdir -p "$target/corpus/$reader" "$target/found"
log=$target/$reader.log
# A second and 64 MiB are what a reader may take; the fuzzer itself needs more, so single allocations are held to that.
if READER=$reader "$target/x86_64-unknown-linux-gnu/release/fuzz" -dict=tests/fuzz/words.dict -max_len=8192 -timeout=1 \
    -malloc_limit_mb=64 -rss_limit_mb=512 -max_total_time="$seconds" -print_final_stats=1 \
    -artifact_prefix="$target/found/$reader-" "$target/corpus/$reader" "$seeds" "tests/bad/$reader" >"$log" 2>&1; then
    runs=$(awk '/number_of_executed_units/ { print $2 }' "$log")
    reached=$(awk '/cov: / { for (i = 1; i < NF; i++) if ($i == "cov:") edges = $(i + 1) } END { print edges }' "$log")
    printf '%-12s %11s runs %7s edges\n' "$reader" "$runs" "$reached"
else
    printf '%-12s FOUND: %s\n' "$reader" "$(grep -m1 -E 'panicked|ERROR' "$log" || tail -n1 "$log")"
    echo "  $(grep -oE 'Test unit written to .*' "$log" || true): mend the rule, keep the input in tests/bad/$reader (see $log)"
    exit 1
fi
