"""What the tests share: the built guard as Lambda runs it, and moto as the account."""

import http.server
import json
import os
import pathlib
import queue
import subprocess
import threading
import time

import boto3
import pytest
import requests
from moto.server import ThreadedMotoServer

ROOT = pathlib.Path(__file__).parents[2]
GUARD = pathlib.Path(os.environ.get("GUARD_BINARY", ROOT / "target/debug/guard"))
SWEEP = GUARD.with_name("sweep")
ACCOUNT = "123456789012"  # moto's
REGION = "us-east-1"


class Runtime:
    """A Lambda Runtime API for one function: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html"""

    def __init__(self, binary, environment):
        events, results = queue.Queue(), queue.Queue()
        self.events, self.results = events, results

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def answer(self, status, body, headers=()):
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self):
                event = events.get()
                if event is None:
                    return
                self.answer(200, event, [
                    ("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd"),
                    ("lambda-runtime-deadline-ms", str(int((time.time() + 60) * 1000))),
                    ("lambda-runtime-invoked-function-arn", f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:guard"),
                ])

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                results.put((self.path.rsplit("/", 1)[1], json.loads(body)))
                self.answer(202, b"")

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        api = f"127.0.0.1:{self.server.server_address[1]}"
        self.process = subprocess.Popen([binary], env={**environment, "AWS_LAMBDA_RUNTIME_API": api,
                                        "AWS_LAMBDA_FUNCTION_NAME": "guard", "AWS_LAMBDA_FUNCTION_VERSION": "1",
                                        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256", "AWS_LAMBDA_LOG_GROUP_NAME": "g",
                                        "AWS_LAMBDA_LOG_STREAM_NAME": "s"}, stdout=subprocess.PIPE, text=True)

    def invoke(self, event):
        self.events.put(json.dumps(event).encode())
        kind, body = self.results.get(timeout=60)
        assert kind == "response", body
        return body

    def lines(self):
        """Ends the function; every line that it logged."""
        self.process.kill()
        return [json.loads(line) for line in self.process.stdout.read().splitlines()]

    def stop(self):
        self.process.kill()
        self.events.put(None)
        self.server.shutdown()


@pytest.fixture(scope="session")
def moto():
    server = ThreadedMotoServer(port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def client(service, endpoint, region=REGION):
    """A client of moto's account."""
    return boto3.client(service, endpoint_url=endpoint, region_name=region, aws_access_key_id="AKIAEXAMPLE", aws_secret_access_key="secret")


def emptied(endpoint):
    """moto as an account in which nothing has happened."""
    requests.post(f"{endpoint}/moto-api/reset", timeout=10)
    return endpoint


class Story:
    """moto as the account, boto3 as the pipeline, the guard's binary as the guard."""

    def __init__(self, endpoint, mode):
        self.ecs, self.s3, self.sns, self.sqs = (client(name, endpoint) for name in ("ecs", "s3", "sns", "sqs"))
        self.s3.create_bucket(Bucket="guard-state")
        topic = self.sns.create_topic(Name="alerts")["TopicArn"]
        self.queue = self.sqs.create_queue(QueueName="alerts")["QueueUrl"]
        arn = self.sqs.get_queue_attributes(QueueUrl=self.queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        self.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
        self.environment = {
            "AWS_ENDPOINT_URL": endpoint, "AWS_REGION": REGION, "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "secret", "ENFORCEMENT_MODE": mode, "BACKUP_BUCKET": "guard-state",
            "ALERT_TOPIC_ARN": topic, "GUARD_ROLES": "guard-role"}
        self.guard = Runtime(GUARD, self.environment)

    def sweep(self, **environment):
        """One sweep by the built function."""
        sweep = Runtime(SWEEP, {**self.environment, **environment})
        try:
            return sweep.invoke({})
        finally:
            sweep.stop()

    def register(self, **changes):
        container = {"name": "app", "image": "app:1", "memory": 128, "privileged": True,
                     "environment": [{"name": "A", "value": "1"}], **changes.pop("container", {})}
        answer = self.ecs.register_task_definition(family="web", containerDefinitions=[container],
                                                   taskRoleArn=f"arn:aws:iam::{ACCOUNT}:role/web", **changes)
        return answer["taskDefinition"]["taskDefinitionArn"]

    def deliver(self, arn):
        return self.guard.invoke({
            "version": "0", "id": "1", "detail-type": "AWS API Call via CloudTrail", "source": "aws.ecs",
            "account": ACCOUNT, "region": REGION, "detail": {
                "eventSource": "ecs.amazonaws.com", "eventName": "RegisterTaskDefinition", "eventID": "e-1",
                "awsRegion": REGION, "recipientAccountId": ACCOUNT,
                "responseElements": {"taskDefinition": {"taskDefinitionArn": arn}}}})

    def revisions(self):
        arns = self.ecs.list_task_definitions(familyPrefix="web")["taskDefinitionArns"]
        return [arn.rsplit("/", 1)[1] for arn in arns]

    def described(self, name):
        answer = self.ecs.describe_task_definition(taskDefinition=name, include=["TAGS"])
        return {**answer["taskDefinition"], "tags": answer.get("tags", [])}

    def object(self, key):
        return json.loads(self.s3.get_object(Bucket="guard-state", Key=key)["Body"].read())

    def alerts(self):
        messages = self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(message["Body"]) for message in messages]


@pytest.fixture
def story(moto):
    begun = []

    def begin(mode):
        begun.append(Story(emptied(moto), mode))
        return begun[-1]

    yield begin
    for one in begun:
        one.guard.stop()
