"""Whether the tests notice what cargo-mutants breaks: none of the domain may be missed, and of all the rest 5 in 100.

A mutant that survives and is listed in survivors.txt, with the reason under it, means the same as the code."""

import pathlib
import re
import sys

SURVIVORS = pathlib.Path(__file__).with_name("survivors.txt")
CAUGHT_OF_THE_REST = 0.95


def name(mutant):
    """Without the place in its file, which moves."""
    return re.sub(r"^([^:]+):\d+:\d+: ", r"\1: ", mutant)


def listed(text):
    """Each survivor is a line, and under it, indented, the reason."""
    found = re.findall(r"^(\S.*)\n((?:[ \t]+\S.*\n?)*)", re.sub(r"^#.*\n", "", text, flags=re.M), re.M)
    without = [survivor for survivor, reason in found if not reason.strip()]
    if without:
        sys.exit(f"survivors.txt gives no reason for: {', '.join(without)}")
    return {survivor for survivor, _ in found}


def tried(out):
    """Of each mutant in a `mutants.out`, whether it was noticed. One that never ends is; and among those of earlier runs
    are some that could not be built."""
    lines = lambda file: (out / f"{file}.txt").read_text().splitlines() if (out / f"{file}.txt").exists() else []
    noticed = [mutant for file in ("previously_caught", "caught", "timeout") for mutant in lines(file)]
    return [(mutant, True) for mutant in noticed] + [(mutant, False) for mutant in lines("missed")]


def verdict(mutants, survivors):
    """What is wrong with them; nothing if it all holds."""
    mutants = [(name(mutant), noticed) for mutant, noticed in mutants]
    missed = {mutant for mutant, noticed in mutants if not noticed}
    unlisted = sorted(missed - survivors)
    wrong = [f"missed in the domain: {mutant}" for mutant in unlisted if mutant.startswith("src/domain/")]
    rest = [(mutant, noticed) for mutant, noticed in mutants if not mutant.startswith("src/domain/")]
    noticed = sum(noticed or mutant in survivors for mutant, noticed in rest)
    if rest and noticed / len(rest) < CAUGHT_OF_THE_REST:
        wrong.append(f"of the rest only {noticed} of {len(rest)} were noticed:")
        wrong += [f"  {mutant}" for mutant in unlisted if not mutant.startswith("src/domain/")]
    caught = {mutant for mutant, noticed in mutants if noticed}
    wrong += [f"is noticed by now, so take it out of survivors.txt: {mutant}" for mutant in sorted(survivors & (caught - missed))]
    of_domain = len(mutants) - len(rest)
    wrong += [f"no mutant of {part} was tried" for part, count in [("the domain", of_domain), ("the rest", len(rest))] if not count]
    return wrong


def main(outs):
    mutants = [mutant for out in outs for mutant in tried(pathlib.Path(out))]
    wrong = verdict(mutants, listed(SURVIVORS.read_text()))
    for part, is_it in [("domain", True), ("the rest", False)]:
        of = [noticed for mutant, noticed in mutants if mutant.startswith("src/domain/") == is_it]
        print(f"{part}: {sum(of):,} of {len(of):,} mutants noticed")
    if wrong:
        sys.exit("\n".join(wrong))


if __name__ == "__main__":
    main(sys.argv[1:])
