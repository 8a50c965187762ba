//! `guardctl scan`: every ACTIVE revision and every one that runs, described from here at the pace of a sweep; who is
//! privileged is shown. It writes nothing but the page that it is asked for, and keeps of a definition nothing but what it
//! shows.

mod page;
mod place;

use std::collections::{BTreeMap, BTreeSet};

use ecs_privileged_guard::aws::{Clock, Listing, Pace};
use ecs_privileged_guard::domain::arn::{Family, Revision, TaskDefinitionId};
use ecs_privileged_guard::domain::document::Described;
use ecs_privileged_guard::domain::escape;
use ecs_privileged_guard::domain::exemption::{Basis, Found, Verdict, of_object};
use ecs_privileged_guard::domain::observation::{AccountUsage, Starter};
use jiff::Timestamp;
use serde::Serialize;

use self::page::{Page, Seen};
use crate::args::{Format, ScanArgs};
use crate::exit::Exit;
use crate::failure::trouble;
use crate::output::{Output, csv_row};
use crate::paint::cell;
use crate::session::Guard;
use crate::table::table;
use crate::trouble::Trouble;
use crate::when::counted;
use crate::{exempt, read};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    schema_version: u32,
    revisions: Vec<Row>,
    unseen: Vec<String>,
    families: usize,
    revisions_looked_at: usize,
}

/// A privileged revision.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    task_definition: TaskDefinitionId,
    state: &'static str,
    latest: bool,
    active: bool,
    running: Vec<String>,
    containers: Vec<String>,
    until: Option<Timestamp>,
}

/// Looks at all of it.
pub(crate) async fn run(args: &ScanArgs, guard: &Guard, output: Output) -> Result<Exit, Trouble> {
    let clock = Clock::live();
    let (mut page, mut exemptions) = match &args.html {
        None => (None, BTreeMap::new()),
        Some(path) => {
            let (page, exemptions) = Page::begin(path, args, guard).await?;
            (Some(page), exemptions)
        }
    };
    let ecs = guard.session.connect(guard.home.clone(), guard.bucket.clone(), Pace::of_sweep).ecs;
    let listing = read::listing(&ecs, output).await?;
    output.progress("looking at what runs");
    let usage = ecs.usage_of_all(&clock, clock.now() + read::WALK).await;
    let mut unseen: Vec<String> = usage.unread.iter().map(|failure| escape::line(&failure.to_string())).collect();
    let what = "not all that runs could be seen";
    let mut troubles: Vec<Trouble> = usage.unread.iter().map(|failure| trouble(what, failure)).collect();
    if usage.clusters_left_out > 0 {
        let left_out = counted(usage.clusters_left_out, "cluster was not walked", "clusters were not walked");
        troubles.push(Trouble::new(Exit::Failed, what).cause(&left_out));
        unseen.push(left_out);
    }
    let ids = to_look_at(&listing, &usage, args.latest);
    let (mut revisions, mut looked_at) = (Vec::new(), BTreeSet::new());
    for (count, id) in ids.iter().enumerate() {
        output.progress(&format!("{count} of {} revisions looked at, {} privileged", ids.len(), revisions.len()));
        let described = match read::revision(&ecs, &clock, id).await {
            Ok(described) => described,
            Err(trouble) if trouble.exit == Exit::Denied => return Err(trouble),
            Err(trouble) => {
                unseen.push(id.to_string());
                troubles.push(trouble);
                continue;
            }
        };
        looked_at.insert(id.clone());
        // It was deregistered and deleted since it was listed.
        let Some(described) = described.filter(|it| !it.privileged_containers().is_empty()) else { continue };
        if !exemptions.contains_key(&id.family) {
            let found = exempt::read(guard, &id.family).await?;
            exemptions.insert(id.family.clone(), exempt::found(found.as_ref()));
        }
        let found = exemptions.get(&id.family).unwrap_or(&Found::Nothing);
        if let Some(page) = &mut page {
            page.saw(&described);
        }
        let latest = listing.families.get(&id.family).and_then(|numbers| numbers.iter().max());
        revisions.push(row(&described, found, latest == Some(&id.revision), &usage, clock.now()));
    }
    let evidence = match &page {
        None => None,
        Some(page) => {
            let (exemptions, looked_at, unseen) = (&exemptions, &looked_at, unseen.as_slice());
            let seen = Seen { listing: &listing, usage: &usage, exemptions, looked_at, unseen };
            let (evidence, missing) = page.evidence(&seen, guard, output).await?;
            troubles.extend(missing);
            Some((page, evidence))
        }
    };
    let document = Document {
        schema_version: 1,
        revisions_looked_at: looked_at.len(),
        revisions,
        unseen,
        families: listing.families.len(),
    };
    match output.format {
        Format::Table if document.revisions.is_empty() => {}
        Format::Table => output.data(&text(&document, output))?,
        Format::Json => output.json(&document)?,
        Format::Csv => output.data(&csv(&document))?,
    }
    if let Some((page, evidence)) = evidence {
        troubles.extend(page.write(&evidence, output).err());
    }
    output.troubles(&troubles);
    output.say(&summary(&document));
    let is_found = document.revisions.iter().any(|row| row.state != "exempt");
    Ok(match (troubles.is_empty(), args.exit_code && is_found) {
        // Nobody knows what was not seen.
        (false, _) => Exit::Failed,
        (true, true) => Exit::Found,
        (true, false) => Exit::Fine,
    })
}

/// The latest of each family first, then the others, and what runs without being ACTIVE.
fn to_look_at(listing: &Listing, usage: &AccountUsage, latest_only: bool) -> Vec<TaskDefinitionId> {
    let (mut latest, mut others) = (Vec::new(), BTreeSet::new());
    for (family, numbers) in &listing.families {
        let newest = numbers.iter().max();
        latest.extend(newest.map(|number| family.revision(*number)));
        let is_other = |number: &&Revision| Some(*number) != newest && !latest_only;
        others.extend(numbers.iter().filter(is_other).map(|number| family.revision(*number)));
    }
    others.extend(usage.revisions());
    let is_latest: BTreeSet<_> = latest.iter().collect();
    others.retain(|id| !is_latest.contains(id));
    latest.into_iter().chain(others).collect()
}

fn row(described: &Described, found: &Found, latest: bool, usage: &AccountUsage, now: Timestamp) -> Row {
    let privileged = described.privileged_containers();
    let (state, until) = match of_object(privileged, found, now) {
        Verdict::Exempt(Basis::Until(end)) => ("exempt", Some(end)),
        // The object alone says nothing of families that are exempt for good.
        Verdict::Exempt(Basis::Family) => ("exempt", None),
        Verdict::Partly { until, .. } => ("partly_exempt", Some(until)),
        Verdict::Unreadable(_) => ("exemption_unreadable", None),
        Verdict::NotExempt(_) => ("privileged", None),
    };
    let runs = usage.families.get(&described.id().family).into_iter().flatten();
    let runs = runs.filter(|run| run.revision == described.id().revision);
    Row {
        task_definition: described.id().clone(),
        state,
        latest,
        active: described.is_active(),
        running: runs.map(|run| escape::unicode(&format!("{}/{}", run.cluster, starter(&run.starter)))).collect(),
        containers: privileged.iter().map(|name| escape::unicode(name)).collect(),
        until,
    }
}

/// Its name, or what ECS says of who started the tasks.
fn starter(starter: &Starter) -> &str {
    match starter {
        Starter::Service { name, .. } => name,
        Starter::Other(text) => text,
    }
}

fn text(document: &Document, output: Output) -> String {
    let rows = document.revisions.iter().map(|row| {
        let which = match (row.latest, row.active) {
            (true, _) => "latest",
            (false, true) => "callable",
            (false, false) => "inactive",
        };
        let running = if row.running.is_empty() { "nothing".to_owned() } else { row.running.join(" ") };
        let (id, containers) = (row.task_definition.to_string(), row.containers.join(" "));
        vec![id, cell(row.state), which.to_owned(), containers, running]
    });
    table(&["REVISION", "STATE", "WHICH", "CONTAINERS", "RUNNING"], rows, &[1, 2], output.width())
}

fn csv(document: &Document) -> String {
    let mut text = csv_row(&["taskDefinition", "state", "latest", "active", "containers", "running", "until"]);
    for row in &document.revisions {
        let (id, until) = (row.task_definition.to_string(), row.until.map(|end| end.to_string()).unwrap_or_default());
        let (latest, active) = (row.latest.to_string(), row.active.to_string());
        let lists = [row.containers.join(" "), row.running.join(" ")];
        text += &csv_row(&[&id, row.state, &latest, &active, &lists[0], &lists[1], &until]);
    }
    text
}

fn summary(document: &Document) -> String {
    let looked_at = counted(document.revisions_looked_at, "revision", "revisions");
    let families = counted(document.families, "family", "families");
    let exempt = document.revisions.iter().filter(|row| row.state == "exempt").count();
    let others = document.revisions.len() - exempt;
    let of: BTreeSet<&Family> = document.revisions.iter().map(|row| &row.task_definition.family).collect();
    let of = counted(of.len(), "family", "families");
    format!("{looked_at} in {families} looked at: {others} privileged, {exempt} exempt, in {of}.")
}
