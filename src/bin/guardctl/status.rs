//! `guardctl status`: how the account stands by the last sweep's report, and what to type next. It reads one object.

use ecs_privileged_guard::aws::Clock;
use ecs_privileged_guard::domain::pipe::Seen;
use ecs_privileged_guard::domain::sweep::evidence::{
    ENDS_SOON, ExemptionShown, FamilyShown, Shown, TotalsShown, Unreadable,
};
use ecs_privileged_guard::domain::{escape, keys};
use jiff::Timestamp;
use serde::Serialize;
use std::fmt::Write as _;

use crate::args::Format;
use crate::exit::Exit;
use crate::failure::trouble;
use crate::output::{Output, csv_row};
use crate::paint::{cell, warning};
use crate::session::Guard;
use crate::table::table;
use crate::trouble::Trouble;
use crate::when::{counted, from_now, seconds};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    schema_version: u32,
    account: &'a str,
    region: &'a str,
    bucket: &'a str,
    mode: Option<String>,
    last_sweep: Option<Timestamp>,
    complete: Option<bool>,
    unseen: Vec<String>,
    missed_by_event: Vec<String>,
    totals: Option<&'a TotalsShown>,
    families: Vec<FamilyShown>,
    ending_soon: Vec<ExemptionShown>,
    next: Option<String>,
}

/// Shows it.
pub(crate) async fn run(guard: &Guard, output: Output) -> Result<Exit, Trouble> {
    let now = Clock::live().now();
    let key = keys::report(&guard.home, "latest.json");
    let failed = || format!("the report of the last sweep, {}, could not be read", guard.address(&key));
    let shown = last_report(guard).await.map_err(|failure| trouble(failed(), &failure))?;
    let shown = shown.transpose().map_err(|why| {
        let hint = "a later guardctl may know it; the next sweep writes it anew";
        Trouble::new(Exit::Failed, failed()).because(&why).hint(hint)
    })?;
    let ending = shown.iter().flat_map(|shown| &shown.exemptions).filter(|it| ends_soon(it, now)).cloned();
    let document = Document {
        schema_version: 1,
        account: guard.home.account(),
        region: guard.home.region(),
        bucket: &guard.bucket,
        mode: shown.as_ref().map(|shown| escape::unicode(&shown.mode)),
        last_sweep: shown.as_ref().map(|shown| shown.at),
        complete: shown.as_ref().map(|shown| shown.complete),
        unseen: shown.iter().flat_map(|shown| &shown.unseen).map(|words| escape::unicode(words)).collect(),
        missed_by_event: shown.iter().flat_map(|shown| &shown.missed_by_event).map(|id| escape::unicode(id)).collect(),
        totals: shown.as_ref().map(|shown| &shown.totals),
        families: shown.iter().flat_map(|shown| shown.families.iter().cloned().map(spelled)).collect(),
        next: next(shown.as_ref(), ending.clone().next().is_some(), guard),
        ending_soon: ending.map(spelled_exemption).collect(),
    };
    match output.format {
        Format::Table => output.data(&text(&document, now, output))?,
        Format::Json => output.json(&document)?,
        Format::Csv => output.data(&csv(&document))?,
    }
    Ok(Exit::Fine)
}

/// What the last sweep wrote; none if none has ended yet.
pub(crate) async fn last_report(guard: &Guard) -> Seen<Option<Result<Shown, Unreadable>>> {
    let object = guard.aws.bucket.get(&keys::report(&guard.home, "latest.json")).await?;
    Ok(object.map(|object| Shown::read(&object.text)))
}

/// Of those that held when the sweep looked.
fn ends_soon(exemption: &ExemptionShown, now: Timestamp) -> bool {
    let held = matches!(exemption.state.as_str(), "holds" | "ends_soon");
    let is_near = |end: Timestamp| end > now && end.duration_since(now) <= ENDS_SOON;
    held && exemption.expires_at.is_some_and(is_near)
}

/// The report lies where others can write.
fn spelled(mut row: FamilyShown) -> FamilyShown {
    for text in [&mut row.family, &mut row.state, &mut row.outcome].into_iter().chain(&mut row.containers) {
        *text = escape::unicode(text);
    }
    for text in [&mut row.reason, &mut row.latest, &mut row.copy].into_iter().flatten().chain(&mut row.callable) {
        *text = escape::unicode(text);
    }
    for run in &mut row.running {
        for text in [&mut run.task_definition, &mut run.cluster, &mut run.kind, &mut run.starter] {
            *text = escape::unicode(text);
        }
    }
    row
}

fn spelled_exemption(mut row: ExemptionShown) -> ExemptionShown {
    let texts = [&mut row.family, &mut row.state, &mut row.reason, &mut row.approved_by];
    for text in texts.into_iter().chain(&mut row.containers) {
        *text = escape::unicode(text);
    }
    row
}

/// The one command that says or does more, by what is most urgent.
fn next(shown: Option<&Shown>, is_ending: bool, guard: &Guard) -> Option<String> {
    let Some(shown) = shown else { return guard.output("SweepCommand").map(escape::line) };
    let of_state = |state: &str| {
        let row = shown.families.iter().find(|row| row.state == state)?;
        let newest = row.callable.last().or_else(|| row.running.first().map(|run| &run.task_definition))?;
        Some((escape::shell(newest), row.reason.as_deref()))
    };
    let failed = of_state("failed").map(|(id, _)| format!("show {id}"));
    let reported = || {
        of_state("reported_only").map(|(id, reason)| match reason {
            Some("alert_mode") => format!("plan {id} --mode remediate"),
            Some(_) | None => format!("show {id}"),
        })
    };
    let ending = || is_ending.then(|| "exempt list".to_owned());
    let next = failed.or_else(reported).or_else(ending).unwrap_or_else(|| "history".to_owned());
    Some(guard.command(&next))
}

fn text(document: &Document<'_>, now: Timestamp, output: Output) -> String {
    let mut text = format!(
        "account {}, Region {}: {}\n",
        document.account,
        document.region,
        document.mode.as_ref().map_or("mode not known".to_owned(), |mode| format!("mode {mode}"))
    );
    let mut rows = Vec::new();
    match (document.last_sweep, document.totals) {
        (Some(at), Some(totals)) => {
            rows.push(("last sweep", format!("{} ({})", from_now(at, now), seconds(at))));
            rows.push(("looked at", looked_at(totals)));
            let privileged = format!(
                "newest revision in {}, running in {}, callable in {}",
                counted(totals.newest_privileged, "family", "families"),
                counted(totals.services_on_privileged, "service", "services"),
                counted(totals.callable_privileged, "family", "families"),
            );
            rows.push(("privileged", privileged));
        }
        (_, _) => rows.push(("last sweep", "none has ended yet, so nothing is known of this account".to_owned())),
    }
    rows.extend(document.unseen.iter().map(|words| ("not seen", words.clone())));
    if !document.missed_by_event.is_empty() {
        rows.push(("no event of", document.missed_by_event.join(", ")));
    }
    let label = |name: &str| match name {
        "not seen" | "no event of" => warning(name),
        _ => name.to_owned(),
    };
    let rows = rows.into_iter().map(|(name, words)| vec![label(name), words]);
    text += &table(&[], rows, &[0], output.width());
    if !document.families.is_empty() {
        let rows = document.families.iter().map(|row| {
            let newest = match row.newest_clean {
                Some(true) => "clean",
                Some(false) => "privileged",
                None => "none",
            };
            let why = row.reason.as_deref().unwrap_or_default();
            // What is exempt may be privileged.
            let newest = if row.state == "exempt" { newest.to_owned() } else { cell(newest) };
            let state = cell(&row.state);
            [&row.family, &state, &newest, &running(row), &row.callable.join(" "), why].map(str::to_owned).to_vec()
        });
        let header = ["FAMILY", "STATE", "NEWEST", "RUNNING", "CALLABLE", "WHY"];
        let _ = write!(text, "\n{}", table(&header, rows, &[1, 2], output.width()));
    }
    if !document.ending_soon.is_empty() {
        let rows = document.ending_soon.iter().map(|row| {
            let end = row.expires_at;
            let ends = end.map(|end| seconds(end).to_string()).unwrap_or_default();
            let left = end.map(|end| from_now(end, now)).unwrap_or_default();
            vec![row.family.clone(), ends, warning(&left), row.approved_by.clone()]
        });
        let _ = write!(text, "\n{}", table(&["EXEMPT", "ENDS", "LEFT", "APPROVED BY"], rows, &[1, 2], output.width()));
    }
    if let Some(next) = &document.next {
        let _ = writeln!(text, "\nnext: {next}");
    }
    text
}

fn looked_at(totals: &TotalsShown) -> String {
    let (seen, all) = (totals.revisions_looked_at, counted(totals.revisions, "revision", "revisions"));
    format!("{seen} of {all} in {}", counted(totals.families, "family", "families"))
}

fn running(row: &FamilyShown) -> String {
    let services = row.running.iter().filter(|run| run.kind == "service").count();
    let others = row.running.len() - services;
    let words = [(services, "service", "services"), (others, "other", "others")];
    let words: Vec<String> =
        words.iter().filter(|(count, ..)| *count > 0).map(|(count, one, many)| counted(*count, one, many)).collect();
    if words.is_empty() { "nothing".to_owned() } else { words.join(", ") }
}

fn csv(document: &Document<'_>) -> String {
    let mut text = csv_row(&[
        "family",
        "state",
        "outcome",
        "reason",
        "latest",
        "newestClean",
        "running",
        "callable",
        "containers",
        "copy",
    ]);
    for row in &document.families {
        let clean = row.newest_clean.map(|is_clean| is_clean.to_string()).unwrap_or_default();
        let [reason, latest, copy] = [&row.reason, &row.latest, &row.copy].map(|text| text.clone().unwrap_or_default());
        let runs: Vec<&str> = row.running.iter().map(|run| run.task_definition.as_str()).collect();
        text += &csv_row(&[
            &row.family,
            &row.state,
            &row.outcome,
            &reason,
            &latest,
            &clean,
            &runs.join(" "),
            &row.callable.join(" "),
            &row.containers.join(" "),
            &copy,
        ]);
    }
    text
}
