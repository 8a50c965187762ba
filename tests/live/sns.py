"""What SNS delivers of a message with a body for each protocol, which is how alerts are published, and what it filters
by: one queue subscribes to everything, one by the body, one by attributes. Each gets plain messages too: what SNS does
not do with those either is no answer.
"""

import json

from ledger import gone
from queues import queue, received
from run import NotAsked, once, refusal_of

STRUCTURED, PLAIN = "by protocol", "plain"
WANTED, UNWANTED = "critical", "info"
POLICY = json.dumps({"severity": [WANTED]})
FILTERS = {
    "all": {},
    "body": {"FilterPolicyScope": "MessageBody", "FilterPolicy": POLICY},
    "attributes": {"FilterPolicyScope": "MessageAttributes", "FilterPolicy": POLICY},
}


@once
def topic(run):
    sns, name = run.client("sns"), run.part("topic")
    arn = run.arn("sns", name)
    # Its subscriptions go with it: https://docs.aws.amazon.com/sns/latest/api/API_DeleteTopic.html
    with run.ledger.making("topic", name, lambda: gone(lambda: sns.delete_topic(TopicArn=arn), "NotFound")):
        sns.create_topic(Name=name, Tags=run.tags())
    return arn


def publish(run, form, severity):
    body = json.dumps({"form": form, "severity": severity})
    message = {"Message": body}
    if form == STRUCTURED:
        message = {"Message": json.dumps({"default": "text for people", "sqs": body}), "MessageStructure": "json"}
    attributes = {"severity": {"DataType": "String", "StringValue": severity}}
    run.client("sns").publish(TopicArn=topic(run), MessageAttributes=attributes, **message)


@once
def delivered(run):
    """By subscription, by form and severity, whether SNS delivered attributes; what it did not deliver is missing."""
    sns, urls = run.client("sns"), {}
    for name, filters in FILTERS.items():
        urls[name], arn = queue(run, f"sns-{name}", "sns.amazonaws.com", topic(run))
        sns.subscribe(TopicArn=topic(run), Protocol="sqs", Endpoint=arn, Attributes=filters)
    kinds = [(form, severity) for form in (STRUCTURED, PLAIN) for severity in (UNWANTED, WANTED)]
    seen = {name: {} for name in FILTERS}

    def collect(name):
        for text in received(run, urls[name]):
            envelope = json.loads(text)
            body = json.loads(envelope["Message"])
            seen[name][body["form"], body["severity"]] = "MessageAttributes" in envelope
        return seen[name]

    # A new subscription may miss the first messages.
    for _ in range(2):
        for kind in kinds:
            publish(run, *kind)
        if run.until(lambda: len(collect("all")) == len(kinds)):
            break
    else:
        raise NotAsked("the queue that subscribed to everything did not get everything")
    for name in ("body", "attributes"):
        # What may still be on its way is waited for, though nothing tells that nothing is.
        run.until(lambda: {(PLAIN, WANTED), (STRUCTURED, WANTED)} <= set(collect(name)), run.patience / 2)
        collect(name)
    return seen


def filtered(run, name):
    """What came through a filter that is known to be in effect."""
    through = delivered(run)[name]
    if (PLAIN, WANTED) not in through or (PLAIN, UNWANTED) in through:
        # https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html
        raise NotAsked("the filter is not in effect for plain messages yet either; SNS may take 15 minutes")
    return {severity for form, severity in through if form == STRUCTURED}


def attributes_are_not_delivered(run):
    got = delivered(run)["all"]
    if not (got[PLAIN, WANTED] and got[PLAIN, UNWANTED]):
        raise NotAsked("a plain message did not bring its attributes either")
    brought = got[STRUCTURED, WANTED] or got[STRUCTURED, UNWANTED]
    return not brought, f"the message by protocol brought {'its attributes' if brought else 'none'}, the plain one did"


def body_filter_sees_the_protocols_body(run):
    through = filtered(run, "body")
    return through == {WANTED}, f"of {WANTED} and {UNWANTED}, delivered: {', '.join(sorted(through)) or 'none'}"


def attribute_filter_sees_no_attributes(run):
    through = filtered(run, "attributes")
    return not through, f"of {WANTED} and {UNWANTED}, delivered: {', '.join(sorted(through)) or 'none'}"


def subject(run):
    def refusal(text):
        return refusal_of(lambda: run.client("sns").publish(TopicArn=topic(run), Message="m", Subject=text))

    short, long, broken, umlaut = (refusal(text) for text in ("s" * 99, "s" * 100, "two\nlines", "Gr\u00fc\u00dfe"))
    told = [f"{name} {'refused' if one else 'taken'}" for name, one in
            (("99 characters", short), ("100", long), ("a line break", broken), ("other than ASCII", umlaut))]
    return not short and long and broken, ", ".join(told)
