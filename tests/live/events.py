"""The event that CloudTrail makes of a registration: a rule with the template's pattern hands it to a queue. The queue
gets those of others in the account too; what does not name this run is thrown away.
"""

import json
import secrets
import time

from botocore.exceptions import BotoCoreError, ClientError

from ecs import NAMELESS
from ledger import gone
from privilege import plain_session
from queues import queue, received
from run import NotAsked, once, refusal_of

# The template's; test_live.py compares the two.
PATTERN = {
    "source": ["aws.ecs"],
    "detail-type": ["AWS API Call via CloudTrail"],
    "detail": {
        "eventSource": ["ecs.amazonaws.com"],
        "eventName": ["RegisterTaskDefinition", "RegisterDaemonTaskDefinition"],
    },
}
DONE, REFUSED, BY_ROLE = "event", "refused", "role"


class Caught:
    """What was registered to be seen in an event, and the events that came."""

    def __init__(self, url):
        self.url = url
        self.secret, self.command = secrets.token_hex(16), secrets.token_hex(16)
        self.registered, self.texts = {}, {}  # when, by ARN; the first event, by family
        self.seconds = None

    def register(self, run):
        secret = {"name": "SECRET", "value": self.secret}
        arn = run.register(DONE, {"privileged": True, "environment": [secret], "command": ["echo", self.command]}, {})
        self.registered[arn["taskDefinitionArn"]] = time.monotonic()

    def look(self, run):
        for text in received(run, self.url):
            for suffix in (DONE, REFUSED, BY_ROLE):
                # Wherever the family stands in it: the shape is what is asked. A call that was throttled has an event too.
                if run.part(suffix) in text and "ThrottlingException" not in text:
                    self.texts.setdefault(suffix, text)
        for arn, at in self.registered.items():
            if self.seconds is None and arn in self.texts.get(DONE, ""):
                self.seconds = round(time.monotonic() - at)


@once
def trails(run):
    """The trails that log write management events here, of which none may be: then no event will come."""
    cloudtrail, found = run.client("cloudtrail"), []
    for trail in cloudtrail.describe_trails()["trailList"]:
        try:
            arn = trail["TrailARN"]
            if cloudtrail.get_trail_status(Name=arn)["IsLogging"] and logs_writes(cloudtrail.get_event_selectors(TrailName=arn)):
                found.append(trail)
        except ClientError:
            # One that belongs to another account, like an organization's, may not be looked into.
            found.append(trail)
    return found


def logs_writes(selectors):
    """Without a selector of its own a trail logs all management events:
    https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_EventSelector.html"""
    simple, advanced = (selectors.get(kind) or [] for kind in ("EventSelectors", "AdvancedEventSelectors"))

    def includes(selector):
        fields = {field["Field"]: field.get("Equals") for field in selector["FieldSelectors"]}
        return fields.get("eventCategory") == ["Management"] and fields.get("readOnly") != ["true"]

    return not (simple or advanced) or any(map(includes, advanced)) or any(
        one.get("IncludeManagementEvents", True) and one.get("ReadWriteType", "All") != "ReadOnly" for one in simple)


@once
def caught(run):
    """Listens from now on, and registers what is to be heard of."""
    if not trails(run):
        raise NotAsked("no trail logs write management events in this Region, and without one no event comes")
    events, name = run.client("events"), run.part("rule")
    url, arn = queue(run, "events", "events.amazonaws.com", run.arn("events", f"rule/{name}"))

    def remove():
        gone(lambda: events.remove_targets(Rule=name, Ids=["queue"]), "ResourceNotFoundException")
        gone(lambda: events.delete_rule(Name=name), "ResourceNotFoundException")

    with run.ledger.making("rule", name, remove):
        events.put_rule(Name=name, EventPattern=json.dumps(PATTERN), State="ENABLED", Tags=run.tags())
    if events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])["FailedEntryCount"]:
        raise NotAsked("the queue could not be made the target of the rule")
    heard = Caught(url)
    heard.register(run)
    return heard


@once
def arrived(run):
    """The events, once all that can come have come, or the time is over."""
    heard = caught(run)
    # Again, because a new rule does not match at once:
    # https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html
    heard.register(run)
    expected = {DONE}
    if refusal_of(lambda: run.register(REFUSED, **NAMELESS)):
        expected.add(REFUSED)
    try:
        plain_session(run)
        expected.add(BY_ROLE)
    except (ClientError, NotAsked):
        pass
    run.until(lambda: heard.look(run) or expected <= set(heard.texts), run.deadline - time.monotonic())
    return heard


def event(run, suffix=DONE):
    text = arrived(run).texts.get(suffix)
    if text is None:
        raise NotAsked(f"no event of it arrived within {run.seconds()} seconds")
    return json.loads(text)


def arrives(run):
    event(run)
    return True, f"{arrived(run).seconds} seconds after the registration"


def names_the_revision(run):
    of = event(run)
    detail = of.get("detail", {})
    arn = at(detail, "responseElements", "taskDefinition", "taskDefinitionArn")
    home = [of.get("account"), of.get("region"), detail.get("recipientAccountId"), detail.get("awsRegion")]
    is_home = home == [run.account, run.region] * 2
    return arn in arrived(run).registered and is_home, f"responseElements: {arn}; account and Region: {home}"


def shows_the_containers(run):
    detail = event(run).get("detail", {})
    lists = [at(detail, "requestParameters", "containerDefinitions"),
             at(detail, "responseElements", "taskDefinition", "containerDefinitions")]

    def privileged(containers):
        if not isinstance(containers, list):
            return f"not a list but {json.dumps(containers)[:80]}"
        return {one.get("name"): one.get("privileged") for one in containers if isinstance(one, dict)}

    seen = [privileged(one) for one in lists]
    holds = all(isinstance(one, dict) and one.get("c1") is True and one.get("c2", "") in (None, False) for one in seen)
    return holds, f"requestParameters: {seen[0]}; responseElements: {seen[1]}"


def hides_the_environment(run):
    of = event(run)
    hidden = arrived(run).secret not in json.dumps(of)
    containers = at(of, "detail", "requestParameters", "containerDefinitions")
    shown = containers[0].get("environment") if isinstance(containers, list) and containers else containers
    return hidden, f"in requestParameters: {json.dumps(shown)[:160]}"


def shows_commands(run):
    return arrived(run).command in json.dumps(event(run)), "looked for the argument of a command"


def tells_the_role(run):
    issuer = at(event(run, BY_ROLE), "detail", "userIdentity", "sessionContext", "sessionIssuer", "userName")
    return issuer == run.part("role"), f"sessionIssuer.userName is {issuer}"


def tells_a_failure(run):
    detail = event(run, REFUSED).get("detail", {})
    code, response = detail.get("errorCode"), detail.get("responseElements")
    return code and response is None, f"errorCode {code}, responseElements {json.dumps(response)[:80]}"


def comes_from_an_organizations_trail(run):
    if not all(trail.get("IsOrganizationTrail") for trail in trails(run)):
        raise NotAsked("the account has a trail of its own besides")
    event(run)
    return True, "it did, and only an organization's trail was found"


def at(of, *path):
    """The member of a member, or nothing."""
    for name in path:
        of = of.get(name) if isinstance(of, dict) else None
    return of


def first(run):
    """The text of the event of a registration that was done, if one came."""
    try:
        return arrived(run).texts.get(DONE)
    except (ClientError, BotoCoreError, NotAsked):
        return None
