"""One request to ECS as the product sends it: JSON in, JSON out, signed, nothing checked and nothing dropped.

botocore refuses some members before ECS sees them and drops others from the answer, so its client cannot tell what ECS
does with them; only its signer is used.
"""

import json
import os
import time

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ClientError
from botocore.httpsession import URLLib3Session
from botocore.utils import get_environ_proxies

TARGET = "AmazonEC2ContainerServiceV20141113."
# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/request-throttling.html: registrations and deregistrations
# share 20 at once and one a second, with everybody in the account.
THROTTLES_MAX = 30


def call(endpoint, region, credentials, operation, members):
    """The answer. A refusal is a `ClientError`, as of any client of botocore; what is throttled is sent again."""
    for _ in range(THROTTLES_MAX):
        status, answer = send(endpoint, region, credentials, operation, members)
        if status == 200:
            return answer
        code = str(answer.get("__type", status)).rsplit("#", 1)[-1]
        if code != "ThrottlingException":
            break
        time.sleep(1)
    error = {"Code": code, "Message": answer.get("message") or answer.get("Message") or ""}
    raise ClientError({"Error": error, "ResponseMetadata": {"HTTPStatusCode": status}}, operation)


def send(endpoint, region, credentials, operation, members):
    headers = {"content-type": "application/x-amz-json-1.1", "x-amz-target": TARGET + operation}
    request = AWSRequest("POST", endpoint.rstrip("/") + "/", headers=headers, data=json.dumps(members).encode())
    SigV4Auth(credentials, "ecs", region).add_auth(request)
    # No retry of its own: a registration whose answer was lost may have been done.
    session = URLLib3Session(timeout=20, proxies=get_environ_proxies(endpoint), verify=os.environ.get("AWS_CA_BUNDLE") or True)
    response = session.send(request.prepare())
    try:
        answer = json.loads(response.content)
    except ValueError:
        answer = {}
    return response.status_code, answer if isinstance(answer, dict) else {}
