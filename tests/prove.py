"""The table of what `make prove` has proven so far, for tests/README.md: of the folder in which it is kept."""

import collections
import pathlib
import sys


def table(folder):
    """A row for each part: its units, what they reached, and how long that took."""
    rows = collections.defaultdict(collections.Counter)
    for file in sorted(folder.glob("*/*.txt")):
        rows[file.parent.name]["units"] += 1
        for line in file.read_text().splitlines():
            figure, number = line.rsplit(": ", 1)
            rows[file.parent.name][figure] += int(number)
    for part, row in sorted(rows.items()):
        reached = ", ".join(f"{number:,} {figure}" for figure, number in row.items() if figure != "seconds")
        yield f"| {part} | {reached} | {row['seconds'] // 60} min |"


if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[1])
    print(f"\n{folder.name}\n\n| part | reached | time |\n| --- | --- | --- |")
    print("\n".join(table(folder)) or "Nothing holds yet.")
