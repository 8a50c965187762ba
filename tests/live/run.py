"""One run: its name, its account, its clock, its ledger, and the task definitions that most checks make."""

import functools
import re
import secrets
import time

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

import wire
from ledger import Ledger, LeftBehind, was_refused

PREFIX = "guard-live-check-"
TAG = "guard-live-check"
PATIENCE_SECONDS_MAX = 10
DELETIONS_MAX = 10  # in one call of DeleteTaskDefinitions


class NotAsked(Exception):
    """The question could not be put, and why. It says nothing about the fact."""


class Run:
    def __init__(self, session, minutes):
        self.session, self.region = session, session.region_name
        self.name = PREFIX + secrets.token_hex(4)
        self.began = time.monotonic()
        self.deadline = self.began + minutes * 60
        # How long something that AWS calls eventually consistent is waited for.
        self.patience = min(PATIENCE_SECONDS_MAX, minutes * 3)
        self.ledger = Ledger()
        self.families, self.inactive, self.revisions = {}, set(), 0
        self.clients = {}
        self.made_once = {}

    def seconds(self):
        return round(time.monotonic() - self.began)

    def client(self, service):
        if service not in self.clients:
            config = Config(connect_timeout=5, read_timeout=20, retries={"mode": "standard", "total_max_attempts": 5})
            self.clients[service] = self.session.client(service, config=config)
        return self.clients[service]

    def identify(self):
        """Whose credentials these are."""
        caller = self.client("sts").get_caller_identity()
        self.account, self.caller, self.caller_id = caller["Account"], caller["Arn"], caller["UserId"]
        self.partition = self.caller.split(":")[1]

    def arn(self, service, resource):
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    def part(self, suffix):
        """The name of something that this run makes."""
        return f"{self.name}-{suffix}"

    def tags(self, key="Key", value="Value"):
        return [{key: TAG, value: self.name}]

    def until(self, look, seconds=None):
        """Looks until there is something, or for so long; what was seen last."""
        end = time.monotonic() + (self.patience if seconds is None else seconds)
        while True:
            seen = look()
            left = end - time.monotonic()
            if seen or left <= 0:
                return seen
            time.sleep(min(1, left))

    def ecs(self, operation, credentials=None, **members):
        credentials = credentials or self.session.get_credentials().get_frozen_credentials()
        return wire.call(self.client("ecs").meta.endpoint_url, self.region, credentials, operation, members)

    def register(self, suffix, *containers, credentials=None, **members):
        """Registers a revision that nothing will ever run; the definition that ECS answers."""
        family = self.part(suffix)
        containers = [
            {"name": f"c{number}", "image": "guard-live-check:never-run", "memory": 128, **container}
            for number, container in enumerate(containers or [{}], 1)]
        members = {"family": family, "containerDefinitions": containers, "tags": self.tags("key", "value"), **members}
        if not self.families:
            self.ledger.write("task definitions", self.part("*"), self.remove_definitions)
        is_first = family not in self.families
        arns = self.families.setdefault(family, set())
        try:
            answer = self.ecs("RegisterTaskDefinition", credentials, **members)["taskDefinition"]
        except ClientError as error:
            if is_first and was_refused(error):
                del self.families[family]
            raise
        arns.add(answer["taskDefinitionArn"])
        self.revisions += 1
        return answer

    def describe(self, name):
        return self.ecs("DescribeTaskDefinition", taskDefinition=name)["taskDefinition"]

    def deregister(self, arn):
        answer = self.ecs("DeregisterTaskDefinition", taskDefinition=arn)["taskDefinition"]
        self.inactive.add(arn)
        return answer

    def remove_definitions(self):
        """Deregisters and deletes every revision of the run's families, also those that a guard in the account made."""
        arns, left = set(), []
        for family, known in self.families.items():
            arns |= known | set(attempt(left, family, lambda: self.active(family)) or [])
        # Whether it may be repeated is one of the questions.
        arns = [arn for arn in sorted(arns) if arn in self.inactive or attempt(left, arn, lambda: self.deregister(arn))]
        for some in (arns[first:first + DELETIONS_MAX] for first in range(0, len(arns), DELETIONS_MAX)):
            answer = attempt(left, ", ".join(some), lambda: self.ecs("DeleteTaskDefinitions", taskDefinitions=some)) or {}
            left += [f"{failure['arn']}: {failure['reason']}" for failure in answer.get("failures", [])]
        if left:
            raise LeftBehind("; ".join(left))

    def active(self, family):
        arns, token = [], {}
        while True:
            answer = self.ecs("ListTaskDefinitions", familyPrefix=family, status="ACTIVE", **token)
            arns += answer["taskDefinitionArns"]
            if not answer.get("nextToken"):
                return arns
            token = {"nextToken": answer["nextToken"]}


def once(make):
    """What several checks need is made for the first of them; what came of it, a refusal too, is there for the others."""
    @functools.wraps(make)
    def made(run):
        if make not in run.made_once:
            try:
                run.made_once[make] = make(run), None
            except (ClientError, BotoCoreError, NotAsked) as error:
                run.made_once[make] = None, error
        value, error = run.made_once[make]
        if error:
            raise error
        return value
    return made


def attempt(left, what, do):
    """Does it; where that fails, it is one thing more that is left, and the rest goes on."""
    try:
        return do()
    except Exception as error:
        left.append(f"{what}: {error}")


# Whoever may not do something, or asks an endpoint that does not know it, has learnt nothing about the fact.
DENIED = re.compile("AccessDenied|Unauthorized|AuthorizationError|OptInRequired")
UNKNOWN = re.compile("UnrecognizedClient|InvalidClientTokenId|Signature|MissingAuthentication|UnknownOperation"
                     "|InvalidAction|NotImplemented|^501$")
# Nor has who was too fast, or too late.
TROUBLE = re.compile("Throttl|Expired")


def is_denied(error):
    """ECS has a ClientException for missing permissions too."""
    error = error.response["Error"]
    return bool(DENIED.search(error["Code"])) or "is not authorized to perform" in error.get("Message", "")


def says_nothing(error):
    return is_denied(error) or bool(UNKNOWN.search(error.response["Error"]["Code"]))


def refusal_of(do):
    """How AWS refused what it could have done, or nothing where it did it."""
    try:
        do()
    except ClientError as error:
        if says_nothing(error) or not was_refused(error) or TROUBLE.search(error.response["Error"]["Code"]):
            raise
        return in_words(error)


def denial_of(do):
    """How IAM refused it, or nothing where it was done."""
    try:
        do()
    except ClientError as error:
        if not is_denied(error):
            raise
        return in_words(error)


def in_words(error):
    return f"{error.response['Error']['Code']}: {error.response['Error'].get('Message', '')}"
