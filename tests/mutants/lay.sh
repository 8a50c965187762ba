#!/bin/sh
# Lays the package of tests/mutants/Cargo.toml: `src/domain` alone (and `src/config.rs`, which needs no more), with its tests. From the top of the repository.
set -eu
to=$1
rm -rf "$to/src" "$to/tests" "$to/events" "$to/policies"
mkdir -p "$to/src" "$to/tests"
cp -r events policies "$to"
cp -r src/domain src/config.rs "$to/src"
cp -r tests/it tests/bad tests/mutants/domain.rs "$to/tests"
cp tests/mutants/Cargo.toml Cargo.lock "$to"
echo '//! See Cargo.toml.
pub mod config;
pub mod domain;' >"$to/src/lib.rs"
