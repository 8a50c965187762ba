#!/usr/bin/env bash
# Builds the three functions for x86_64 or arm64 as `sam build` does, and packs them; from the top of the repository. One
# commit, one compiler and one architecture give the same bytes, also in another folder: `tests/supply/reproducible.sh`.
set -euo pipefail
arch=$1 into=$2
case $arch in x86_64) flag=--x86-64 ;; arm64) flag=--arm64 ;; *) echo "x86_64 or arm64, not $arch"; exit 1 ;; esac
export CARGO_TARGET_DIR=$PWD/target/release-build
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
# A panic names its source file: without this the binary tells where it was built. (In a flag of its own, because
# cargo-lambda gives rustc's flags in the same way, and RUSTFLAGS would replace them.) cargo leaves this flag out of what
# it hashes: https://github.com/rust-lang/cargo/pull/6966.
remap="--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo\",\"--remap-path-prefix=$PWD=/build"
cargo lambda build --quiet --release --locked $flag --bin guard --bin backout --bin sweep \
    --config "build.rustflags=[\"$remap\"]"
python3 tests/supply/pack.py "$arch" "$CARGO_TARGET_DIR" "$into"
