//! Events that nothing in the account stands behind: calls that failed, other accounts and Regions, what is no event;
//! and what people ask backout for.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::chance::Chance;
use super::stack::{Event, Stack};
use crate::account::GUARD;
use crate::account::state::ecs::Status;
use crate::binary::bad_input;
use crate::events::{ACCOUNT, REGION, files};

/// The files, and the bad input, as of the soak's account.
pub(super) struct Noise {
    files: BTreeMap<String, String>,
    bad: Vec<(&'static str, String, &'static str)>,
}

fn at_home(text: &str) -> String {
    text.replace(ACCOUNT, "111122223333").replace(REGION, "eu-west-1")
}

impl Noise {
    pub(super) fn new() -> Self {
        let files = files().into_iter().map(|(case, text)| (case, at_home(&text))).collect();
        let bad = bad_input().into_iter().map(|(name, text, expected)| (name, at_home(&text), expected)).collect();
        Self { files, bad }
    }

    /// One of them.
    pub(super) fn event(&self, chance: &mut Chance) -> Event {
        let of = |kind, text: String, expected: &str| Event {
            kind,
            text: text.into_bytes().into(),
            family: None,
            expected: Some(expected.to_owned()),
        };
        let file = |case: &str| self.files[case].clone();
        match chance.below(10) {
            0..3 => of("call that failed", file("failed-call"), "failed_registration"),
            3..6 => of("compliant by the event", file("compliant"), "compliant"),
            6 => {
                let (from, to) =
                    if chance.percent(50) { ("111122223333", "444455556666") } else { ("eu-west-1", "eu-central-1") };
                of("of another home", file("cli").replace(from, to), "event_of_another_home")
            }
            7 => {
                let whole = file("terraform");
                let cut = whole.floor_char_boundary(1 + chance.below(whole.len() - 2));
                of("garbled", whole[..cut].to_owned(), NOT_JSON)
            }
            _ => {
                let (_, text, expected) = &self.bad[chance.below(self.bad.len())];
                of("hostile", text.clone(), expected)
            }
        }
    }
}

/// What the runtime says of what never reaches the function.
pub(super) const NOT_JSON: &str = "&lambda_runtime::deserializer::DeserializeError";

/// What somebody asks backout for: a family's copy, a dry run of that, or something that must be refused.
pub(super) fn request(stack: &mut Stack, chance: &mut Chance) -> Event {
    let said = r#""reason":"it does not start","approvedBy":"alice""#;
    let copied = stack.young(chance).filter(|family| {
        let state = stack.account.state();
        state.ecs.revisions(family).any(|it| it.registered_by == GUARD && it.status == Status::Active)
    });
    let (kind, text, family, expected) = match (chance.below(4), copied) {
        (0 | 1, Some(family)) => {
            ("backout", format!(r#"{{"taskDefinition":"{family}:1",{said}}}"#), Some(family), None)
        }
        (2, Some(family)) => {
            let text = format!(r#"{{"taskDefinition":"{family}:1","dryRun":true,{said}}}"#);
            ("backout, dry run", text, Some(family), None)
        }
        _ => {
            let texts = [
                r#"{"taskDefinition":"nobody"}"#.to_owned(),
                format!(r#"{{"taskDefinition":"web:1","dryrun":true,{said}}}"#),
                format!(r#"{{"taskDefinition":"web:1","expiresInDays":365,{said}}}"#),
                format!(r#"{{"taskDefinition":"arn:aws:ecs:eu-west-1:444455556666:task-definition/web:1",{said}}}"#),
            ];
            ("backout, refused", texts[chance.below(texts.len())].clone(), None, Some("refused".to_owned()))
        }
    };
    if let Some(known) = family.as_ref().and_then(|name| stack.families.get_mut(name)) {
        known.pending += 1;
        known.disturb();
    }
    Event { kind, text: Arc::from(text.as_bytes()), family, expected }
}
