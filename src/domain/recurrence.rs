//! Whether the same content came back: what breaking a loop begins with. Pure; it tells nobody.

use jiff::{SignedDuration, Timestamp};

use super::arn::TaskDefinitionId;
use super::backup::sha256;
use super::document::OutputOnly;
use super::observation::Observation;
use super::record::Record;

/// How far back it looks. What the records of the family reach back to is a little more.
const WINDOW: SignedDuration = SignedDuration::from_hours(24);

/// Earlier registrations of the same content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recurrence {
    /// The revisions, the newest first. At least one; there may have been more: what was not backed up is not known
    /// again, and of a long day only the newest records are read.
    pub before: Vec<TaskDefinitionId>,
    /// Who registered the newest of them, by ECS's word.
    pub last_by: Option<String>,
}

/// The earlier revisions of the last day whose backup is, byte for byte, what the original's would be.
///
/// The hash is enough, although ECS may give containers and environment back in another order than they came in: for the
/// same input it normally gives the same order. Where it does not, or where a tag holds a build's number, this says less
/// than there is, and never more. It decides nothing but words: the brake counts copies
/// ([`Observation::copies_since`]).
#[must_use]
pub fn recurrence(seen: &Observation, output_only: &OutputOnly, now: Timestamp) -> Option<Recurrence> {
    let mut earlier: Vec<(TaskDefinitionId, &Record)> =
        seen.family_records.iter().filter_map(|record| backed_up_before(seen, record, now)).collect();
    // Most families have none, and need no hash.
    let original = seen.original.described().filter(|_| !earlier.is_empty())?;
    let content = sha256(original.register_input(output_only).as_str());
    earlier.retain(|(_, record)| record.backup_sha256.as_ref() == Some(&content));
    // Numbers tell the order of registration, and when a record was written last does not.
    earlier.sort_by_key(|(id, _)| std::cmp::Reverse(id.revision));
    let (_, newest) = earlier.first()?;
    Some(Recurrence {
        last_by: newest.registered_by.clone(),
        before: earlier.iter().map(|(id, _)| id.clone()).collect(),
    })
}

/// The revision of a record, if it came before the original and was backed up, within the window as far as it is known.
fn backed_up_before<'a>(
    seen: &Observation,
    record: &'a Record,
    now: Timestamp,
) -> Option<(TaskDefinitionId, &'a Record)> {
    let id: TaskDefinitionId = record.task_definition.parse().ok()?;
    let is_before = id.family == seen.id.family && id.revision < seen.id.revision;
    let is_young = record.at.is_none_or(|at| now.duration_since(at) < WINDOW);
    (is_before && is_young && record.backup_sha256.is_some()).then_some((id, record))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::document::Described;
    use crate::domain::observation::Original;

    fn now() -> Timestamp {
        "2026-11-24T08:00:00Z".parse().unwrap()
    }

    fn described(image: &str) -> Described {
        Described::parse(&format!(
            r#"{{"taskDefinition":{{"taskDefinitionArn":"arn:aws:ecs:eu-west-1:111122223333:task-definition/web:9",
            "family":"web","revision":9,"status":"ACTIVE",
            "containerDefinitions":[{{"name":"app","image":"{image}","privileged":true}}]}}}}"#
        ))
        .unwrap()
    }

    fn record(of: &str, image: &str, hours_ago: i64, by: &str) -> Record {
        let sha256 = sha256(described(image).register_input(&OutputOnly::default()).as_str());
        let at = now() - SignedDuration::from_hours(hours_ago);
        Record::parse(&format!(
            r#"{{"schemaVersion":1,"taskDefinition":"{of}","backupSha256":"{sha256}","registeredBy":"{by}","at":"{at}"}}"#
        ))
        .unwrap()
    }

    /// Of `web:9`, with the image `same`.
    fn of(family_records: Vec<Record>) -> Option<Recurrence> {
        let original = described("same");
        let seen = Observation::of(original.id().clone(), Original::Described(Box::new(original)));
        recurrence(&Observation { family_records, ..seen }, &OutputOnly::default(), now())
    }

    #[test]
    fn the_same_content_is_counted_by_its_backups_the_newest_first() {
        let records = vec![
            record("web:3", "same", 1, "jane"),
            record("web:7", "same", 2, "joe"),
            record("web:5", "other", 1, "eve"),
        ];
        let found = of(records).unwrap();
        assert_eq!(found.before, ["web:7".parse().unwrap(), "web:3".parse().unwrap()]);
        assert_eq!(found.last_by.as_deref(), Some("joe"));
    }

    #[test]
    fn what_is_other_later_older_or_not_backed_up_does_not_count() {
        let not_backed_up = Record { backup_sha256: None, ..record("web:7", "same", 1, "joe") };
        for record in [
            record("web:7", "other", 1, "joe"),
            record("web:11", "same", 1, "joe"),
            record("web:9", "same", 1, "joe"),
            record("web:7", "same", 24, "joe"),
            record("api:7", "same", 1, "joe"),
            record("odd", "same", 1, "joe"),
            not_backed_up,
        ] {
            assert_eq!(of(vec![record.clone()]), None, "{record:?}");
        }
        assert_eq!(of(Vec::new()), None);
    }

    #[test]
    fn a_record_that_does_not_say_when_or_by_whom_counts() {
        let record = Record { at: None, registered_by: None, ..record("web:7", "same", 1, "joe") };
        let found = of(vec![record]).unwrap();
        assert_eq!((found.before.len(), found.last_by), (1, None));
    }
}
