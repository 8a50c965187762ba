#!/bin/sh
# cargo-mutants on the domain alone, and on a part of the rest (like 0/40) with the quick tests of the whole; from the top
# of the repository. What of the domain was noticed under the same sources is not tried again.
set -eu
to=$PWD/$1
part=$2
PATH=$PWD/target/tools/bin:$PATH
# 2: a mutant was missed; 3: one took too long. The gate decides about these.
mutants() {
    cargo mutants --colors never "$@" || case $? in 2 | 3) ;; *) exit 1 ;; esac
}
# What cargo would set for the tests of `it`, which are unit tests here; a part of the random cases does, and is quicker.
export CARGO_TARGET_TMPDIR="$to/tmp/tmp" PROPTEST_CASES=32
# Of each run of the tests four fifths are spent in these few: only what the others miss meets them.
slow='--skip outer::evidence:: --skip outer::digests::whatever --skip what_is_too_deep'
of_the_domain() {
    (cd "$to/sources" && mutants -o "$to/domain" --iterate --baseline skip --jobs 2 --timeout "$@")
}
mkdir -p "$to/domain" "$to/rest"
if [ ! -e "$to/domain/done" ]; then
    tests/mutants/lay.sh "$to/sources"
    # They pass as long as nothing is broken.
    (cd "$to/sources" && cargo test --quiet --lib -- --skip hostile:: >/dev/null)
    # shellcheck disable=SC2086
    of_the_domain 20 -- --lib -- --skip hostile:: $slow
    of_the_domain 60 -- --lib -- --skip hostile::
    touch "$to/domain/done"
fi
mutants -o "$to/rest" --timeout 300 --exclude 'src/domain/**' --exclude 'src/bin/**' --shard "$part" --sharding round-robin \
    -- --lib --test it -- --skip faults:: --skip schedules:: --skip prove:: --skip soak:: --skip scale
