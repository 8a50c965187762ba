"""The guard as one would write it in Python: the same calls, and no more care than it takes to make them."""

import datetime
import hashlib
import json
import os

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

BUCKET = os.environ["BACKUP_BUCKET"]
TOPIC = os.environ["ALERT_TOPIC_ARN"]
ACCOUNT = TOPIC.split(":")[4]
REGION = os.environ["AWS_REGION"]
OUTPUT_ONLY = ("taskDefinitionArn", "revision", "status", "requiresAttributes", "compatibilities", "registeredAt",
               "registeredBy", "deregisteredAt")
CONFIG = Config(retries={"mode": "standard", "total_max_attempts": 3}, connect_timeout=2, read_timeout=5,
                s3={"addressing_style": "path"})

ecs, s3, sns = (boto3.client(name, config=CONFIG) for name in ("ecs", "s3", "sns"))


def handler(event, _context):
    detail = event["detail"]
    if detail.get("errorCode"):
        return {"outcome": "failed_registration"}
    registered = detail["responseElements"]["taskDefinition"]
    if not privileged(registered):
        return {"outcome": "compliant"}
    original = describe(registered["taskDefinitionArn"])
    if not privileged(original):
        return {"outcome": "compliant"}
    return remediate(original)


def privileged(definition):
    return [it["name"] for it in definition["containerDefinitions"] if it.get("privileged")]


def describe(arn):
    answer = ecs.describe_task_definition(taskDefinition=arn, include=["TAGS"])
    return {**answer["taskDefinition"], "tags": answer.get("tags", [])}


def as_input(definition):
    kept = {name: value for name, value in definition.items() if name not in OUTPUT_ONLY}
    if not kept["tags"]:
        del kept["tags"]
    return kept


def in_order(value):
    """ECS answers lists that are sets in any order."""
    if isinstance(value, dict):
        return {name: in_order(one) for name, one in value.items()}
    return sorted(map(in_order, value), key=json.dumps) if isinstance(value, list) else value


def get(key):
    try:
        return json.loads(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchKey":
            return None
        raise


def put(key, value):
    body = json.dumps(value).encode()
    s3.put_object(Bucket=BUCKET, Key=key, Body=body, ContentType="application/json", IfNoneMatch="*")
    return hashlib.sha256(body).hexdigest()


def remediate(original):
    family, revision = original["family"], original["revision"]
    place = f"{ACCOUNT}/{REGION}/{family}"
    revisions = ecs.list_task_definitions(familyPrefix=family, status="ACTIVE", sort="DESC", maxResults=100)
    later = [arn for arn in revisions["taskDefinitionArns"] if int(arn.rsplit(":", 1)[1]) > revision]
    exemption, record = get(f"exemptions/{place}.json"), get(f"records/{place}/{revision}.json")
    s3.list_objects_v2(Bucket=BUCKET, Prefix=f"records/{place}/")
    if later or exemption or record:
        return {"outcome": "superseded"}
    running = {}
    for cluster in ecs.list_clusters(maxResults=100)["clusterArns"]:
        running[cluster] = ecs.list_tasks(cluster=cluster, family=family, maxResults=100)["taskArns"]

    backup = as_input(original)
    sha256 = put(f"backups/{place}/{revision}.json", backup)
    changed = [{**it, "privileged": False} if it.get("privileged") else it for it in backup["containerDefinitions"]]
    made = ecs.register_task_definition(**{**backup, "containerDefinitions": changed})["taskDefinition"]
    copy = describe(made["taskDefinitionArn"])
    if in_order(as_input(copy)) != in_order({**backup, "containerDefinitions": changed}):
        return {"outcome": "unfaithful"}
    if describe(original["taskDefinitionArn"])["status"] != "ACTIVE":
        return {"outcome": "inactive"}
    if get(f"exemptions/{place}.json") or get(f"records/{place}/{revision}.json"):
        return {"outcome": "exempt"}

    names = ", ".join(privileged(original))
    message = (f"{family}:{revision} registered privileged containers: {names}\n\n"
               f"The copy {family}:{copy['revision']} has privileged: false. Running: {json.dumps(running)}\n"
               f"Undo: aws ecs deregister-task-definition --task-definition {family}:{copy['revision']}\n")
    sns.publish(TopicArn=TOPIC, Subject=f"ECS guard: {family}:{revision} remediated"[:100], Message=message,
                MessageAttributes={"outcome": {"DataType": "String", "StringValue": "remediated"}})
    put(f"records/{place}/{revision}.json", {
        "original": f"{family}:{revision}", "copy": copy["revision"], "outcome": "remediated", "backupSha256": sha256,
        "recordedAt": datetime.datetime.now(datetime.UTC).isoformat()})
    answer = {"outcome": "remediated", "copy": f"{family}:{copy['revision']}"}
    # In the form in which the guard's answers are looked at.
    print(json.dumps(answer))
    return answer
