"""A queue that one AWS service may send to, and what waits in it."""

import json

from ledger import gone

MISSING = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")


def queue(run, suffix, service, source):
    """Its URL and ARN. Encrypted with a key of SQS, which needs no permission of the sender's."""
    sqs, name = run.client("sqs"), run.part(suffix)
    arn = run.arn("sqs", name)
    allowed = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sqs:SendMessage", "Resource": arn,
               "Condition": {"ArnEquals": {"aws:SourceArn": source}}}
    attributes = {"SqsManagedSseEnabled": "true", "MessageRetentionPeriod": "3600",
                  "Policy": json.dumps({"Version": "2012-10-17", "Statement": [allowed]})}
    tags = {one["Key"]: one["Value"] for one in run.tags()}

    def remove():
        gone(lambda: sqs.delete_queue(QueueUrl=sqs.get_queue_url(QueueName=name)["QueueUrl"]), *MISSING)

    with run.ledger.making("queue", name, remove):
        return sqs.create_queue(QueueName=name, Attributes=attributes, tags=tags)["QueueUrl"], arn


def received(run, url):
    """The bodies of the messages that wait; the queue forgets them."""
    sqs, bodies = run.client("sqs"), []
    # A second, so that all of SQS's servers are asked, and not some: that is long polling.
    asked = {"QueueUrl": url, "MaxNumberOfMessages": 10, "WaitTimeSeconds": 1 if run.patience >= 1 else 0}
    while messages := sqs.receive_message(**asked).get("Messages"):
        for message in messages:
            bodies.append(message["Body"])
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return bodies
