//! How a watermark stores what is known of privileged revisions: one entry for all neighbours of a family that differ only
//! in what they rest on and when they were registered. Where a family has the flag it mostly has it in every revision, and
//! the same words ten times over would fill the watermark.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::super::arn::{Family, Revision, TaskDefinitionId};
use super::watermark::Standing;

type Standings = BTreeMap<TaskDefinitionId, Standing>;

#[derive(Serialize, Deserialize)]
struct Entry {
    /// Each with what it rests on, and when it was registered if that was since the first run: nobody asks of others.
    revisions: Vec<(Revision, String, Option<Timestamp>)>,
    /// What they have in common.
    standing: Standing,
}

pub(super) fn serialize<S: Serializer>(standings: &Standings, serializer: S) -> Result<S::Ok, S::Error> {
    let mut families: BTreeMap<&Family, Vec<Entry>> = BTreeMap::new();
    for (id, standing) in standings {
        let registered_at = standing.registered_at.filter(|_| !standing.existed_before);
        let revision = (id.revision, standing.rests_on.clone(), registered_at);
        let standing = Standing { rests_on: String::new(), registered_at: None, ..standing.clone() };
        let entries = families.entry(&id.family).or_default();
        match entries.last_mut().filter(|entry| entry.standing == standing) {
            Some(entry) => entry.revisions.push(revision),
            None => entries.push(Entry { revisions: vec![revision], standing }),
        }
    }
    families.serialize(serializer)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Standings, D::Error> {
    let families = BTreeMap::<Family, Vec<Entry>>::deserialize(deserializer)?;
    let mut standings = Standings::new();
    for (family, entries) in families {
        for Entry { revisions, standing } in entries {
            let of = |(number, rests_on, registered_at)| {
                (family.revision(number), Standing { rests_on, registered_at, ..standing.clone() })
            };
            standings.extend(revisions.into_iter().map(of));
        }
    }
    Ok(standings)
}
