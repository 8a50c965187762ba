"""redrive.sh, as an operator runs it: a real AWS CLI v2, moto's queues, and a Lambda that accepts what it is told to."""

import http.server
import json
import pathlib
import subprocess
import threading

import pytest

from cli import cli_server, shell  # noqa: F401
from conftest import REGION, client, emptied

ROOT = pathlib.Path(__file__).parents[2]
FUNCTION = "stack-Guard-1ABC"


class Lambda:
    """As much of Lambda as the script asks. An event says itself what comes of it: `refuse`, `die` or `fail again`."""

    def __init__(self):
        self.events, self.concurrency, self.fails, self.script = [], 10, lambda event: None, None
        lambda_ = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def answer(self, status, body=b"{}"):
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self):
                assert self.path == f"/2019-09-30/functions/{FUNCTION}/concurrency"
                reserved = {} if lambda_.concurrency is None else {"ReservedConcurrentExecutions": lambda_.concurrency}
                self.answer(200, json.dumps(reserved).encode())

            def do_POST(self):
                assert self.path == f"/2015-03-31/functions/{FUNCTION}/invocations"
                assert self.headers["X-Amz-Invocation-Type"] == "Event"
                event = json.loads(self.rfile.read(int(self.headers["content-length"])))
                if event.get("it") == "refuse":
                    return self.answer(403)
                lambda_.events.append(event)
                if event.get("it") == "die":
                    lambda_.script.kill()
                if event.get("it") == "fail again":
                    lambda_.fails(event)
                self.answer(202, b"")

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.endpoint = f"http://127.0.0.1:{self.server.server_address[1]}"


def record(event):
    """https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html"""
    return {"version": "1.0", "timestamp": "2026-11-24T08:00:00.000Z",
            "requestContext": {"requestId": "e", "functionArn": f"arn:aws:lambda:::function:{FUNCTION}:$LATEST",
                               "condition": "ZeroReservedConcurrency", "approximateInvokeCount": 0},
            "requestPayload": event}


@pytest.fixture
def desk(moto, tmp_path, cli_server):
    emptied(moto)
    lambda_ = Lambda()
    environment = shell(tmp_path, {"sqs": moto, "lambda": lambda_.endpoint}, cli_server)
    sqs = client("sqs", moto)
    queues = [sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("rule", "failure")]

    class Desk:
        def put(self, queue, body):
            sqs.send_message(QueueUrl=queues[queue], MessageBody=body if isinstance(body, str) else json.dumps(body))

        def kept(self, queue):
            """What is in the queue, hidden or not."""
            names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
            counts = sqs.get_queue_attributes(QueueUrl=queues[queue], AttributeNames=names)["Attributes"]
            return sum(map(int, counts.values()))

        def run(self):
            lambda_.script = subprocess.Popen([ROOT / "redrive.sh", REGION, FUNCTION, *queues], env=environment, text=True,
                                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            out, err = lambda_.script.communicate(timeout=120)
            assert list(tmp_path.glob("tmp.*")) == [] or lambda_.script.returncode < 0, "events are left on the disk"
            return lambda_.script.returncode, out, err

    desk = Desk()
    desk.lambda_ = lambda_
    yield desk
    lambda_.server.shutdown()


def test_what_waits_is_handed_over_as_the_event_that_it_was_and_what_is_not_accepted_stays(desk):
    event = json.loads((ROOT / "events/guard-console.json").read_text())
    desk.put(0, event)
    for body in (record(event), record({"it": "refuse"}), record({"it": "fail again"}), "no JSON", "[1]"):
        desk.put(1, body)
    desk.lambda_.fails = lambda failed: desk.put(1, record(failed))
    code, out, err = desk.run()
    handed = [sent for sent in desk.lambda_.events if sent == event]
    assert (code, len(handed), len(desk.lambda_.events)) == (1, 2, 3), (out, err)
    assert (desk.kept(0), desk.kept(1)) == (0, 4)
    assert out.splitlines()[0].startswith("1 handed over from ") and out.splitlines()[1].startswith("2 handed over from ")
    assert err.count("was not accepted") == 1 and err.count("is no event") == 2


def test_a_shell_that_is_too_old_is_told_so_before_anything_that_it_does_not_know():
    """macOS has bash 3 and a date without milliseconds; neither is here, so this only reads."""
    script = (ROOT / "redrive.sh").read_text()
    assert -1 < script.index('if [ "${BASH_VERSINFO[0]}" -lt 4 ]') < script.index("declare -A") and "$(date" not in script


def test_a_function_that_is_stopped_is_handed_nothing(desk):
    desk.lambda_.concurrency = 0
    desk.put(1, record({}))
    code, out, err = desk.run()
    assert (code, out, desk.lambda_.events, desk.kept(1)) == (1, "", [], 1) and "is stopped" in err


def test_a_script_that_dies_has_deleted_nothing_that_it_did_not_hand_over(desk):
    desk.lambda_.concurrency = None  # nothing is reserved
    for event in ({"it": "die"}, {"it": "die"}):
        desk.put(1, record(event))
    code, _, _ = desk.run()
    assert (code, len(desk.lambda_.events), desk.kept(1)) == (-9, 1, 2)


def test_it_gives_up_where_lambda_accepts_nothing(desk):
    for _ in range(12):
        desk.put(0, {"it": "refuse"})
    code, _, err = desk.run()
    assert (code, desk.kept(0), err.count("was not accepted")) == (1, 12, 3), err
