//! Values that must never leave a definition: a canary of its own in every place that can hold one, and the search for
//! it. What may be shown (names of containers, capabilities, paths on the host, modes, roles) is not among them.

mod definition;
mod needles;
mod wire;

pub(crate) use definition::{CLEAN, NEWER, NEWER_PRIVILEGED, ORIGINAL};
pub(crate) use needles::{canary, count, leaks};

use super::account::State;
use super::story::BUCKET;

/// The leaks in all that an account got to show: every alert, and every version of every object but the backups.
pub(crate) fn leaks_of(state: &State) -> Vec<String> {
    let mut found = Vec::new();
    for message in state.sns.messages() {
        let attributes = format!("{:?} {:?}", message.subject, message.attributes);
        for text in [message.message.as_bytes(), attributes.as_bytes()] {
            found.extend(leaks(text).iter().map(|place| format!("{place} in an alert")));
        }
    }
    for key in state.s3.keys(BUCKET).into_iter().filter(|key| !key.starts_with("backups/")) {
        for body in state.s3.versions(BUCKET, key).iter().filter_map(|version| version.body.as_ref()) {
            found.extend(leaks(body).iter().map(|place| format!("{place} in {key}")));
        }
    }
    found
}
