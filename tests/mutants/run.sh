#!/bin/sh
# cargo-mutants on the domain alone, and on a part of the rest (like 0/40) with the quick tests of the whole; from the top
# of the repository. What of the domain was noticed under the same sources is not tried again.
# shellcheck disable=SC2086
set -eu
to=$PWD/$1
part=$2
PATH=$PWD/target/tools/bin:$PATH
# 2: a mutant was missed; 3: one took too long. The gate decides about these.
mutants() {
    env "$runner" cargo mutants --colors never "$@" || case $? in 2 | 3) ;; *) exit 1 ;; esac
}
# What cargo would set for the tests of `it`, which are unit tests here; a part of the random cases does, and is quicker.
export CARGO_TARGET_TMPDIR="$to/tmp/tmp" PROPTEST_CASES=32
# One test that fails is enough. The harness calls that unstable, so it is told that it may, and it alone.
runner="CARGO_TARGET_$(rustc -vV | sed -n 's/^host: //p' | tr a-z- A-Z_)_RUNNER=env RUSTC_BOOTSTRAP=1 RUST_BACKTRACE=0"
fast='-Zunstable-options --fail-fast'
# Most of each run's time is spent in these few: only what the others miss meets them.
slow='--skip outer::evidence::a_page --skip outer::evidence::the_document --skip outer::evidence::the_page_of --skip outer::evidence::samples --skip outer::digests::whatever --skip what_is_too_deep --skip keeps_the_limits --skip outer::alerts::the_first_fifteen --skip no_exemption_is_advised'
of_the_domain() {
    (cd "$to/sources" && mutants -o "$to/domain" --iterate --baseline skip --jobs "${JOBS:-2}" --timeout "$@")
}
mkdir -p "$to/domain" "$to/rest"
if [ ! -e "$to/domain/done" ]; then
    tests/mutants/lay.sh "$to/sources"
    # They pass as long as nothing is broken.
    (cd "$to/sources" && cargo test --quiet --lib -- --skip hostile:: >/dev/null)
    of_the_domain 20 -- --lib -- $fast --skip hostile:: $slow
    of_the_domain 60 -- --lib -- $fast --skip hostile::
    touch "$to/domain/done"
fi
# Without what `guardctl` alone asks: its tests are not among these.
# Nor are the other targets built: that would take most of the time.
mutants -o "$to/rest" --timeout 300 --exclude 'src/domain/**' --exclude 'src/bin/**' --exclude 'src/aws/examine/**' --exclude 'src/reconcile/fore*.rs' --exclude 'tests/**' \
    --shard "$part" --sharding round-robin --cargo-arg=--lib --cargo-arg=--test=it \
    -- -- $fast --skip faults:: --skip schedules:: --skip prove:: --skip soak:: --skip scale
