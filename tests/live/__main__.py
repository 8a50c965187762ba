"""Asks a real account what the product relies on and nobody has verified: `make live-check ACCOUNT=111122223333`.

It ends with 0 if what was asked holds, with 3 if something differs, with 1 if something failed: a question, the whole, or
the cleaning.
"""

import argparse
import os
import pathlib
import re
import signal
import sys
import time

import boto3
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError
from botocore.parsers import ResponseParserError

import events
import plan
import report
from report import DIFFERS, FAILED, HOLDS, NOT_ASKED
from run import PREFIX, NotAsked, Run, says_nothing
from table import ASKED, NEVER_ASKED


class Stopped(BaseException):
    """By Ctrl-C, by a closed terminal, by whoever ended the process."""


def main(arguments):
    session = boto3.Session(region_name=os.environ.get("AWS_REGION"))
    if not session.region_name:
        return refuse("no Region: set AWS_REGION")
    run = Run(session, arguments.minutes)
    if arguments.plan:
        where = f"account {arguments.account or 'ACCOUNT'}, {run.region}"
        print(plan.told(f"{PREFIX}RANDOM", where, arguments.minutes))
        return 0
    if not re.fullmatch(r"\d{12}", arguments.account):
        return refuse("whose account may it use? ACCOUNT=111122223333; PLAN=1 only says what it would create")
    facts = [fact for fact in ASKED if fact.name in arguments.only or not arguments.only]
    if unknown := set(arguments.only) - {fact.name for fact in facts}:
        return refuse(f"it does not ask {', '.join(sorted(unknown))} but {', '.join(fact.name for fact in ASKED)}")
    if arguments.fixture and (arguments.fixture.exists() or not arguments.fixture.parent.is_dir()):
        return refuse(f"{arguments.fixture} is there already, or its folder is not")
    try:
        run.identify()
    except (ClientError, BotoCoreError) as error:
        return refuse(f"STS does not say whose credentials these are: {error}")
    if run.account != arguments.account:
        return refuse(f"these are credentials of account {run.account}, not of {arguments.account}")

    # With --json, standard output is the one document.
    say = lambda text: print(text, file=sys.stderr if arguments.json else sys.stdout, flush=True)
    say(plan.told(run.name, f"account {run.account}, {run.region}", arguments.minutes) + "\n")
    done = ask(run, facts, arguments.fixture, say)
    print(report.as_json(done) if arguments.json else report.end(done))
    return done["exit"]


def refuse(why):
    print(report.wrapped(f"live-check: {why}. Nothing was created.", rest=""), file=sys.stderr)
    return 1


def ask(run, facts, fixture, say):
    """Every question, and the cleaning whatever happens."""
    rows, saved, trouble = [], None, None
    try:
        on_signals(stop)
        try:
            # Its events are on their way while everything else is asked.
            if any(fact.check.__module__ == events.__name__ for fact in facts):
                verdict(run, lambda run: (True, events.caught(run)))
            for fact in facts:
                told, evidence = verdict(run, fact.check)
                rows.append({"name": fact.name, "letter": fact.letter, "sentence": fact.sentence, "verdict": told,
                             "evidence": report.short(report.plain(evidence)), "rests": fact.rests})
                say(report.verdict(rows[-1], *rows[-2:-1]))
            saved = save(run, fixture)
        finally:
            on_signals(nothing_stops_this)
    except Stopped:
        trouble = "It was stopped."
        on_signals(nothing_stops_this)
        # A call that was on its way may be done by now, and can be undone.
        time.sleep(1)
    except OSError as error:
        trouble = f"It could not write: {error}."
    made = run.ledger.made()
    left = run.ledger.clean()
    for fact in NEVER_ASKED if facts == ASKED and not trouble else []:
        rows.append({"name": None, "letter": fact.letter, "sentence": fact.sentence, "verdict": NOT_ASKED,
                     "evidence": fact.why, "rests": None})
        say(report.verdict(rows[-1]))
    verdicts = {row["verdict"] for row in rows}
    if not trouble and not verdicts & {HOLDS, DIFFERS, FAILED}:
        trouble = "Nothing could be asked."
    failed = trouble or left or FAILED in verdicts
    return {"account": run.account, "region": run.region, "run": run.name, "seconds": run.seconds(),
            "exit": 1 if failed else 3 if DIFFERS in verdicts else 0, "trouble": trouble, "facts": rows, "made": made,
            "revisions": run.revisions, "leftBehind": left, "wanted": fixture and str(fixture), "fixture": saved}


def verdict(run, check):
    try:
        holds, evidence = check(run)
        return HOLDS if holds else DIFFERS, evidence
    except (NotAsked, EndpointConnectionError, ResponseParserError) as why:
        return NOT_ASKED, why
    except ClientError as error:
        return NOT_ASKED if says_nothing(error) else FAILED, error
    except Exception as error:  # an answer of a shape that nobody expected is no reason to leave anything behind
        return FAILED, f"{type(error).__name__}: {error}"


def save(run, fixture):
    """The event as it came, for its owner's eyes; nothing where none came."""
    text = events.first(run) if fixture else None
    if not text:
        return None
    with open(os.open(fixture, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    return str(fixture)


def on_signals(handler):
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(one, handler)


def stop(*_):
    raise Stopped


def nothing_stops_this(*_):
    try:
        print("It is cleaning up.", file=sys.stderr, flush=True)
    except OSError:
        pass  # the terminal is gone


def arguments():
    parser = argparse.ArgumentParser(prog="live-check", description=__doc__)
    parser.add_argument("account", nargs="?", default="", help="the account that the credentials must be of")
    parser.add_argument("--plan", action="store_true", help="only say what it would create")
    parser.add_argument("--fixture", type=pathlib.Path, help="where to save one event as it came")
    parser.add_argument("--minutes", type=float, default=4, help="how long to wait for events (4)")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="ask these alone, by the names of --json")
    parser.add_argument("--json", action="store_true", help="one document on standard output")
    return parser.parse_args()


sys.exit(main(arguments()))
