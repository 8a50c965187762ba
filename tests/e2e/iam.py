"""IAM's judgement, as far as the template uses its language. What is not known here is an error, never a guess.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

import re
from typing import NamedTuple


class Request(NamedTuple):
    """What IAM is asked: an action, a resource, and the values of condition keys."""

    action: str
    resource: str
    conditions: dict = {}


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
            return re.sub(r"\$\{([^}]+)\}", lambda found: values[found.group(1)], text)
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


OPERATORS = {
    "StringEquals": lambda wanted, value: wanted == value,
    "StringLike": is_like,
    "ArnEquals": is_like_arn,  # the same as ArnLike
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
    plain = operator.removesuffix("IfExists")
    if plain not in OPERATORS:
        raise ValueError(f"{operator} is not known here")
    if key not in values:
        return operator != plain
    return any(OPERATORS[plain](one, values[key]) for one in wanted)


def applies(statement, request):
    unknown = set(statement) - {"Sid", "Effect", "Action", "Resource", "Condition", "Principal"}
    if unknown or statement.get("Principal", "*") != "*":
        raise ValueError(f"{unknown or statement['Principal']} is not known here")
    return (
        any(is_like(action.lower(), request.action.lower()) for action in listed(statement["Action"]))
        and any(is_like(resource, request.resource) for resource in listed(statement["Resource"]))
        and condition_holds(statement.get("Condition", {}), request.conditions))


def is_allowed(statements, request, denies=()):
    """By an identity's statements, under what the resources' own policies deny."""
    effects = [statement["Effect"] for statement in statements if applies(statement, request)]
    effects += [statement["Effect"] for statement in denies if statement["Effect"] == "Deny" and applies(statement, request)]
    return "Allow" in effects and "Deny" not in effects
