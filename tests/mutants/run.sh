#!/bin/sh
# cargo-mutants on the domain alone, and on a part of the rest (like 0/40) with the quick tests of the whole; from the top
# of the repository. The domain comes in shards: what is done under the same sources is not done again.
set -eu
to=$PWD/$1
part=$2
shards=40
PATH=$PWD/target/tools/bin:$PATH
# 2: a mutant was missed; 3: one took too long. The gate decides about these.
mutants() {
    cargo mutants --colors never "$@" || case $? in 2 | 3) ;; *) exit 1 ;; esac
}
# What cargo would set for the tests of `it`, which are unit tests here; a part of the random cases does, and is quicker.
export CARGO_TARGET_TMPDIR="$to/tmp/tmp" PROPTEST_CASES=32
tests/mutants/lay.sh "$to/sources"
shard=0
# That the tests pass as long as nothing is broken is seen to once.
baseline=run
while [ $shard -lt $shards ]; do
    if [ ! -e "$to/domain-$shard/done" ]; then
        rm -rf "$to/domain-$shard"
        mkdir -p "$to/domain-$shard"
        (cd "$to/sources" && mutants -o "$to/domain-$shard" --baseline $baseline --shard "$shard/$shards" \
            --jobs 2 --timeout 90 -- --lib -- --skip hostile::)
        touch "$to/domain-$shard/done"
        baseline=skip
    fi
    shard=$((shard + 1))
done
rm -rf "$to/rest"
mkdir -p "$to/rest"
mutants -o "$to/rest" --timeout 300 --exclude 'src/domain/**' --exclude 'src/bin/**' --shard "$part" --sharding round-robin \
    -- --lib --test it -- --skip faults:: --skip schedules:: --skip prove:: --skip soak:: --skip scale
