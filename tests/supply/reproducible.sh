#!/usr/bin/env bash
# Builds the last commit twice and compares: in two folders, with two homes of cargo and caches, two time zones and masks.
set -euo pipefail
arch=$1 into=$2
commit=$(git rev-parse HEAD)
to=$(mktemp -d)
trap 'rm -rf "$to"' EXIT
one=$to/one two=$to/a-longer/way/to/two
build() {
    mkdir -p "$1"
    git archive "$commit" | tar -x -C "$1"
    (cd "$1" && SOURCE_DATE_EPOCH=$epoch XDG_CACHE_HOME=$1.cache CARGO_HOME=$2 tests/supply/release.sh "$arch" "$1.release")
}
epoch=$(git log -1 --format=%ct "$commit")
(umask 022 && TZ=UTC build "$one" "${CARGO_HOME:-$HOME/.cargo}")
(umask 077 && TZ=Pacific/Auckland LC_ALL=C.UTF-8 build "$two" "$two.cargo")
diff "$one.release/SHA256SUMS" "$two.release/SHA256SUMS"
mkdir -p "$into" && cp "$one.release/"* "$into"
echo "two builds are the same to the byte:"
cat "$into/SHA256SUMS"
