"""The table of what the tests reached, and tests/README.md held against it: it may not say more."""

import pathlib
import re
import sys

README = pathlib.Path(__file__).parents[1] / "README.md"
HEADING = "What `make test` reaches"


def reached(folder):
    """Each figure is a file with its number, or a folder of such files that add up."""
    parts = lambda path: sorted(path.iterdir()) if path.is_dir() else [path]
    return {path.stem: sum(int(part.read_text()) for part in parts(path)) for path in sorted(folder.iterdir())}


def claimed():
    section = re.search(rf"^## {re.escape(HEADING)}\n(.*?)(?=^## |\Z)", README.read_text(), re.S | re.M).group(1)
    return {name: int(number.replace(",", "")) for name, number in re.findall(r"^\| ([^|]+) \| ([\d,]+) \|$", section, re.M)}


def main(folder):
    figures, claims = reached(pathlib.Path(folder)), claimed()
    print(f"{'reached by this run':<40} {'reached':>26} {'tests/README.md':>26}")
    for name in sorted(figures | claims):
        print(f"{name:<40} {figures.get(name, 0):>26,} {claims.get(name, 0):>26,}")
    too_high = [name for name, number in claims.items() if number > figures.get(name, 0)]
    if too_high or not claims:
        sys.exit(f"tests/README.md claims more than was reached: {', '.join(too_high) or 'nothing is claimed at all'}")


main(sys.argv[1])
