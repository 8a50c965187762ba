"""The gate of `make mutants` can fail."""

import importlib.util
import pathlib

import pytest

GATE = pathlib.Path(__file__).parents[1] / "mutants/gate.py"
spec = importlib.util.spec_from_file_location("gate", GATE)
gate = importlib.util.module_from_spec(spec)
spec.loader.exec_module(gate)


def run(*mutants):
    outcome = lambda name, summary: {"scenario": {"Mutant": {"name": name}}, "summary": summary}
    return {"outcomes": [{"scenario": "Baseline", "summary": "Success"}] + [outcome(*mutant) for mutant in mutants]}


CAUGHT = ("src/domain/arn.rs:3:5: replace a with b", "CaughtMutant")
MISSED = ("src/domain/arn.rs:9:5: replace c with d", "MissedMutant")
NAME = "src/domain/arn.rs: replace c with d"


def of_the_rest(caught, missed):
    mutants = [(f"src/aws/s3.rs:{line}:1: x{line}", "CaughtMutant") for line in range(caught)]
    return run(*mutants, *[(f"src/aws/s3.rs:{line}:1: y{line}", "MissedMutant") for line in range(missed)])


def test_all_is_noticed():
    domain = run(CAUGHT, ("src/domain/arn.rs:5:5: e", "Timeout"), ("src/domain/arn.rs:6:5: f", "Unviable"))
    assert gate.verdict([domain, of_the_rest(95, 5)], set()) == []


@pytest.mark.parametrize(
    "runs, survivors, says",
    [
        ([run(CAUGHT, MISSED)], set(), "missed in the domain"),
        ([run(CAUGHT), run(MISSED)], set(), "missed in the domain"),
        ([of_the_rest(94, 6)], set(), "of the rest only 94 of 100"),
        ([run(CAUGHT)], {"src/domain/arn.rs: replace a with b"}, "is noticed by now"),
        ([run(CAUGHT)], set(), "no mutant of the rest was tried"),
        ([of_the_rest(1, 0)], set(), "no mutant of the domain was tried"),
        ([run(("src/domain/arn.rs:3:5: a", "Unviable")), of_the_rest(1, 0)], set(), "no mutant of the domain was tried"),
    ],
)
def test_the_gate_fails(runs, survivors, says):
    assert says in "\n".join(gate.verdict(runs, survivors))


def test_a_survivor_with_a_reason_passes_and_one_without_does_not():
    assert gate.verdict([run(CAUGHT, MISSED), of_the_rest(1, 0)], gate.listed(f"# why\n{NAME}\n    Both mean the same.\n")) == []
    with pytest.raises(SystemExit, match="gives no reason"):
        gate.listed(f"{NAME}\nsrc/domain/arn.rs: other\n    Reason.\n")
