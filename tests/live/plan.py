"""What a run will create, said before it does. test_live.py holds it against what a run did create."""

from report import wrapped
from run import TAG

PARTS = {
    "task definitions": ["*"],
    "topic": ["topic"],
    "queue": ["sns-all", "sns-body", "sns-attributes", "events"],
    "rule": ["rule"],
    "role": ["role"],
}


def told(name, where, minutes):
    whole = {kind: ", ".join(f"{name}-{part}" for part in parts) for kind, parts in PARTS.items()}
    lines = [
        f"Will create in {where}, each tagged {TAG}={name}:",
        f"- up to 45 revisions of task definitions {whole['task definitions']}; some are privileged, and nothing runs them",
        f"- the SNS topic {whole['topic']}, and for its messages and the events the SQS queues {whole['queue']}",
        f"- the EventBridge rule {whole['rule']}: until the end the last of these queues gets the events of all task "
        "definitions that anybody registers here, and what is not this run's is thrown away",
        f"- the IAM role {whole['role']}, which the caller alone may assume and which may register those task definitions",
        f"It waits {minutes:g} minutes at most for an event and then removes all of it, also after Ctrl-C. What stays: ECS "
        "keeps the names of deleted families, CloudTrail and AWS Config keep what they record. It uses up ECS's rate of "
        "registrations, which deployments share; a guard in this account alerts about what is privileged.",
    ]
    return "\n".join(wrapped(line, "", "  " if line.startswith("- ") else "") for line in lines)
