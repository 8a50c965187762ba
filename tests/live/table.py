"""What is asked, as a table: the sentence that the product was built and tested by, what rests on it, and the check.

The letter is the section of the project's collection of facts about AWS that marks the sentence as not verified, or as
one that moto contradicts. A sentence without a check says why nobody asks it here.
"""

from typing import Callable, NamedTuple

import ecs
import events
import privilege
import sns


class Fact(NamedTuple):
    name: str
    letter: str
    sentence: str
    rests: str  # for the reader who sees that it differs
    check: Callable


class Unasked(NamedTuple):
    letter: str
    sentence: str
    why: str


ASKED = [
    Fact("unknown-members", "B", "A member that ECS does not know is refused or ignored at registration, never kept.",
         "the setting OutputOnlyMembers: where ECS refuses, a member that it adds to its answers must be named there",
         ecs.unknown_members),
    Fact("newer-members", "B", "Members that are newer than many clients are kept.",
         "copies are made as text; one that lost a member is withdrawn", ecs.newer_members),
    Fact("false", "B", "`privileged` that was false or left out comes back as false or not at all.",
         "the proof that a copy is faithful", ecs.false_is_no_privilege),
    Fact("attribute", "B", "A privileged definition requires the attribute privileged-container.",
         "nothing: the proof leaves attributes out", ecs.privileged_attribute),
    Fact("empty-tags", "B", "An empty list of tags is refused at registration.",
         "nothing: a copy without tags has no list", ecs.no_empty_tags),
    Fact("reserved-tags", "B", "Tags that begin with aws: in key or value are refused.",
         "a copy leaves them out; where ECS takes them, a copy lacks what it could have had", ecs.no_reserved_tags),
    Fact("registered-by", "B", "A revision shows as registeredBy the ARN that STS gives for the caller.",
         "telling own copies from other people's, and the alert's word on who registered", ecs.registered_by),
    Fact("registered-by-role", "B", "For a role that is arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION.",
         "telling own copies from other people's: GUARD_ROLES holds names of roles", privilege.registered_by_role),
    Fact("numbers", "B", "Revision numbers are dense: no refused or deregistered registration leaves a gap.",
         "the proof that nothing came between an original and its copy", ecs.dense_numbers),
    Fact("latest", "B", "A family's bare name stands for its latest ACTIVE revision.",
         "what is said of `remediate`, and looking at events that name a family only", ecs.latest_active),
    Fact("missing", "B", "To describe what is not there is a ClientException with \"Unable to describe\".",
         "telling a missing revision from an error", ecs.missing_is_said),
    Fact("inactive", "B", "An INACTIVE revision that nothing runs cannot be described.",
         "nothing: backout works from its backup alone, and better where it can", ecs.inactive_is_not_described),
    Fact("twice", "B", "To deregister a revision twice does no harm.",
         "repeating a backout, or a withdrawal whose answer was lost", ecs.deregistered_twice),
    Fact("pages", "B", "Revisions are listed newest first, in pages of the length that is asked for.",
         "finding what came after an original, and the sweep", ecs.pages),
    Fact("status", "B", "Families are listed by status: ACTIVE leaves out those without an ACTIVE revision.",
         "the length of a sweep", ecs.families_by_status),
    Fact("denied", "E", "The template's Deny on ecs:privileged holds if any one of several containers is privileged.",
         "that the guard cannot make privilege, and every policy that prevents it", privilege.privileged_is_denied),
    Fact("allowed", "E", "It does not hold where `privileged` is false or left out.",
         "that the guard can register copies", privilege.no_privilege_is_allowed),
    Fact("simulated", "E", "IAM's simulator judges the template's Deny in the same way.",
         "nothing in the product; whoever tries a policy there first", privilege.simulated),
    Fact("sns-attributes", "G", "SNS delivers no attributes with a message that has a body for each protocol.",
         "nothing: the body holds them too", sns.attributes_are_not_delivered),
    Fact("sns-body", "G", "A filter by MessageBody sees the body of the subscriber's protocol.",
         "the README's recipes for who gets which alert", sns.body_filter_sees_the_protocols_body),
    Fact("sns-filter", "G", "A filter by attributes lets no such message through.",
         "the README's advice to filter by the body", sns.attribute_filter_sees_no_attributes),
    Fact("sns-subject", "G", "A subject has less than 100 characters and no line break.",
         "nothing: subjects of alerts have at most 99 characters of ASCII", sns.subject),
    Fact("event", "A", "A registration raises an event that the template's rule matches.",
         "the guard; without events only the sweep works", events.arrives),
    Fact("event-arn", "A", "It names the revision in responseElements, and the account and Region as everywhere.",
         "the guard looks at that revision; an event of another account is refused", events.names_the_revision),
    Fact("event-containers", "A", "Both its lists of containers are there, with names and `privileged`.",
         "that a compliant registration costs no call; otherwise it is described", events.shows_the_containers),
    Fact("event-environment", "A", "Values of environment variables are hidden in it.",
         "who may read the dead-letter queues", events.hides_the_environment),
    Fact("event-commands", "A", "Commands are not hidden in it.",
         "the README's warning about the dead-letter queues", events.shows_commands),
    Fact("event-role", "A", "For a role's session it names the role as the session's issuer.",
         "the alert's word on who registered", events.tells_the_role),
    Fact("event-failed", "A", "A refused registration raises one with errorCode and without responseElements.",
         "that refused registrations are let be", events.tells_a_failure),
    Fact("event-organization", "A", "An organization's trail is enough for it.",
         "whether a member account needs a trail of its own", events.comes_from_an_organizations_trail),
]

NEVER_ASKED = [
    Unasked("A", "How an event shows parameters of more than 100 KB.", "a task definition has 64 KB at most"),
    Unasked("B", "What exactly `privileged` gives a container, by version of the agent.", "it needs a container instance"),
    Unasked("B", "Which old definitions ECS does not take any more.", "nobody has a list to try"),
    Unasked("D", "What a rollback to an INACTIVE revision does, and how its failed tasks are replaced.",
            "it needs instances that run tasks, and a quarter of an hour"),
    Unasked("D", "Whether UpdateService asks iam:PassRole for a service's own roles.", "it needs a load balancer and its roles"),
    Unasked("D", "Whether registrations by ECS Express raise the same event.", "it would run a service that costs money"),
    Unasked("D", "Which revision a rule's target without a number runs.", "it would run a task"),
    Unasked("D", "When and under which name AWS Batch registers.", "it needs a compute environment"),
    Unasked("G", "Whether a function's role may publish to an encrypted topic with the two rights of EventBridge.",
            "a KMS key cannot be deleted for seven days"),
    Unasked("G", "What Amazon Q Developer does with members that it does not know.", "it needs a chat and somebody who reads it"),
    Unasked("G", "Whether EventBridge publishes to a topic with a rule's role: its page of resource policies says that topics take none.",
            "only tampering raises such a message, and CloudTrail may take a quarter of an hour"),
    Unasked("H", "Whether metric math reads a metric that never had a datapoint as one whose values are missing.",
            "the alarms nobody listens, no sweep, lost events and tamper dead letters rest on it; it needs days of metrics"),
    Unasked("H", "How Lambda retries a start that fails, and which lines its level filter drops.",
            "no function is deployed here"),
    Unasked("I", "What Terraform plans and CloudFormation calls drift after a copy or a move.",
            "it needs their state, and minutes"),
    Unasked("J", "How AWS Config sees daemon task definitions.", "it needs a recorder, which costs money"),
]
