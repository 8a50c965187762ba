"""IAM's judgement, as far as the templates and policies use its language. What is not known here is an error, never a guess.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

import datetime
import re
from typing import NamedTuple


class Request(NamedTuple):
    """What IAM is asked: an action, a resource, the values of condition keys, and the service that asks, if one does."""

    action: str
    resource: str
    conditions: dict = {}
    service: str | None = None


def listed(value):
    return value if isinstance(value, list) else [value]


def resolved(node, values):
    """A part of a template with each `Ref`, `Fn::GetAtt` and `Fn::Sub` replaced by what it stands for."""
    match node:
        case {"Ref": name}:
            return values[name]
        case {"Fn::GetAtt": [name, attribute]}:
            return values[f"{name}.{attribute}"]
        case {"Fn::Sub": str(text)}:
            # ${!x} stands for ${x} itself, which IAM fills in.
            value = lambda found: "${" + found.group(2) + "}" if found.group(1) else values[found.group(2)]
            return re.sub(r"\$\{(!?)([^}]+)\}", value, text)
        case {"Fn::Join": [separator, parts]}:
            return separator.join(resolved(parts, values))
        case {"Fn::Select": [place, parts]}:
            return resolved(parts, values)[int(place)]
        case {"Fn::Split": [separator, text]}:
            return resolved(text, values).split(separator)
        case dict():
            unknown = [key for key in node if key.startswith("Fn::")]
            if unknown:
                raise ValueError(f"{unknown[0]} is not known here")
            return {key: resolved(value, values) for key, value in node.items()}
        case list():
            return [resolved(value, values) for value in node]
    return node


def is_like(pattern, text):
    """`*` stands for any characters, `/` and `:` among them; `?` for one."""
    pattern = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(pattern, text, re.S) is not None


def is_like_arn(pattern, arn):
    """Each of the six parts by itself."""
    patterns, parts = pattern.split(":", 5), arn.split(":", 5)
    return len(patterns) == len(parts) and all(map(is_like, patterns, parts))


def instant(text):
    return datetime.datetime.fromisoformat(text)


OPERATORS = {
    "StringEquals": lambda wanted, value: wanted == value,
    "StringLike": is_like,
    "ArnEquals": is_like_arn,  # the same as ArnLike
    "ArnLike": is_like_arn,
    "DateGreaterThanEquals": lambda wanted, value: instant(value) >= instant(wanted),
    "Bool": lambda wanted, value: wanted.lower() == value.lower(),
}


def condition_holds(condition, values):
    """Whether all of a statement's conditions hold: of each key, one of the values that are listed."""
    return all(
        one_holds(operator, key, listed(wanted), values)
        for operator, keys in condition.items()
        for key, wanted in keys.items())


def one_holds(operator, key, wanted, values):
    if operator == "Null":
        return (key not in values) in [text == "true" for text in wanted]
    if operator == "ArnNotLike":  # holds where there is no value, too
        return not one_holds("ArnLike", key, wanted, values)
    plain = operator.removesuffix("IfExists")
    if plain not in OPERATORS:
        raise ValueError(f"{operator} is not known here")
    if key not in values:
        return operator != plain
    return any(OPERATORS[plain](one, values[key]) for one in wanted)


def is_meant(principal, request):
    """Whether a statement of a resource's policy is about whoever asks."""
    match principal:
        case "*" | {"AWS": "*"}:
            return True
        case {"Service": str(name)}:
            return request.service == name
        case {"AWS": str(arn)} if arn.endswith(":root"):
            account = lambda arn: arn.split(":")[4]
            return request.service is None and account(request.conditions["aws:PrincipalArn"]) == account(arn)
    raise ValueError(f"{principal} is not known here")


def names(patterns, request):
    """Whether the resource is among these, their policy variables filled in. One without a value names nothing."""
    value = lambda found: request.conditions.get(found.group(1), "\0")
    return any(is_like(re.sub(r"\$\{([^}]+)\}", value, one), request.resource) for one in listed(patterns))


def applies(statement, request):
    unknown = set(statement) - {"Sid", "Effect", "Action", "Resource", "NotResource", "Condition", "Principal"}
    if unknown:
        raise ValueError(f"{unknown} is not known here")
    is_named = names(statement["Resource"], request) if "Resource" in statement else not names(statement["NotResource"], request)
    return (
        is_named
        and is_meant(statement.get("Principal", "*"), request)
        and any(is_like(action.lower(), request.action.lower()) for action in listed(statement["Action"]))
        and condition_holds(statement.get("Condition", {}), request.conditions))


def is_allowed(statements, request, denies=()):
    """By an identity's statements, under what the resources' own policies deny."""
    effects = [statement["Effect"] for statement in statements if applies(statement, request)]
    effects += [statement["Effect"] for statement in denies if statement["Effect"] == "Deny" and applies(statement, request)]
    return "Allow" in effects and "Deny" not in effects


def is_denied(statements, request):
    """By a policy that allows nothing, like a service control policy."""
    return any(applies(statement, request) for statement in statements if statement["Effect"] == "Deny")
