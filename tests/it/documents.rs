//! Random task definitions, with every member that ECS documents and with what nobody documents, go through copy and
//! comparison. What must come out is computed here from the generated tree, with nothing of the code under test but
//! its list of members, from which the trees are grown.
#![expect(clippy::unwrap_used, clippy::panic, reason = "what helps a test may fail it")]

use std::collections::BTreeSet;

use ecs_privileged_guard::domain::document::{Described, OutputOnly, RegisterInput};
use ecs_privileged_guard::domain::fidelity::{Tags, differences};
use ecs_privileged_guard::domain::members::{Kind, Member, OUTPUT_ONLY, REGISTER_INPUT};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};
use proptest::test_runner::TestRng;

use super::figures::one_more;

/// Stands in every text and in every name that a customer chose, and so may be in no path and in no error.
const CANARY: &str = "CANARY";

// Trees -------------------------------------------------------------------------------------------------------------

/// A JSON value. Names, texts and numbers are as they are written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Tree {
    Atom(String),
    List(Vec<Tree>),
    Object(Vec<(String, Tree)>),
}
use Tree::{Atom, List, Object};

fn atom(written: &str) -> Tree {
    Atom(written.to_owned())
}

fn text(decoded: &str) -> String {
    format!("\"{decoded}\"")
}

/// The tree as text, with this white space wherever JSON allows some.
pub(crate) fn write(tree: &Tree, space: &str) -> String {
    let list = |parts: Vec<String>| parts.join(&format!("{space},{space}"));
    match tree {
        Atom(written) => written.clone(),
        List(elements) => {
            format!("[{space}{}{space}]", list(elements.iter().map(|it| write(it, space)).collect()))
        }
        Object(members) => {
            let member = |(name, value): &(String, Tree)| format!("{name}{space}:{space}{}", write(value, space));
            format!("{{{space}{}{space}}}", list(members.iter().map(member).collect()))
        }
    }
}

fn members(tree: &mut Tree) -> &mut Vec<(String, Tree)> {
    match tree {
        Object(members) => members,
        Atom(_) | List(_) => panic!("an object"),
    }
}

fn containers(tree: &mut Tree) -> &mut Vec<Tree> {
    match members(tree).iter_mut().find(|(name, _)| name == "\"containerDefinitions\"") {
        Some((_, List(containers))) => containers,
        _ => panic!("containers"),
    }
}

// How trees are grown -----------------------------------------------------------------------------------------------

fn texts() -> impl Strategy<Value = Tree> {
    let odd = select(vec![
        "",
        "plain",
        r"\u00e9é",
        "😀",
        r"\ud83d\ude00",
        r"\ud800",
        r#"\"privileged\":true,"#,
        r"\\",
        r"\/]}{[,:",
        r#"\n\t\b\f\r\\\""#,
        "$serde_json::private::Number",
        "$serde_json::private::RawValue",
    ]);
    odd.prop_map(|odd| Atom(text(&format!("{CANARY}{odd}"))))
}

fn numbers() -> impl Strategy<Value = Tree> {
    let odd = ["1.0", "1e2", "1E+2", "-0", "0", "0.50", "-12.5e-3", "1152921504606846976", "9007199254740993", "1e400"];
    prop_oneof![select(odd.to_vec()).prop_map(atom), any::<u32>().prop_map(|number| Atom(number.to_string()))]
}

fn scalars() -> impl Strategy<Value = Tree> {
    prop_oneof![4 => texts(), 2 => numbers(), 2 => select(vec!["true", "false"]).prop_map(atom), 1 => Just(atom("null"))]
}

/// An object with names that a customer chose, the magic names of `serde_json` among them.
fn maps() -> impl Strategy<Value = Tree> {
    let names = [
        "CANARY.label",
        "privileged",
        r"CANARY\u0041",
        "$serde_json::private::Number",
        "$serde_json::private::RawValue",
    ];
    subsequence(names.to_vec(), 0..=names.len()).prop_flat_map(|names| {
        let count = names.len();
        vec(scalars(), count).prop_map(move |values| Object(names.iter().map(|name| text(name)).zip(values).collect()))
    })
}

/// What a member that ECS will gain may hold.
fn unknown() -> impl Strategy<Value = Tree> {
    prop_oneof![
        scalars(),
        maps(),
        vec(maps(), 0..3).prop_map(List),
        vec(prop_oneof![scalars(), vec(numbers(), 0..3).prop_map(List)], 0..3).prop_map(List),
    ]
}

fn value(kind: Kind) -> BoxedStrategy<Tree> {
    match kind {
        Kind::Plain => prop_oneof![4 => scalars(), 1 => vec(scalars(), 0..4).prop_map(List)].boxed(),
        Kind::Set => vec(texts(), 0..4).prop_map(List).boxed(),
        Kind::Object(known) => object(known, 0.5),
        Kind::Objects(known) | Kind::Sequence(known) => vec(object(known, 0.7), 0..3).prop_map(List).boxed(),
        Kind::Containers(known) => {
            let names = select(vec!["web", "log_router", "CANARY; odd"]);
            (vec(container(known), 1..3), names)
                .prop_map(|(mut containers, first)| {
                    for (index, container) in containers.iter_mut().enumerate() {
                        let name = if index == 0 { first.to_owned() } else { format!("c-{index}") };
                        members(container).push((text("name"), Atom(text(&name))));
                    }
                    List(containers)
                })
                .boxed()
        }
        Kind::Map => maps().boxed(),
    }
}

/// An object with some of the known members, at times one or two more, in random order.
fn object(known: &'static [Member], share: f64) -> BoxedStrategy<Tree> {
    let member = |member: &'static Member| {
        proptest::option::weighted(share, value(member.kind).prop_map(|value| (text(member.name), value)))
    };
    let names = ["future", r"fut\u0075re2", "futureMember", "futureMember", "CANARY odd"];
    let more = prop_oneof![
        4 => Just(Vec::new()),
        1 => vec((select(names.map(text).to_vec()), unknown()), 1..3),
    ];
    let known: Vec<_> = known.iter().filter(|it| !RESERVED.contains(&it.name)).map(member).collect();
    (known, more)
        .prop_map(|(known, more)| known.into_iter().flatten().chain(more).collect::<Vec<_>>())
        .prop_shuffle()
        .prop_map(Object)
        .boxed()
}

/// These decide what is done, and are generated apart.
const RESERVED: [&str; 4] = ["family", "containerDefinitions", "privileged", "tags"];

fn container(known: &'static [Member]) -> BoxedStrategy<Tree> {
    let privileged = ["true", "true", "false", "null"].map(|value| (text("privileged"), atom(value)));
    let name = select([text("privileged"), r#""privil\u0065ged""#.to_owned()].to_vec());
    let privileged = (vec(select(privileged.to_vec()), 0..3), name)
        .prop_map(|(values, name)| values.into_iter().map(move |(_, value)| (name.clone(), value)).collect::<Vec<_>>());
    // Without `name`: it is added by the list of containers.
    let rest = object(known, 0.25).prop_map(|mut tree| {
        members(&mut tree).retain(|(name, _)| name != "\"name\"");
        tree
    });
    (rest, privileged)
        .prop_map(|(mut tree, privileged)| {
            members(&mut tree).extend(privileged);
            std::mem::take(members(&mut tree))
        })
        .prop_shuffle()
        .prop_map(Object)
        .boxed()
}

/// What `RegisterTaskDefinition` takes, without tags.
pub(crate) fn inputs() -> BoxedStrategy<Tree> {
    let containers = REGISTER_INPUT.iter().find(|member| member.name == "containerDefinitions").unwrap();
    (object(REGISTER_INPUT, 0.35), value(containers.kind))
        .prop_map(|(mut tree, containers)| {
            members(&mut tree).push((text("containerDefinitions"), containers));
            members(&mut tree).push((text("family"), Atom(text("web"))));
            std::mem::take(members(&mut tree))
        })
        .prop_shuffle()
        .prop_map(Object)
        .boxed()
}

pub(crate) fn spaces() -> impl Strategy<Value = &'static str> {
    select(vec!["", " ", "\n\t"])
}

/// Tags, and whether AWS reserves each.
pub(crate) fn tags() -> impl Strategy<Value = Vec<(Tree, bool)>> {
    let tag = |key: &str, value: &str| Object(vec![(text("key"), Atom(text(key))), (text("value"), Atom(text(value)))]);
    let all = vec![
        (tag("CANARY", "x"), false),
        (tag("aws", ":"), false),
        (tag("xaws:", r"\ud800"), false),
        (tag("aws:cloudformation:stack-id", "x"), true),
        (tag(r"A\u0057s:x", "x"), true),
        (tag("x", "AWS:x"), true),
    ];
    subsequence(all, 0..=6).prop_shuffle()
}

fn parse(tree: &Tree, space: &str) -> RegisterInput {
    RegisterInput::parse(&write(tree, space)).unwrap()
}

fn paths(a: &RegisterInput, b: &RegisterInput) -> Vec<String> {
    differences(a, b, Tags::Compared).iter().map(ToString::to_string).collect()
}

// The copy ----------------------------------------------------------------------------------------------------------

/// What the answer of `DescribeTaskDefinition` is for an input: output-only members are put between the others.
fn answer(input: &Tree, tags: &[(Tree, bool)], at: &[Index], space: &str) -> String {
    let mut task = input.clone();
    for (index, name) in at.iter().zip(OUTPUT_ONLY) {
        let value = match *name {
            "taskDefinitionArn" => text("arn:aws:ecs:eu-west-1:111122223333:task-definition/web:12"),
            "status" => text("ACTIVE"),
            _ => r#"[{"privileged":true,"name":"CANARY"}]"#.to_owned(),
        };
        let count = members(&mut task).len();
        members(&mut task).insert(index.index(count + 1), (text(name), Atom(value)));
    }
    let tags = tags.iter().map(|(tag, _)| tag.clone()).collect();
    write(&Object(vec![(text("tags"), List(tags)), (text("taskDefinition"), task)]), space)
}

/// The expected input, with the white space that the members had, and none between them.
fn expected_input(input: &Tree, tags: &[(Tree, bool)], space: &str) -> String {
    let Object(members) = input else { panic!("an object") };
    let mut parts: Vec<String> =
        members.iter().map(|(name, value)| format!("{name}:{}", write(value, space))).collect();
    let tags: Vec<String> = tags.iter().filter(|(_, aws)| !aws).map(|(tag, _)| write(tag, space)).collect();
    if !tags.is_empty() {
        parts.push(format!("\"tags\":[{}]", tags.join(",")));
    }
    format!("{{{}}}", parts.join(","))
}

fn without_privilege(input: &Tree) -> Tree {
    let mut tree = input.clone();
    for container in containers(&mut tree) {
        for (name, value) in members(container) {
            if name.starts_with("\"privil") && *value == atom("true") {
                *value = atom("false");
            }
        }
    }
    tree
}

fn is_privileged(container: &Tree) -> bool {
    let Object(members) = container else { panic!("an object") };
    members.iter().any(|(name, value)| name.starts_with("\"privil") && *value == atom("true"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_copy_is_the_original_but_for_what_was_promised(
        input in inputs(), tags in tags(), at in vec(any::<Index>(), OUTPUT_ONLY.len()), space in spaces(),
    ) {
        let described = Described::parse(&answer(&input, &tags, &at, space)).unwrap();
        let original = described.register_input(&OutputOnly::default());
        prop_assert_eq!(original.as_str(), expected_input(&input, &tags, space));

        let copy = original.without_privilege();
        prop_assert_eq!(copy.as_str(), expected_input(&without_privilege(&input), &tags, space));

        let privileged = containers(&mut input.clone()).iter().filter(|it| is_privileged(it)).count();
        prop_assert_eq!(original.privileged_containers().len(), privileged);
        prop_assert_eq!(described.privileged_containers().len(), privileged);
        for clean in [&copy, &RegisterInput::parse(copy.as_str()).unwrap()] {
            prop_assert!(clean.privileged_containers().is_empty());
        }
        // Nothing but `privileged` differs in meaning, and that only where it was true.
        let differing = paths(&original, &copy);
        prop_assert_eq!(differing.is_empty(), privileged == 0);
        prop_assert!(differing.iter().all(|path| path.ends_with("].privileged")), "{:?}", differing);
        let shown = format!("{described:?}{original:?}").replace("CANARY; odd", "");
        prop_assert!(!shown.contains(CANARY), "{}", shown);
        one_more("definitions round-tripped");
    }
}

// The comparison ----------------------------------------------------------------------------------------------------

/// Known objects whose members have names that ECS chose, beside the document and the containers.
const OBJECTS: [&str; 11] = [
    "repositoryCredentials",
    "restartPolicy",
    "linuxParameters",
    "capabilities",
    "logConfiguration",
    "healthCheck",
    "firelensConfiguration",
    "proxyConfiguration",
    "ephemeralStorage",
    "runtimePlatform",
    "trustedExecutionConfiguration",
];
/// Objects in which a missing member and an empty one are two things.
const MAPS: [&str; 4] = ["dockerLabels", "options", "driverOpts", "labels"];
/// Lists of texts in no order.
const SETS: [&str; 3] = ["add", "drop", "requiresCompatibilities"];
/// What absence means: the object (or list of objects), its member, the value.
const DEFAULTS: [(&str, &str, &str); 25] = [
    ("", "networkMode", "\"bridge\""),
    ("", "enableFaultInjection", "false"),
    ("containerDefinitions", "cpu", "0"),
    ("containerDefinitions", "essential", "true"),
    ("containerDefinitions", "privileged", "false"),
    ("containerDefinitions", "readonlyRootFilesystem", "false"),
    ("containerDefinitions", "interactive", "false"),
    ("containerDefinitions", "pseudoTerminal", "false"),
    ("containerDefinitions", "disableNetworking", "false"),
    ("containerDefinitions", "versionConsistency", "\"enabled\""),
    ("restartPolicy", "restartAttemptPeriod", "300"),
    ("portMappings", "hostPort", "0.0"),
    ("portMappings", "protocol", "\"t\\u0063p\""),
    ("mountPoints", "readOnly", "false"),
    ("volumesFrom", "readOnly", "false"),
    ("linuxParameters", "initProcessEnabled", "false"),
    ("linuxParameters", "swappiness", "6e1"),
    ("healthCheck", "interval", "30"),
    ("healthCheck", "timeout", "5"),
    ("healthCheck", "retries", "3"),
    ("efsVolumeConfiguration", "rootDirectory", "\"/\""),
    ("efsVolumeConfiguration", "transitEncryption", "\"DISABLED\""),
    ("s3filesVolumeConfiguration", "rootDirectory", "\"/\""),
    ("containerDefinitions", "entryPoint", "[]"),
    ("containerDefinitions", "linuxParameters", "{\"capabilities\":{\"add\":[]},\"devices\":null}"),
];

/// The same meaning in other words. `inside` is the name of the nearest member that holds the tree.
fn reword(tree: &Tree, inside: &str, rng: &mut TestRng) -> Tree {
    match tree {
        Atom(written) => Atom(reword_atom(written)),
        List(elements) => {
            let mut elements: Vec<Tree> = elements.iter().map(|it| reword(it, inside, rng)).collect();
            let objects = elements.iter().all(|it| matches!(it, Object(_)));
            if SETS.contains(&inside) || (objects && inside != "environmentFiles") {
                shuffle(&mut elements, rng);
            }
            List(elements)
        }
        Object(original) => {
            let map = MAPS.contains(&inside);
            let mut members: Vec<(String, Tree)> = original
                .iter()
                .map(|(name, value)| (name.clone(), reword(value, name.trim_matches('"'), rng)))
                .collect();
            let given = |name: &str| original.iter().filter(|(given, _)| given == name).count();
            if !map {
                members.retain(|(name, value)| {
                    given(name) > 1 || ![atom("null"), atom("\"\""), List(vec![]), Object(vec![])].contains(value)
                });
                for (object, name, value) in DEFAULTS.iter().filter(|(object, ..)| *object == inside) {
                    let escaped = *object == "containerDefinitions" && *name == "privileged";
                    let absent = given(&text(name)) == 0 && !(escaped && given(r#""privil\u0065ged""#) > 0);
                    if absent && rng.random_bool(0.5) {
                        members.push((text(name), atom(value)));
                    }
                }
            }
            // Of a member that is given twice, the order counts.
            let names: BTreeSet<_> = members.iter().map(|(name, _)| name).collect();
            if names.len() == members.len() {
                shuffle(&mut members, rng);
            }
            Object(members)
        }
    }
}

fn reword_atom(written: &str) -> String {
    match written {
        "1.0" => "10e-1".to_owned(),
        "1e2" | "1E+2" => "100.00".to_owned(),
        "-0" | "0" => "0e7".to_owned(),
        "0.50" => "5e-1".to_owned(),
        "1152921504606846976" => "1152921504606846976.0".to_owned(),
        text if text.starts_with("\"CANARY") => text.replacen('C', "\\u0043", 1).replace('é', "\\u00E9"),
        other => other.to_owned(),
    }
}

fn shuffle<T>(list: &mut [T], rng: &mut TestRng) {
    for last in (1..list.len()).rev() {
        list.swap(last, rng.random_range(0..=last));
    }
}

/// The ways to each leaf: indices of members and elements.
fn leaves(tree: &Tree, way: &mut Vec<usize>, found: &mut Vec<Vec<usize>>) {
    let children: Vec<&Tree> = match tree {
        Atom(_) => return found.push(way.clone()),
        List(elements) => elements.iter().collect(),
        Object(members) => members.iter().map(|(_, value)| value).collect(),
    };
    for (index, child) in children.into_iter().enumerate() {
        way.push(index);
        leaves(child, way, found);
        way.pop();
    }
}

/// Changes the leaf at the end of `way`, and tells the path that must be shown for it.
fn change(tree: &mut Tree, way: &[usize]) -> BTreeSet<String> {
    let mut path = String::new();
    let (mut here, mut inside, mut shown) = (tree, String::new(), true);
    for &step in way {
        match here {
            Atom(_) => panic!("a way ends at an atom"),
            List(elements) => {
                here = &mut elements[step];
                match inside == "containerDefinitions" && path == "containerDefinitions" {
                    true => path = format!("containerDefinitions[{}]", container_name(here)),
                    false => shown = false,
                }
            }
            Object(members) => {
                let (name, value) = &mut members[step];
                let name = name.trim_matches('"').replace(r"\u0075", "u").replace(r"\u0065", "e");
                if shown {
                    let name = if name.contains(' ') { "?" } else { &name };
                    path = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
                    shown = OBJECTS.contains(&name) || path == "containerDefinitions";
                }
                (here, inside) = (value, name);
            }
        }
    }
    let renamed = path.starts_with("containerDefinitions[") && path.ends_with("].name");
    let Atom(written) = here else { panic!("a way ends at an atom") };
    *written = match written.as_str() {
        "true" => "false".to_owned(),
        "false" => "true".to_owned(),
        "null" if path.ends_with("].privileged") => "true".to_owned(),
        "null" => text("CANARY instead of null"),
        "\"web\"" if path == "family" => text("other"),
        name if renamed => text(&format!("{}2", name.trim_matches('"'))),
        text if text.starts_with('"') => text.replacen('"', "\"other ", 1),
        _ => "7777.5".to_owned(),
    };
    if !renamed {
        return BTreeSet::from([path]);
    }
    let before = path.trim_end_matches(".name").to_owned();
    let after = if before.ends_with("[?]") { before.clone() } else { before.replace(']', "2]") };
    BTreeSet::from([before, after])
}

fn container_name(container: &mut Tree) -> String {
    let name = members(container).iter().find(|(name, _)| name == "\"name\"").map(|(_, name)| write(name, "")).unwrap();
    if name.contains(' ') { "?".to_owned() } else { name.trim_matches('"').to_owned() }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn other_words_for_the_same_make_no_difference(
        (a, b) in inputs().prop_perturb(|tree, mut rng| { let other = reword(&tree, "", &mut rng); (tree, other) }),
        space in spaces(),
    ) {
        prop_assert_eq!(paths(&parse(&a, space), &parse(&b, "")), Vec::<String>::new());
    }

    #[test]
    fn one_changed_leaf_is_one_difference_at_its_path(
        a in inputs(), leaf in any::<Index>(), space in spaces(),
    ) {
        let mut ways = Vec::new();
        leaves(&a, &mut Vec::new(), &mut ways);
        let mut b = a.clone();
        let expected: Vec<String> = change(&mut b, &ways[leaf.index(ways.len())]).into_iter().collect();
        let found = paths(&parse(&a, space), &parse(&b, ""));
        prop_assert!(!found.concat().contains(CANARY), "{:?}", found);
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn an_error_never_shows_what_stands_in_the_document(
        input in inputs(), end in any::<Index>(), odd in scalars(), leaf in any::<Index>(),
    ) {
        one_more("bad inputs tried/documents");
        let whole = write(&input, " ");
        let ends: Vec<usize> = whole.char_indices().map(|(at, _)| at).collect();
        let mut ways = Vec::new();
        leaves(&input, &mut Vec::new(), &mut ways);
        let mut broken = vec![whole[..*end.get(&ends)].to_owned(), whole.replacen('{', "{CANARY", 1)];
        for name in ["name", "privileged", "family", "containerDefinitions"] {
            broken.push(whole.replace(&text(name), &format!("\"{name}\" : \"CANARY CANARY\", \"{name}\"")));
            broken.push(whole.replace(&text(name), &format!("\"{name}\" : {}, \"x\"", write(&odd, ""))));
        }
        let mut twice = input.clone();
        change(&mut twice, &ways[leaf.index(ways.len())]);
        broken.push(write(&twice, ""));
        for text in broken {
            if let Err(error) = RegisterInput::parse(&text) {
                let shown = format!("{error} {error:?}");
                prop_assert!(!shown.contains(CANARY), "{}", shown);
            }
            if let Err(error) = Described::parse(&text) {
                let shown = format!("{error} {error:?}");
                prop_assert!(!shown.contains(CANARY), "{}", shown);
            }
        }
    }
}

/// ECS allows 64 KB (AWS General Reference, `ecs-service`).
#[test]
fn a_definition_of_64_kb_is_copied_and_compared() {
    let variable = |index: usize| format!(r#"{{"name":"V{index}","value":"\ud83d\ude00{index}"}}"#);
    let text = |order: &mut dyn Iterator<Item = usize>| {
        let environment: Vec<String> = order.map(variable).collect();
        format!(
            r#"{{"family":"web","containerDefinitions":[{{"name":"web","privileged":true,"environment":[{}]}}]}}"#,
            environment.join(",")
        )
    };
    let a = text(&mut (0..1_700));
    assert!(a.len() > 64 * 1024);
    let (a, b) = (RegisterInput::parse(&a).unwrap(), RegisterInput::parse(&text(&mut (0..1_700).rev())).unwrap());
    assert!(differences(&a, &b, Tags::Compared).is_empty());
    assert_eq!(paths(&a, &b.without_privilege()), ["containerDefinitions[web].privileged"]);
    let c = RegisterInput::parse(&text(&mut (1..1_700))).unwrap();
    assert_eq!(paths(&a, &c), ["containerDefinitions[web].environment"]);
}
