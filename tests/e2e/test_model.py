"""Whether our list of members still covers ECS's model: fails when botocore knows a member that we do not.

Run with the newest botocore from PyPI, this is how a new member of ECS is noticed. Nothing breaks in the product before
that: an unknown member is copied like any other. It is then added to `src/domain/members.rs`.
"""

import re
from pathlib import Path

import botocore.session
import pytest

SOURCE = (Path(__file__).parents[2] / "src/domain/members.rs").read_text()


def section(name):
    """The source of one constant, from its name to the bracket that closes it."""
    return re.search(rf"^pub const {name}:.*?=(.*?)^\];", SOURCE, re.DOTALL | re.MULTILINE)[1]


def ours():
    """Our paths and the kind of each, like `containerDefinitions.name`: `plain`."""
    code = re.sub(r"^\s*//.*$", "", section("REGISTER_INPUT"), flags=re.MULTILINE)
    paths, stack, last = {}, [], None
    for kind, name, bracket in re.findall(r'(\w+)\(\s*"(\w+)"|([\[\]])', code):
        if name:
            last = name
            paths[".".join([*filter(None, stack), name])] = kind
        elif bracket == "[":
            stack.append(last)
        elif stack:
            stack.pop()
    return paths


def model(shape_name):
    """botocore's paths and the shape of each, lists of objects opened like objects."""
    service = botocore.session.get_session().get_service_model("ecs")
    paths = {}

    def walk(shape, path):
        for name, member in shape.members.items():
            paths[".".join([*path, name])] = member
            inner = member.member if member.type_name == "list" else member
            if inner.type_name == "structure":
                walk(inner, [*path, name])

    walk(service.shape_for(shape_name), [])
    return paths


def kinds(shape):
    """The kinds in our list that fit a shape of the model."""
    if shape.type_name == "structure":
        return {"object"}
    if shape.type_name == "map":
        return {"map"}
    if shape.type_name == "list" and shape.member.type_name == "structure":
        return {"objects", "sequence", "containers"}
    if shape.type_name == "list":
        return {"plain", "set"}
    return {"plain", "default"}


def test_the_list_in_the_source_is_read():
    assert ours()["containerDefinitions.linuxParameters.capabilities.add"] == "set"
    assert len(ours()) > 100


@pytest.mark.parametrize("shape", ["RegisterTaskDefinitionRequest", "TaskDefinition"])
def test_every_member_of_the_model_is_in_our_list(shape):
    output_only = set(re.findall(r'"(\w+)"', section("OUTPUT_ONLY")))
    missing = [path for path in model(shape) if path.split(".")[0] not in output_only and path not in ours()]
    assert not missing, f"new in ECS's model: {missing}; add them to src/domain/members.rs"


def test_every_member_of_our_list_is_in_the_model_and_of_its_kind():
    theirs = model("RegisterTaskDefinitionRequest")
    # ECS may retire a member; definitions that have it live on, so a member that left the model stays in our list.
    wrong = {path: kind for path, kind in ours().items() if path in theirs and kind not in kinds(theirs[path])}
    assert not wrong


def test_every_member_that_registration_does_not_take_is_in_our_output_only_list():
    output_only = {name for name in model("TaskDefinition") if "." not in name}
    output_only -= {name for name in model("RegisterTaskDefinitionRequest") if "." not in name}
    assert output_only <= set(re.findall(r'"(\w+)"', section("OUTPUT_ONLY")))
