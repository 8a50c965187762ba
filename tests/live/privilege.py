"""What IAM is told by `ecs:privileged`: a role that may register is assumed under the Deny that the template gives its
own roles, and tries.
"""

import json

from botocore.credentials import ReadOnlyCredentials

from ledger import gone
from run import NotAsked, once, denial_of

# The statement of the template; test_live.py compares the two.
MAKES_NO_PRIVILEGE = {
    "Sid": "MakesNoPrivilege",
    "Effect": "Deny",
    "Action": ["ecs:RegisterTaskDefinition", "ecs:RegisterDaemonTaskDefinition"],
    "Resource": "*",
    "Condition": {"StringEquals": {"ecs:privileged": "true"}},
}
MAKES_NOTHING_ELSE = {
    **MAKES_NO_PRIVILEGE, "Sid": "MakesNothingElse", "Condition": {"StringEquals": {"ecs:privileged": "false"}}}
REGISTERS = {"Effect": "Allow", "Action": ["ecs:RegisterTaskDefinition", "ecs:TagResource"], "Resource": "*"}
# Six times ten seconds: IAM is eventually consistent, https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html
PATIENCES_FOR_A_ROLE = 6


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


@once
def role(run):
    """The ARN of a role that may register the run's families, and that only this run's caller may assume."""
    iam, name = run.client("iam"), run.part("role")
    # GetCallerIdentity's UserId is the value of this key:
    # https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:{run.partition}:iam::{run.account}:root"},
             "Action": "sts:AssumeRole", "Condition": {"StringEquals": {"aws:userid": run.caller_id}}}
    with run.ledger.making("role", name, lambda: gone(lambda: iam.delete_role(RoleName=name), "NoSuchEntity")):
        made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(trust), Tags=run.tags())["Role"]["Arn"]
    own = {"RoleName": name, "PolicyName": "registers"}
    families = {**REGISTERS, "Resource": run.arn("ecs", f"task-definition/{run.part('*')}")}
    with run.ledger.making("policy of role", name, lambda: gone(lambda: iam.delete_role_policy(**own), "NoSuchEntity")):
        iam.put_role_policy(**own, PolicyDocument=policy(families))
    return made


def assume(run, session, *denied):
    """Credentials of the role, less what these statements deny."""
    keys = run.client("sts").assume_role(
        RoleArn=role(run), RoleSessionName=session, DurationSeconds=900, Policy=policy(REGISTERS, *denied))["Credentials"]
    return ReadOnlyCredentials(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])


@once
def plain_session(run):
    """A session of the role that has registered something, so that from then on a denial is no matter of time."""
    role(run)
    seen = {}

    def look():
        seen["refusal"] = denial_of(lambda: seen.update(session=assume(run, "plain"))) or denial_of(
            lambda: seen.update(shown=run.register("role", credentials=seen["session"])))
        return not seen["refusal"]

    if not run.until(look, PATIENCES_FOR_A_ROLE * run.patience):
        raise NotAsked(f"the role of this run could not register anything: {seen['refusal']}")
    return seen["session"], seen["shown"]


def registered_by_role(run):
    shown = plain_session(run)[1].get("registeredBy")
    expected = f"arn:{run.partition}:sts::{run.account}:assumed-role/{run.part('role')}/plain"
    return shown == expected, f"registeredBy is {shown}"


def tries(run, session, cases):
    """By case, the refusal or nothing. A case is the containers' `privileged`; None leaves the member out."""
    def register(case):
        containers = [{} if privileged is None else {"privileged": privileged} for privileged in case]
        return denial_of(lambda: run.register("denied", *containers, credentials=session))

    return {case: register(case) for case in cases}


def told(tried):
    spelled = {True: "true", False: "false", None: "absent"}
    return "; ".join(
        f"({', '.join(spelled[one] for one in case)}) {'denied' if refusal else 'allowed'}" for case, refusal in tried.items())


def privileged_is_denied(run):
    if any(tries(run, plain_session(run)[0], [(True,)]).values()):
        raise NotAsked("something else denies privilege here already, an SCP perhaps")
    session = assume(run, "denied", MAKES_NO_PRIVILEGE)
    if not run.until(lambda: not any(tries(run, session, [(None,)]).values())):
        raise NotAsked("that session may not register without privilege either")
    tried = tries(run, session, [(True,), (True, None), (None, True), (False, True)])
    return all(tried.values()), told(tried)


def no_privilege_is_allowed(run):
    plain_session(run)
    session = assume(run, "denied", MAKES_NO_PRIVILEGE)
    tried = {}
    cases = [(None,), (False,), (False, None)]
    run.until(lambda: tried.update(tries(run, session, cases)) or not any(tried.values()))
    other = tries(run, assume(run, "other", MAKES_NOTHING_ELSE), [(None,)])
    value = "is \"false\" too" if any(other.values()) else "is not there"
    return not any(tried.values()), f"{told(tried)}; where the member is absent, the key {value}"


def simulated(run):
    """The simulator of IAM, with the value that ECS would give."""
    def decision(value):
        context = [{"ContextKeyName": "ecs:privileged", "ContextKeyValues": [value], "ContextKeyType": "string"}]
        answer = run.client("iam").simulate_custom_policy(
            PolicyInputList=[policy(REGISTERS, MAKES_NO_PRIVILEGE)], ActionNames=["ecs:RegisterTaskDefinition"],
            ContextEntries=context if value else [])
        return answer["EvaluationResults"][0]["EvalDecision"]

    seen = [decision(value) for value in ("true", "false", None)]
    return seen == ["explicitDeny", "allowed", "allowed"], f"true: {seen[0]}, false: {seen[1]}, no value: {seen[2]}"
