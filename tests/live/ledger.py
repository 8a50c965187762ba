"""What a run has made and how each thing is taken away again. A thing is written down before it is made, so that a run
that is stopped in between leaves nothing that it does not know of."""

from contextlib import contextmanager
from typing import Callable, NamedTuple

from botocore.exceptions import ClientError


class LeftBehind(Exception):
    """What could not be taken away, in words."""


class Thing(NamedTuple):
    kind: str
    name: str
    undo: Callable[[], object]


def was_refused(error):
    """AWS has said no, so nothing was done. After a lost answer or a fault of AWS's own it may have been."""
    return isinstance(error, ClientError) and error.response["ResponseMetadata"].get("HTTPStatusCode", 500) < 500


class Ledger:
    def __init__(self):
        self.things = []

    def write(self, kind, name, undo):
        self.things.append(Thing(kind, name, undo))

    @contextmanager
    def making(self, kind, name, undo):
        """Around the one call that makes a thing."""
        self.write(kind, name, undo)
        try:
            yield
        except ClientError as error:
            if was_refused(error):
                self.things.pop()
            raise

    def made(self):
        return [f"{thing.kind} {thing.name}" for thing in self.things]

    def clean(self):
        """Takes everything away, the newest first, whatever fails; in words, what is left."""
        left = []
        while self.things:
            thing = self.things.pop()
            try:
                thing.undo()
            except Exception as error:
                left.append(f"{thing.kind} {thing.name}: {error}")
        return left


def gone(delete, *codes):
    """Deletes; that nothing is there is as good."""
    try:
        delete()
    except ClientError as error:
        if error.response["Error"]["Code"] not in codes:
            raise
