//! `guardctl show`: all that is known and was done about one original, and how it is undone. A copy leads to its original.

use ecs_privileged_guard::domain::alert::reason_in_words;
use ecs_privileged_guard::domain::arn::TaskDefinitionId;
use ecs_privileged_guard::domain::backout::note;
use ecs_privileged_guard::domain::record::{MadeCopy, Record, Withdrawal};
use ecs_privileged_guard::domain::{escape, keys};
use serde_json::{Value, json};

use crate::args::{Format, RevisionArgs};
use crate::exit::Exit;
use crate::failure::trouble;
use crate::output::{Output, csv_row};
use crate::paint::cell;
use crate::read;
use crate::session::Guard;
use crate::spell::spell;
use crate::table::table;
use crate::trouble::Trouble;
use crate::when::seconds;

/// More records of one family are not read to find whose copy a revision is.
const RECORDS_MAX: usize = 200;

/// Shows it.
pub(crate) async fn run(args: &RevisionArgs, guard: &Guard, output: Output) -> Result<Exit, Trouble> {
    let named = &args.revision;
    let (id, record) = match read::record(guard, named).await? {
        Some(record) => (named.clone(), record),
        None => original_of(guard, named).await?,
    };
    if id != *named {
        output.say(&format!("{named} is a copy of {id}."));
    }
    let fields = fields(guard, &id, &record);
    match output.format {
        Format::Table => {
            let value = |name: &str, value: &str| match name {
                "outcome" => cell(&escape::line(value)),
                _ => escape::line(value),
            };
            let rows = fields.iter().map(|(name, text)| vec![(*name).to_owned(), value(name, text)]);
            output.data(&table(&[], rows, &[0], output.width()))?;
        }
        Format::Json => {
            let mut held = serde_json::to_value(&record).unwrap_or_default();
            spell(&mut held);
            output.json(&json!({
                "schemaVersion": 1,
                "taskDefinition": id,
                "record": held,
                "recordKey": keys::record(&guard.home, &id),
                "backupKey": record.backup_sha256.as_ref().map(|_| keys::backup(&guard.home, &id)),
                "undo": undo(guard, &id, &record),
            }))?;
        }
        Format::Csv => {
            let rows = fields.iter().map(|(name, value)| csv_row(&[name, value]));
            output.data(&(csv_row(&["name", "value"]) + &rows.collect::<String>()))?;
        }
    }
    Ok(Exit::Fine)
}

/// The original whose copy a revision is, by the family's records.
async fn original_of(guard: &Guard, copy: &TaskDefinitionId) -> Result<(TaskDefinitionId, Record), Trouble> {
    let prefix = keys::records_of(&guard.home, &copy.family);
    let listed = guard.aws.bucket.list(&prefix).await;
    let listed = listed.map_err(|failure| trouble("the family's records could not be listed", &failure))?;
    let numbers = listed.iter().filter_map(|object| keys::revision_below(&prefix, &object.key));
    let mut numbers: Vec<_> = numbers.filter(|number| *number < copy.revision).collect();
    numbers.sort_unstable();
    for number in numbers.into_iter().rev().take(RECORDS_MAX) {
        let id = copy.family.revision(number);
        let Some(record) = read::record(guard, &id).await? else { continue };
        if record.copy_revision() == Some(copy.revision) || record.made(copy.revision).is_some() {
            return Ok((id, record));
        }
    }
    let what = format!("there is no record of {copy}, and it is no copy that a record names");
    let hint = format!("{} lists the records; the guard records privileged revisions only", guard.command("history"));
    Err(Trouble::new(Exit::Failed, what).hint(hint))
}

/// What there is to say, in order.
fn fields(guard: &Guard, id: &TaskDefinitionId, record: &Record) -> Vec<(&'static str, String)> {
    let outcome = record.reason.as_ref().map_or(record.outcome.clone(), |why| format!("{}: {why}", record.outcome));
    let key = guard.address(&keys::backup(&guard.home, id));
    let backup = record.backup_sha256.as_ref().map(|_| key);
    // A later version may know more reasons.
    let reason = record.reason.as_ref().and_then(|reason| serde_json::from_value(reason.as_str().into()).ok());
    let mut fields = vec![
        ("revision", Some(id.to_string())),
        ("outcome", Some(outcome)),
        ("why", reason.map(|reason| reason_in_words(reason).to_owned())),
        ("mode", Some(record.mode.clone())),
        ("privileged", Some(record.privileged_containers.join(", "))),
        ("registered by", record.registered_by.clone()),
        ("event", record.event_id.clone()),
        ("denied", record.failed_action.clone()),
        ("alerted", record.alerted_at.map(|at| seconds(at).to_string())),
        ("applied by", record.applied_by.clone()),
        ("copy in force", record.copy.clone().filter(|_| record.standing_copies().keys().next().is_some())),
    ];
    fields.extend(record.copies.iter().map(|copy| ("copy", Some(copy_in_words(id, copy)))));
    fields.push(("backed out", record.backed_out.as_ref().map(backout_in_words)));
    fields.push(("backup", backup));
    fields.push(("its SHA-256", record.backup_sha256.clone()));
    fields.push(("record", Some(guard.address(&keys::record(&guard.home, id)))));
    fields.push(("undo", undo(guard, id, record)));
    let said = fields.into_iter().filter_map(|(name, value)| Some((name, value?)));
    said.filter(|(_, value)| !value.is_empty()).collect()
}

fn copy_in_words(original: &TaskDefinitionId, copy: &MadeCopy) -> String {
    let why = copy.why.as_deref().map(|why| {
        let known = Withdrawal::ALL.into_iter().find(|known| known.as_str() == why);
        known.map_or(why.to_owned(), |known| known.in_words().to_owned())
    });
    let end = match (copy.withdrawn, why) {
        (Some(at), Some(why)) => format!("; withdrawn {}: {why}", seconds(at)),
        (Some(at), None) => format!("; withdrawn {}", seconds(at)),
        (None, Some(why)) => format!("; still to be withdrawn: {why}"),
        (None, None) => String::new(),
    };
    format!("{}:{}, registered {}{end}", original.family, copy.revision, seconds(copy.at))
}

fn backout_in_words(told: &Value) -> String {
    let says = |name: &str| told.get(name).and_then(Value::as_str).map(str::to_owned);
    let at = note::at(told).map(|at| seconds(at).to_string()).unwrap_or_default();
    let what = match (note::is_finished(told), says("restored")) {
        (true, Some(restored)) => format!("{restored} is in force"),
        (_, _) => "begun, and not come to its end".to_owned(),
    };
    let until =
        says("until").and_then(|until| until.parse().ok()).map(|until| format!(", exempt until {}", seconds(until)));
    let why = says("reason").map(|reason| format!(": {reason}")).unwrap_or_default();
    let who = says("approvedBy").map(|who| format!(" (approved by {who}, by the caller's word)")).unwrap_or_default();
    format!("{at}, {what}{}{why}{who}", until.unwrap_or_default())
}

/// The command that undoes it, while there is something to undo.
fn undo(guard: &Guard, id: &TaskDefinitionId, record: &Record) -> Option<String> {
    let stands = !record.standing_copies().is_empty();
    stands.then(|| guard.command(&format!("backout {id} --reason WHY --approved-by WHO")))
}
