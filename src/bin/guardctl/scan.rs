//! `guardctl scan`: every ACTIVE revision and every one that runs, described from here at the pace of a sweep; who is
//! privileged is shown. It writes nothing but the page that it is asked for, and keeps of a definition nothing but what it
//! shows.

mod page;
mod place;
mod walk;

use std::collections::{BTreeMap, BTreeSet};

use ecs_privileged_guard::aws::{Clock, Ecs, Pace, Session};
use ecs_privileged_guard::domain::arn::{Family, Home, TaskDefinitionId};
use ecs_privileged_guard::domain::document::Described;
use ecs_privileged_guard::domain::escape;
use ecs_privileged_guard::domain::exemption::{Basis, Found, Verdict, verdict};
use ecs_privileged_guard::domain::observation::{AccountUsage, Starter};
use ecs_privileged_guard::domain::policy::Policy;
use jiff::Timestamp;
use serde::Serialize;

use self::page::{Page, Seen};
use self::place::Place;
use self::walk::Walk;
use crate::args::{Format, ScanArgs};
use crate::deployed::Deployed;
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
    /// EXEMPT_FAMILIES, where a function could be asked for it.
    exempt_families: Option<Vec<String>>,
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

/// Looks at all of it. Where there is no guard yet, nothing is exempt.
pub(crate) async fn run(
    args: &ScanArgs,
    session: &Session,
    home: &Home,
    guard: Option<&Guard>,
    output: Output,
) -> Result<Exit, Trouble> {
    let clock = Clock::live();
    let place = args.html.as_deref().map(Place::that_can_be_written).transpose()?;
    let policy = match guard {
        Some(guard) => policy(args, guard, output).await?,
        None => None,
    };
    let exempt_families = policy.as_ref().map(|policy| policy.exempt_families.clone());
    let mut page = place.zip(policy).map(|(place, policy)| Page::new(place, policy, args.latest));
    // The page lists them all; otherwise those are read that are asked for.
    let mut exemptions = match (&page, guard) {
        (Some(_), Some(guard)) => exempt::all_found(guard).await?,
        _ => BTreeMap::new(),
    };
    let bucket = guard.map(|guard| guard.bucket.clone()).unwrap_or_default();
    let ecs = session.connect(home.clone(), bucket, Pace::of_sweep).ecs;
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
    let walk = Walk::new(listing.families, &usage, args.latest);
    let (count, mut missed, mut revisions) = (walk.ids().count(), BTreeSet::new(), Vec::new());
    let globs = exempt_families.clone().unwrap_or_default();
    // What is denied once is denied to all that come after: they are not asked for any more, and what was seen is shown.
    let mut is_denied = false;
    for (index, id) in walk.ids().enumerate() {
        if is_denied {
            missed.insert(id);
            continue;
        }
        output.progress(&format!("{index} of {count} revisions looked at, {} privileged", revisions.len()));
        let looked_at = look(&id, &ecs, guard, &clock, &mut exemptions).await.unwrap_or_else(|trouble| {
            is_denied = trouble.exit == Exit::Denied;
            missed.insert(id.clone());
            troubles.push(trouble);
            None
        });
        let Some(described) = looked_at else { continue };
        if let Some(page) = &mut page {
            page.saw(&described);
        }
        let found = exemptions.get(&id.family).unwrap_or(&Found::Nothing);
        let containers = described.privileged_containers();
        let verdict = verdict(&globs, &id.family, containers, found, clock.now());
        revisions.push(row(&described, &verdict, walk.is_latest(&id), &usage));
    }
    let walk = walk.but_for(missed);
    unseen.extend(walk.unseen());
    let document = Document {
        schema_version: 1,
        revisions_looked_at: walk.looked_at(),
        revisions,
        exempt_families: exempt_families.map(|globs| globs.globs()),
        unseen,
        families: walk.families(),
    };
    match output.format {
        Format::Table if document.revisions.is_empty() => {}
        Format::Table => output.data(&text(&document, output))?,
        Format::Json => output.json(&document)?,
        Format::Csv => output.data(&csv(&document))?,
    }
    // What is there is not replaced by what somebody saw who may not see.
    if let (Some(page), Some(guard), false) = (&page, guard, is_denied) {
        let seen = Seen { walk: &walk, usage: &usage, exemptions: &exemptions, unseen: &document.unseen };
        troubles.extend(page.write(&seen, guard, output).await);
    }
    output.say(&summary(&document));
    output.troubles(&troubles);
    let is_found = document.revisions.iter().any(|row| row.state != "exempt");
    Ok(match (troubles.as_slice(), args.exit_code && is_found) {
        // Nobody knows what was not seen.
        (troubles, _) if troubles.iter().any(|trouble| trouble.exit == Exit::Denied) => Exit::Denied,
        ([_, ..], _) => Exit::Failed,
        ([], true) => Exit::Found,
        ([], false) => Exit::Fine,
    })
}

/// A revision that is privileged, its family's exemption read; none of all others, and of one that was deregistered and
/// deleted since it was listed.
async fn look(
    id: &TaskDefinitionId,
    ecs: &Ecs,
    guard: Option<&Guard>,
    clock: &Clock,
    exemptions: &mut BTreeMap<Family, Found>,
) -> Result<Option<Described>, Trouble> {
    let described = read::revision(ecs, clock, id).await?.filter(|it| !it.privileged_containers().is_empty());
    if let Some(guard) = guard.filter(|_| described.is_some() && !exemptions.contains_key(&id.family)) {
        let found = exempt::read(guard, &id.family).await?;
        exemptions.insert(id.family.clone(), exempt::found(found.as_ref()));
    }
    Ok(described)
}

/// The function's settings; none where nobody said which function has them. The page cannot be made without.
async fn policy(args: &ScanArgs, guard: &Guard, output: Output) -> Result<Option<Policy>, Trouble> {
    if guard.stack().is_none() && args.function.is_none() && args.html.is_none() {
        guard.refuse_another_account().await?;
        output.say(
            "EXEMPT_FAMILIES was not read, so a family that is exempt by it is shown as privileged: --function names the \
             function that has it.",
        );
        return Ok(None);
    }
    let Deployed { reconciler, .. } = Deployed::of(guard, args.function.as_deref(), None).await?;
    Ok(Some(reconciler.policy))
}

fn row(described: &Described, verdict: &Verdict, latest: bool, usage: &AccountUsage) -> Row {
    let privileged = described.privileged_containers();
    let (state, until) = match *verdict {
        Verdict::Exempt(Basis::Until(end)) => ("exempt", Some(end)),
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
        running: runs.map(|run| escape::line(&format!("{}/{}", run.cluster, starter(&run.starter)))).collect(),
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
