//! The S3 keys of the contract: one home for where each object lies.

use super::arn::{Family, Home, Revision, TaskDefinitionId};

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
    format!("records/{}/{}/{family}/", home.account(), home.region())
}

/// Where the exemption of a family lies.
#[must_use]
pub fn exemption(home: &Home, family: &Family) -> String {
    format!("exemptions/{}/{}/{family}.json", home.account(), home.region())
}

/// The revision whose record or backup a key is, below the family's prefix; none if it is something else.
#[must_use]
pub fn revision_below(prefix: &str, key: &str) -> Option<Revision> {
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
    }
}
