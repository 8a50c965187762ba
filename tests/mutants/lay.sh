#!/bin/sh
# Lays the package of tests/mutants/Cargo.toml: `src/domain` alone (and `src/config.rs`, which needs no more), with its tests. From the top of the repository.
set -eu
to=$1
rm -rf "$to/src" "$to/tests" "$to/events" "$to/policies"
mkdir -p "$to/src" "$to/tests"
cp -r events policies template.yaml "$to"
cp -r src/domain src/config.rs "$to/src"
cp -r tests/it tests/bad tests/mutants/domain.rs "$to/tests"
cp tests/mutants/Cargo.toml Cargo.lock "$to"
# The tests that need no account are compiled with the unit tests, since each mutant costs as much as what is built of it.
echo '//! See Cargo.toml.
pub mod config;
pub mod domain;
#[cfg(test)]
extern crate self as ecs_privileged_guard;
#[cfg(test)]
#[path = "../tests/domain.rs"]
mod outer;' >"$to/src/lib.rs"
