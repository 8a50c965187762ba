//! The S3 keys of the contract: one home for where each object lies.

use super::arn::{Family, Home, Revision, TaskDefinitionId};
use super::service::ServiceId;

/// Where the original of a revision is backed up.
#[must_use]
pub fn backup(home: &Home, id: &TaskDefinitionId) -> String {
    format!("{}{}.json", backups_of(home, &id.family), id.revision)
}

/// The prefix of all backups of a family.
#[must_use]
pub fn backups_of(home: &Home, family: &Family) -> String {
    format!("backups/{}/{}/{family}/", home.account(), home.region())
}

/// Where the record of a revision lies.
#[must_use]
pub fn record(home: &Home, id: &TaskDefinitionId) -> String {
    format!("{}{}.json", records_of(home, &id.family), id.revision)
}

/// The prefix of all records of a family.
#[must_use]
pub fn records_of(home: &Home, family: &Family) -> String {
    format!("{}{family}/", records(home))
}

/// The prefix of all records.
#[must_use]
pub fn records(home: &Home) -> String {
    format!("records/{}/{}/", home.account(), home.region())
}

/// Where the exemption of a family lies.
#[must_use]
pub fn exemption(home: &Home, family: &Family) -> String {
    format!("{}{family}.json", exemptions(home))
}

/// The prefix of all exemptions.
#[must_use]
pub fn exemptions(home: &Home) -> String {
    format!("exemptions/{}/{}/", home.account(), home.region())
}

/// Where the move of a service lies.
#[must_use]
pub fn service_move(home: &Home, id: &ServiceId) -> String {
    format!("{}{id}.json", moves(home))
}

/// The prefix of all moves.
#[must_use]
pub fn moves(home: &Home) -> String {
    format!("moves/{}/{}/", home.account(), home.region())
}

/// The service whose move a key is, below the prefix of all moves; none if it is something else.
#[must_use]
pub fn service_below(prefix: &str, key: &str) -> Option<ServiceId> {
    let (cluster, name) = key.strip_prefix(prefix)?.strip_suffix(".json")?.split_once('/')?;
    ServiceId::new(cluster, name).ok()
}

/// Where the watermark of the sweeps lies.
#[must_use]
pub fn watermark(home: &Home) -> String {
    format!("sweeps/{}/{}.json", home.account(), home.region())
}

/// Where a sweep's evidence lies: `name` is a date with `.json`, `latest.json` or `latest.html`.
#[must_use]
pub fn report(home: &Home, name: &str) -> String {
    format!("reports/{}/{}/{name}", home.account(), home.region())
}

/// The revision whose record or backup a key is, below the family's prefix; none if it is something else.
#[must_use]
pub fn revision_below(prefix: &str, key: &str) -> Option<Revision> {
    key.strip_prefix(prefix)?.strip_suffix(".json")?.parse().ok()
}

/// The revision whose record a key is, below the prefix of all records; none if it is something else.
#[must_use]
pub fn id_below(prefix: &str, key: &str) -> Option<TaskDefinitionId> {
    let (family, revision) = key.strip_prefix(prefix)?.strip_suffix(".json")?.split_once('/')?;
    Some(TaskDefinitionId { family: family.parse().ok()?, revision: revision.parse().ok()? })
}

/// The family whose exemption a key is, below the prefix of all exemptions; none if it is something else.
#[must_use]
pub fn family_below(prefix: &str, key: &str) -> Option<Family> {
    key.strip_prefix(prefix)?.strip_suffix(".json")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_are_the_contract() {
        let home = Home::new("eu-west-1", "111122223333").unwrap();
        let id: TaskDefinitionId = "web:12".parse().unwrap();
        assert_eq!(backup(&home, &id), "backups/111122223333/eu-west-1/web/12.json");
        assert_eq!(record(&home, &id), "records/111122223333/eu-west-1/web/12.json");
        assert_eq!(exemption(&home, &id.family), "exemptions/111122223333/eu-west-1/web.json");
        let prefix = records_of(&home, &id.family);
        assert_eq!(revision_below(&prefix, &record(&home, &id)), Some(id.revision));
        assert_eq!(revision_below(&prefix, "records/111122223333/eu-west-1/web/x/12.json"), None);
        assert_eq!(id_below(&records(&home), &record(&home, &id)), Some(id.clone()));
        assert_eq!(family_below(&exemptions(&home), &exemption(&home, &id.family)), Some(id.family));
        let service = ServiceId::new("prod", "web").unwrap();
        assert_eq!(service_move(&home, &service), "moves/111122223333/eu-west-1/prod/web.json");
        assert_eq!(service_below(&moves(&home), &service_move(&home, &service)), Some(service));
        assert_eq!(watermark(&home), "sweeps/111122223333/eu-west-1.json");
        assert_eq!(report(&home, "latest.html"), "reports/111122223333/eu-west-1/latest.html");
    }
}
