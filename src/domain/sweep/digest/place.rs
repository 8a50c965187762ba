//! Where the rest stands: the report, and the operator's own instructions.

use super::super::super::alert::words;
use super::super::super::words::counted;
use super::part::Part;
use super::{Digest, Setting};

/// The report for people, and the one for programs beside it.
pub(super) fn reports(digest: &Digest, setting: &Setting) -> [String; 2] {
    let page = digest.report;
    let json = page.strip_suffix(".html").map_or_else(|| page.to_owned(), |stem| format!("{stem}.json"));
    [page.to_owned(), json].map(|key| format!("s3://{}/{key}", setting.bucket))
}

pub(super) fn part(digest: &Digest, setting: &Setting) -> Part {
    let [page, _] = reports(digest, setting);
    let home = setting.home;
    let held_back = (digest.held_back > 0)
        .then(|| format!("Told before, so not again: {}.", counted(digest.held_back, "revision", "revisions")));
    let lines = [
        format!("Report, and .json beside it: {page}"),
        format!("Account {}, Region {}, mode {}", home.account(), home.region(), setting.mode),
    ];
    let runbook = setting.runbook_url.map(|url| format!("Runbook: {url}"));
    Part { head: held_back.into_iter().chain(lines).chain(runbook).map(words).collect(), ..Part::new("WHERE") }
}
