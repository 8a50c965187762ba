"""What a stack costs in a month, by list prices and without free tiers: the table of FLEET.md.

What the template holds is counted in the template, so a new alarm or key changes the table. `python tests/e2e/cost.py`
prints it; `GOLDEN=write` writes it.
"""

import math
import os
import pathlib
import re
from typing import NamedTuple

from test_template import expanded

FLEET = pathlib.Path(__file__).parents[2] / "FLEET.md"
HOURS = 730
GB = 1e9
HEADING = "What a stack costs in a month"

# us-east-1, USD for one of each, read in stored copies of the pages that FLEET.md names.
PRICES = {
    "lambda request": 0.20 / 1e6,
    "lambda GB-second": 0.0000133334,  # arm64
    "key": 1.00,
    "key request": 0.03 / 1e4,
    "alarm metric": 0.10,
    "custom metric": 0.30,
    "dashboard": 3.00,
    "GB of logs": 0.50,
    "GB-month of logs": 0.03,
    "put or list": 0.005 / 1e3,
    "get": 0.0004 / 1e3,
    "GB-month in S3": 0.023,
    "publish": 0.50 / 1e6,
    "mail": 2.00 / 1e5,
    "schedule": 1.00 / 1e6,
    "custom event": 1.00 / 1e6,
    "configuration item": 0.003,
    "evaluation": 0.001,
}


class Account(NamedTuple):
    """An account and Region; a privileged registration is remedied, a privileged revision stands since before."""

    name: str
    active_revisions: int
    registrations: int
    privileged: int
    megabytes_a_sweep: float  # watermark and three reports


ACCOUNTS = [
    Account("small", active_revisions=500, registrations=200, privileged=5, megabytes_a_sweep=0.02),
    Account("large", active_revisions=200_000, registrations=20_000, privileged=500, megabytes_a_sweep=1.7),
]

# Assumed, generously: a run of the guard on Lambda with its start, in seconds; nobody has measured there yet.
COMPLIANT, PRIVILEGED = 0.2, 1.0
# A line for people and one for metrics; a test holds a remedy's to it.
BYTES_A_RUN = 4_000
# Counted by tests/it/sweep_scale.rs and tests/it/flood.rs.
S3_CALLS_A_SWEEP = {"put or list": 6, "get": 1}
S3_CALLS_A_COPY = {"put or list": 3, "get": 4}


def sweep_seconds(account):
    """Pages of a hundred at five a second, ten at once before; and a second for the rest."""
    pages = math.ceil(account.active_revisions / 100) + 1
    return 1 + max(0, pages - 10) / 5


def of_type(resources, kind):
    return [resource["Properties"] for resource in resources.values() if resource["Type"] == kind]


def alarm_metrics(resources):
    """An alarm on an expression is charged for each metric that it reads."""
    read = lambda alarm: sum("MetricStat" in metric for metric in alarm["Metrics"]) if "Metrics" in alarm else 1
    return sum(map(read, of_type(resources, "AWS::CloudWatch::Alarm")))


def bill(account, resources):
    """Service to USD a month."""
    events = account.registrations + account.privileged  # each copy raises an event, too
    gigabytes = resources["Guard"]["Properties"]["MemorySize"] / 1024
    seconds = HOURS * sweep_seconds(account) + account.registrations * COMPLIANT + account.privileged * (COMPLIANT + PRIVILEGED)
    writes, reads = (HOURS * S3_CALLS_A_SWEEP[kind] + account.privileged * S3_CALLS_A_COPY[kind] for kind in ("put or list", "get"))
    # What a sweep replaces is kept for 90 days.
    stored = account.megabytes_a_sweep * 24 * 90 / 1e3
    logs = (HOURS + events) * BYTES_A_RUN / GB
    # Charged by the hour in which it is sent: three by each sweep, one by each registration, three more by a remedy.
    metrics = 3 + min(1, events / HOURS) + 3 * min(1, account.privileged / HOURS)
    alerts = account.privileged + 31  # and a digest a day
    use = {
        "CloudWatch alarms": [("alarm metric", alarm_metrics(resources))],
        "CloudWatch metrics": [("custom metric", metrics)],
        "CloudWatch dashboard": [("dashboard", len(of_type(resources, "AWS::CloudWatch::Dashboard")))],
        "CloudWatch Logs": [("GB of logs", logs), ("GB-month of logs", logs * 12)],
        "KMS": [("key", len(of_type(resources, "AWS::KMS::Key"))), ("key request", writes + reads + 2 * alerts)],
        "Lambda": [("lambda request", HOURS + events), ("lambda GB-second", seconds * gigabytes)],
        "S3": [("put or list", writes), ("get", reads), ("GB-month in S3", stored)],
        "SNS, one mail an alert": [("publish", alerts), ("mail", alerts)],
        # Others call S3's events free; they are counted as the custom ones, the dearest that there are.
        "EventBridge": [("schedule", HOURS), ("custom event", writes)],
        "AWS Config, where it records": [("configuration item", account.privileged), ("evaluation", account.privileged)],
    }
    return {service: sum(PRICES[price] * count for price, count in parts) for service, parts in use.items()}


def table():
    resources = expanded(EnforcementMode="remediate")
    bills = [bill(account, resources) for account in ACCOUNTS]
    rows = [f"| {service} | " + " | ".join(f"{each[service]:.2f}" for each in bills) + " |"
            for service in bills[0] if any(each[service] >= 0.005 for each in bills)]
    totals = [sum(each.values()) for each in bills]
    without = [total - each["CloudWatch dashboard"] for total, each in zip(totals, bills)]
    rows += [f"| {label} | " + " | ".join(f"{total:.2f}" for total in of) + " |"
             for label, of in [("together, in USD", totals), ("without the dashboard", without)]]
    names = [f"{account.name}: {account.active_revisions:,} revisions, {account.registrations:,} registrations, "
             f"{account.privileged:,} privileged" for account in ACCOUNTS]
    return "\n".join(["| | " + " | ".join(names) + " |", "| --- " * (len(names) + 1) + "|", *rows])


def shown():
    section = re.search(rf"^## {HEADING}\n(.*?)(?=^## |\Z)", FLEET.read_text(), re.S | re.M).group(1)
    return "\n".join(line for line in section.splitlines() if line.startswith("|"))


if __name__ == "__main__":
    if os.environ.get("GOLDEN") == "write":
        FLEET.write_text(FLEET.read_text().replace(shown(), table()))
    print(table())
