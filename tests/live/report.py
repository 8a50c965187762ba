"""What a reader or a program gets to see: the plan, each verdict as it comes, the end."""

import json
import textwrap

WIDTH = 80
EVIDENCE_LENGTH_MAX = 400
HOLDS, DIFFERS, NOT_ASKED, FAILED = "holds", "differs", "not asked", "failed"
INDENT = " " * 11


def plain(text):
    """AWS's answers come over the wire: nothing in them moves a cursor."""
    return "".join(one if one.isprintable() else " " for one in str(text))


def short(text):
    return text if len(text) <= EVIDENCE_LENGTH_MAX else text[:EVIDENCE_LENGTH_MAX] + "..."


def wrapped(text, first="", rest=INDENT):
    # An ARN that is too long for a line stays whole, so that it can be copied.
    return textwrap.fill(plain(text), WIDTH, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False,
                         break_long_words=False)


def verdict(row, before=None):
    lines = [wrapped(row["sentence"], f"{row['verdict']:<11}")]
    evidence = "the same" if before and row["evidence"] == before["evidence"] else row["evidence"]
    lines.append(wrapped(evidence, INDENT + "- ", INDENT + "  "))
    if row["verdict"] == DIFFERS:
        lines.append(wrapped(f"rests on it: {row['rests']}", INDENT + "- ", INDENT + "  "))
    return "\n".join(lines)


def end(report):
    kinds = {HOLDS: "hold", DIFFERS: "differ", NOT_ASKED: "not asked", FAILED: "failed"}
    counts = [f"{sum(row['verdict'] == kind for row in report['facts'])} {word}" for kind, word in kinds.items()]
    lines = ["", f"{', '.join(counts)}; {report['seconds']} seconds."]
    if report["trouble"]:
        lines.append(report["trouble"])
    if report["fixture"]:
        lines.append(f"The event is in {report['fixture']} as it came, nothing scrubbed: it holds the account's number, who "
                     "registered, from which address, and the id of an access key.")
    elif report["wanted"] and not report["trouble"]:
        lines.append(f"No event of a registration arrived, so {report['wanted']} was not written.")
    if report["leftBehind"]:
        lines.append("COULD NOT BE CLEANED UP, do it by hand:")
        lines += [f"- {one}" for one in report["leftBehind"]]
    else:
        lines.append("Everything that was made is gone, deleted definitions as far as ECS lets them go.")
    return "\n".join(wrapped(line, "", "  " if line.startswith("- ") else "") for line in lines)


def as_json(report):
    return json.dumps(report, indent=2)
