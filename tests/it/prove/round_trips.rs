//! The whole way of a privileged definition through the real clients: registered, copied, backed up, backed out; and at
//! each step equal to what it was but for the one edit that was promised. The definitions are those of `documents`: every
//! member that ECS documents, and what nobody documents.

use ecs_privileged_guard::domain::backout::answer::Outcome as BackedOut;
use ecs_privileged_guard::domain::outcome::Outcome;
use ecs_privileged_guard::domain::policy::Mode;
use proptest::prelude::*;
use serde_json::Value;
use serde_json::value::RawValue;

use super::super::account::state::document::{Document, array, raw};
use super::super::account::state::ecs::{OUTPUT_MEMBERS, Revision};
use super::super::account::{PIPELINE, State};
use super::super::documents::{Tree, inputs, spaces, tags, write};
use super::super::figures::reached;
use super::super::story::{BUCKET, PRIVILEGED};
use super::super::world::{BACKUP, World};
use super::{Figures, all_hold, block_on, seed, unit};

const REQUEST: &str = r#"{"taskDefinition":"web:1","reason":"it breaks","approvedBy":"jane"}"#;

/// The text of a registration. Of a name that is given twice ECS could take either, so each is given once, and tags
/// that AWS reserves cannot be registered.
fn registration(mut input: Tree, tags: &[(Tree, bool)], space: &str) -> String {
    let tags: Vec<Tree> = tags.iter().filter(|(_, is_reserved)| !is_reserved).map(|(tag, _)| tag.clone()).collect();
    if let Tree::Object(members) = &mut input
        && !tags.is_empty()
    {
        members.push((r#""tags""#.to_owned(), Tree::List(tags)));
    }
    write(&once(input), space)
}

fn once(tree: Tree) -> Tree {
    match tree {
        Tree::Atom(_) => tree,
        Tree::List(elements) => Tree::List(elements.into_iter().map(once).collect()),
        Tree::Object(members) => {
            let mut names = std::collections::BTreeSet::new();
            let mut is_first = |name: &str| {
                names.insert(
                    serde_json::from_str::<Value>(name).map_or_else(|_| name.to_owned(), |name| name.to_string()),
                )
            };
            let members = members.into_iter().filter(|(name, _)| is_first(name));
            Tree::Object(members.map(|(name, value)| (name, once(value))).collect())
        }
    }
}

/// The promised edit: `privileged` of a container, where it is true.
fn unprivileged(definition: &str) -> Option<String> {
    let mut edited = Document::parse(definition.as_bytes())?;
    let of_container = |container: Box<RawValue>| {
        let mut container = Document::parse(container.get().as_bytes())?;
        if container.get("privileged").is_some_and(|value| value.get() == "true") {
            container.set("privileged", raw("false"));
        }
        Some(container.to_raw())
    };
    let containers: Option<Vec<_>> = edited.list("containerDefinitions")?.into_iter().map(of_container).collect();
    edited.set("containerDefinitions", array(&containers?));
    Some(edited.to_json())
}

/// The same without the white space between its parts.
fn bare(json: &str) -> String {
    let (mut is_inside, mut is_escaped) = (false, false);
    let mut is_kept = |letter: &char| {
        let is_quote = *letter == '"' && !is_escaped;
        is_escaped = *letter == '\\' && !is_escaped;
        is_inside ^= is_quote;
        is_inside || !letter.is_ascii_whitespace()
    };
    json.chars().filter(|letter| is_kept(letter)).collect()
}

fn is_privileged(state: &State, id: &str) -> bool {
    state.ecs.revision(id).is_some_and(Revision::is_privileged)
}

/// What would register that revision again, as ECS shows it: each member as it is written.
fn definition(state: &State, id: &str) -> Result<String, String> {
    let shown = state.described(id).and_then(|shown| Document::parse(shown.as_bytes()));
    let parts =
        shown.and_then(|shown| Some((shown.read::<Document>("taskDefinition")?, shown.get("tags")?.to_owned())));
    let (mut definition, tags) = parts.ok_or_else(|| format!("there is no {id}"))?;
    for member in OUTPUT_MEMBERS {
        definition.remove(member);
    }
    if tags.get() != "[]" {
        definition.set("tags", tags);
    }
    Ok(definition.to_json())
}

/// Whether it was privileged, and what does not hold on its way.
async fn travel(text: &str, event: &str) -> Result<bool, String> {
    // So that each step can be compared to the letter; that sets come back in another order, all other tests live with.
    let in_order = |state: &mut State| state.ecs.knobs.reorders_sets = false;
    let mut world = World::with(Mode::Remediate, text, in_order).await;
    // What CloudTrail would make of it is not the matter here: an event only names the revision.
    event.clone_into(&mut world.event);
    let (original, is_original_privileged) = {
        let state = world.state();
        (definition(&state, "web:1")?, is_privileged(&state, "web:1"))
    };
    let answer = world.deliver().await?;
    match (is_original_privileged, answer.outcome) {
        (false, Outcome::Compliant) => return Ok(false),
        (true, Outcome::Remediated) => {}
        (_, outcome) => return Err(format!("it comes to {outcome:?} {:?}", answer.reason)),
    }
    {
        let state = world.state();
        let copy = definition(&state, "web:2")?;
        if is_privileged(&state, "web:2") || unprivileged(&original).map(|it| bare(&it)) != Some(bare(&copy)) {
            return Err(format!("the copy is\n{copy}\nof\n{original}"));
        }
        let backup = state.s3.object(BUCKET, BACKUP).map(|backup| String::from_utf8_lossy(backup).into_owned());
        if backup.as_deref() != Some(&original) {
            return Err(format!("the backup is\n{backup:?}\nof\n{original}"));
        }
    }
    let answer = world.back_out(REQUEST).await?;
    if answer.outcome != BackedOut::BackedOut {
        return Err(format!("backout comes to {:?} {:?}", answer.outcome, answer.reason));
    }
    // The original is ACTIVE: it comes back by being deployed again, or as a new revision of the backup.
    let state = world.state();
    let latest = state.ecs.latest("web").unwrap_or_default();
    match is_privileged(&state, &latest) && definition(&state, &latest)? == original {
        true => Ok(true),
        false => Err(format!("what is back, {latest}, is\n{}\nand not\n{original}", definition(&state, &latest)?)),
    }
}

fn search(seed: u64, definitions: u32) -> Result<Figures, String> {
    let event = block_on(World::with(Mode::Remediate, PRIVILEGED, |_| {})).event;
    let account = State::default();
    let texts = (inputs(), tags(), spaces()).prop_map(|(input, tags, space)| registration(input, &tags, space));
    super::search(seed, definitions, &texts, |text| {
        prop_assume!(account.would_register(PIPELINE, &text));
        let travelled = block_on(travel(&text, &event)).map_err(TestCaseError::fail)?;
        // What is not privileged was left alone, and has no way to go.
        prop_assume!(travelled);
        Ok(())
    })?;
    Ok(vec![("definitions", definitions as usize)])
}

/// `make test` sends so many on their way, in two tests for the two cores that there are.
const IN_MAKE_TEST: u32 = 2_500;

#[test]
fn definitions_come_back_as_they_were() {
    let figures = search(1, IN_MAKE_TEST).unwrap_or_else(|what| panic!("{what}"));
    reached("definitions sent there and back/1", figures[0].1);
}

#[test]
fn other_definitions_come_back_as_they_were() {
    let figures = search(2, IN_MAKE_TEST).unwrap_or_else(|what| panic!("{what}"));
    reached("definitions sent there and back/2", figures[0].1);
}

/// Units of a thousand, so that an interrupted run loses little.
const UNITS: u64 = 100;

#[test]
#[ignore = "make prove"]
fn a_hundred_thousand_definitions_come_back_as_they_were() {
    let of = |number| (seed().wrapping_mul(3_000_000) + number, format!("{} {number}", seed()));
    all_hold((0..UNITS).map(of).map(|(seed, name)| unit("fidelity", &name, || search(seed, 1_000))));
}
