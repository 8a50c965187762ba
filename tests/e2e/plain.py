"""The packaged template as plain CloudFormation: StackSets with service-managed permissions take no transforms.

https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStackSet.html (Capabilities). AWS expands
AWS::Serverless by the same translator.
"""

import json
import os
import pathlib
import sys

os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")  # the translator asks for one and calls nothing

from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html, for one that S3 holds
LENGTH_MAX = 1_000_000


def plain(packaged):
    """Parameters stay parameters: each stack has its own."""
    template = Translator({}, Parser()).translate(yaml_parse(packaged), {})
    text = json.dumps(template, indent=1)
    assert "Transform" not in template and len(text) < LENGTH_MAX
    return text


if __name__ == "__main__":
    print(plain(pathlib.Path(sys.argv[1]).read_text()))
