"""The gate of `make mutants` can fail."""

import importlib.util
import pathlib

import pytest

GATE = pathlib.Path(__file__).parents[1] / "mutants/gate.py"
spec = importlib.util.spec_from_file_location("gate", GATE)
gate = importlib.util.module_from_spec(spec)
spec.loader.exec_module(gate)

CAUGHT = ("src/domain/arn.rs:3:5: replace a with b", True)
MISSED = ("src/domain/arn.rs:9:5: replace c with d", False)
NAME = "src/domain/arn.rs: replace c with d"


def of_the_rest(caught, missed):
    noticed = [True] * caught + [False] * missed
    return [(f"src/aws/s3.rs:{line}:1: {line}", noticed) for line, noticed in enumerate(noticed)]


def test_all_is_noticed():
    assert gate.verdict([CAUGHT, *of_the_rest(95, 5)], set()) == []


@pytest.mark.parametrize(
    "mutants, survivors, says",
    [
        ([CAUGHT, MISSED], set(), "missed in the domain"),
        (of_the_rest(94, 6), set(), "of the rest only 94 of 100"),
        ([CAUGHT], {"src/domain/arn.rs: replace a with b"}, "is noticed by now"),
        ([CAUGHT], set(), "no mutant of the rest was tried"),
        (of_the_rest(1, 0), set(), "no mutant of the domain was tried"),
    ],
)
def test_the_gate_fails(mutants, survivors, says):
    assert says in "\n".join(gate.verdict(mutants, survivors))


def test_a_survivor_with_a_reason_passes_and_one_without_does_not():
    survivors = gate.listed(f"# why\n{NAME}\n    Both mean the same.\n")
    assert gate.verdict([CAUGHT, MISSED, *of_the_rest(1, 0)], survivors) == []
    with pytest.raises(SystemExit, match="gives no reason"):
        gate.listed(f"{NAME}\nsrc/domain/arn.rs: other\n    Reason.\n")


def test_what_cargo_mutants_leaves_is_read(tmp_path):
    for file, mutants in {"previously_caught": "a\nb\n", "caught": "c\n", "missed": "d\n", "timeout": "e\n", "unviable": "f\n"}.items():
        (tmp_path / f"{file}.txt").write_text(mutants)
    assert dict(gate.tried(tmp_path)) == {"a": True, "b": True, "c": True, "e": True, "d": False}
    assert gate.tried(tmp_path / "nowhere") == []
