"""What ECS does with task definitions. Each check answers whether the sentence of the table holds, and what was seen."""

from run import refusal_of

MADE_UP = "guardLiveCheckMadeUp"
# A registration that ECS refuses.
NAMELESS = {"containerDefinitions": [{"image": "guard-live-check:never-run", "memory": 128}]}
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fault-injection.html: with networks awsvpc and host only.
NEWER = {"enableFaultInjection": True, "networkMode": "host"}
NEWER_OF_A_CONTAINER = {
    "restartPolicy": {"enabled": True, "restartAttemptPeriod": 60}, "versionConsistency": "disabled"}


def unknown_members(run):
    """A member of a definition, one of a container, and one that only answers have."""
    def fate(name, container, members):
        refusal = refusal_of(lambda: answers.append(run.register("unknown-members", container, **members)))
        if refusal:
            return f"{name} was refused ({refusal})"
        shown = answers[-1] | answers[-1]["containerDefinitions"][0]
        return f"{name} was {'KEPT' if shown.get(name) == 'x' else 'ignored'}"

    answers = []
    fates = {"in the definition": fate(MADE_UP, {}, {MADE_UP: "x"}), "in a container": fate(MADE_UP, {MADE_UP: "x"}, {}),
             "output-only": fate("registeredBy", {}, {"registeredBy": "x"})}
    told = "; ".join(f"{where}: {one}" for where, one in fates.items())
    return "KEPT" not in told, told


def newer_members(run):
    shown = run.register("newer-members", NEWER_OF_A_CONTAINER, **NEWER)
    kept = {**shown, **shown["containerDefinitions"][0]}
    lost = [name for name, value in (NEWER | NEWER_OF_A_CONTAINER).items() if not holds_all(value, kept.get(name))]
    return not lost, f"lost: {', '.join(lost)}" if lost else "all came back"


def holds_all(sent, shown):
    """ECS may add defaults to what it was sent."""
    if isinstance(sent, dict) and isinstance(shown, dict):
        return all(holds_all(value, shown.get(name)) for name, value in sent.items())
    return sent == shown


def false_is_no_privilege(run):
    shown = run.register("false", {"privileged": False}, {})["containerDefinitions"]
    fates = {one["name"]: one.get("privileged", "absent") for one in shown}
    seen = f"false came back as {fates['c1']}, absent as {fates['c2']}"
    return all(fate in ("absent", False, None) for fate in fates.values()), seen


def privileged_attribute(run):
    shown = run.register("attribute", {"privileged": True})
    names = [one["name"].rsplit(".", 1)[-1] for one in shown.get("requiresAttributes", [])]
    return "privileged-container" in names, f"requiresAttributes: {', '.join(names) or 'none'}"


def no_empty_tags(run):
    refusal = refusal_of(lambda: run.register("empty-tags", tags=[]))
    return refusal, refusal or "an empty list of tags was taken"


def no_reserved_tags(run):
    tags = {"key": {"key": "aws:x", "value": "x"}, "value": {"key": "x", "value": "aws:x"}}
    refusals = {name: refusal_of(lambda: run.register("reserved-tags", tags=[tag])) for name, tag in tags.items()}
    return all(refusals.values()), "; ".join(f"{name}: {refusal or 'taken'}" for name, refusal in refusals.items())


def registered_by(run):
    shown = run.register("registered-by").get("registeredBy")
    return shown == run.caller, f"STS says {run.caller}, registeredBy is {shown}"


def dense_numbers(run):
    """Also where a registration was refused, and where the newest revision is gone."""
    given = []
    for members in ({}, NAMELESS, {}):
        refusal_of(lambda: given.append(run.register("numbers", **members)))
    run.deregister(given[-1]["taskDefinitionArn"])
    given.append(run.register("numbers"))
    numbers = [one["revision"] for one in given]
    return numbers == list(range(1, len(numbers) + 1)), f"revisions {numbers}"


def latest_active(run):
    run.register("latest")
    run.deregister(run.register("latest")["taskDefinitionArn"])
    shown = {}
    run.until(lambda: shown.update(run.describe(run.part("latest"))) or shown["revision"] == 1)
    return shown["revision"] == 1, f"revision {shown['revision']}, {shown['status']}"


def missing_is_said(run):
    refusal = refusal_of(lambda: run.describe(f"{run.part('missing')}:1"))
    return "ClientException: " in (refusal or "") and "Unable to describe" in refusal, refusal or "it was described"


def deregistered_twice(run):
    arn = run.register("twice")["taskDefinitionArn"]
    run.deregister(arn)
    answers = []
    refusal = refusal_of(lambda: answers.append(run.deregister(arn)))
    return not refusal and answers[0]["status"] == "INACTIVE", refusal or f"answered, status {answers[0]['status']}"


def inactive_is_not_described(run):
    arn = run.register("inactive")["taskDefinitionArn"]
    run.deregister(arn)
    refusal = refusal_of(lambda: run.describe(arn))
    return refusal and "Unable to describe" in refusal, refusal or "it was described"


def pages(run):
    newest_first = [run.register("pages")["taskDefinitionArn"] for _ in range(3)][::-1]
    seen = []

    def look():
        asked = {"familyPrefix": run.part("pages"), "sort": "DESC", "maxResults": 2}
        first = run.ecs("ListTaskDefinitions", **asked)
        token = first.get("nextToken")
        second = run.ecs("ListTaskDefinitions", **asked, nextToken=token) if token else {"taskDefinitionArns": []}
        seen[:] = [[arn.rsplit(":", 1)[1] for arn in page["taskDefinitionArns"]] for page in (first, second)]
        return first["taskDefinitionArns"] + second["taskDefinitionArns"] == newest_first and len(seen[0]) <= 2

    return run.until(look), f"pages {seen[0]} and {seen[1]}"


def families_by_status(run):
    run.register("status-on")
    run.deregister(run.register("status-off")["taskDefinitionArn"])
    seen = []

    def look():
        seen[:] = run.ecs("ListTaskDefinitionFamilies", familyPrefix=run.part("status-"), status="ACTIVE")["families"]
        return seen == [run.part("status-on")]

    return run.until(look), f"ACTIVE families: {', '.join(one.removeprefix(run.name + '-') for one in seen)}"
