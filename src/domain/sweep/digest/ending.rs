//! Exemptions that end soon, and how whoever still needs one makes it last longer.

use jiff::Timestamp;

use super::super::super::alert::words;
use super::super::super::arn::Family;
use super::super::super::keys;
use super::super::super::words::length;
use super::part::Part;
use super::{Digest, Setting};

pub(super) fn part(digest: &Digest, setting: &Setting) -> Part {
    let items: Vec<_> = digest.ending.iter().map(|it| vec![words(line(it, digest.evidence.at))]).collect();
    let foot = if items.is_empty() { Vec::new() } else { vec![words(how(setting))] };
    Part { items, foot, ..Part::new("ENDING") }
}

/// The end of one, and how far off it is.
pub(super) fn line((family, end): &(Family, Timestamp), now: Timestamp) -> String {
    format!("{family}: its exemption ends {end}, in {}", length(end.duration_since(now)))
}

/// How to make one last longer.
fn how(setting: &Setting) -> String {
    let by_hand = format!(
        "write a later expiresAt (90 days at most) to s3://{}/{}FAMILY.json",
        setting.bucket,
        keys::exemptions(setting.home)
    );
    let how = match setting.backout_function {
        Some(function) => format!(
            "Then {by_hand}; or, while the revision that was backed out is still its family's newest, send {function} the \
             same request again."
        ),
        None => format!("Then {by_hand}."),
    };
    format!("Still needed? {how}")
}
