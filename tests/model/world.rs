//! ECS, S3 and SNS as far as the protocol leans on them: numbers without gaps, immutable revisions that become INACTIVE
//! for good and are not described then, conditional writes. Each call is one step; the rules for single steps are
//! judged as it is done.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::{judge, texts};

pub(crate) type Number = u8;
pub(crate) type Text = Arc<str>;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum By {
    People,
    Guard,
    Backout,
}

/// A revision. Only `active` ever changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Rev {
    pub(crate) says: u8,
    pub(crate) privileged: bool,
    pub(crate) by: By,
    pub(crate) active: bool,
}

/// An alert: about which original, what came of it, and the revisions that it names.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Told {
    pub(crate) by: By,
    pub(crate) about: Number,
    pub(crate) outcome: String,
    pub(crate) names: BTreeSet<Number>,
    /// Until when the family is exempt, by its word.
    pub(crate) until: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Call {
    Look(Number),
    /// Whether there is such a revision, ACTIVE or not.
    LookBeyond(Number),
    List,
    GetExemption,
    PutExemption {
        text: Text,
        expect: Option<Text>,
        is_blind: bool,
    },
    GetRecord(Number),
    ListRecords,
    PutRecord {
        of: Number,
        text: Text,
        expect: Option<Text>,
        is_blind: bool,
    },
    PutBackup {
        of: Number,
        text: Text,
    },
    GetBackup(Number),
    Register(Text),
    Deregister(Number),
    Publish(Told),
    /// The time by now. Nobody comes between it and the call before.
    Now,
}

impl Call {
    pub(crate) fn is_write(&self) -> bool {
        matches!(
            self,
            Self::PutExemption { .. }
                | Self::PutRecord { .. }
                | Self::PutBackup { .. }
                | Self::Register(_)
                | Self::Deregister(_)
        )
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Answer {
    /// A revision, if it is ACTIVE.
    Rev(Number, Option<Rev>),
    Numbers(Vec<Number>),
    Text(Option<Text>),
    /// Whether a conditional write was done.
    Written(bool),
    Registered(Number),
    Done,
    /// It was done, and the answer did not come.
    Lost,
    Now(Number),
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct World {
    /// The first is number 1.
    pub(crate) revs: Vec<Rev>,
    pub(crate) backups: BTreeMap<Number, Text>,
    pub(crate) records: BTreeMap<Number, Text>,
    pub(crate) exemption: Option<Text>,
    pub(crate) told: BTreeSet<Told>,
    /// The rules that a step has broken.
    pub(crate) broken: BTreeSet<&'static str>,
    /// Copies of which people have said no by deregistering them.
    pub(crate) refused: BTreeSet<Number>,
}

impl World {
    pub(crate) fn count(&self) -> Number {
        self.revs.len().try_into().unwrap()
    }

    pub(crate) fn rev(&self, number: Number) -> Rev {
        self.revs[usize::from(number) - 1]
    }

    pub(crate) fn all(&self) -> impl DoubleEndedIterator<Item = (Number, Rev)> {
        (1..=self.count()).map(|number| (number, self.rev(number)))
    }

    pub(crate) fn active(&self) -> impl DoubleEndedIterator<Item = (Number, Rev)> {
        self.all().filter(|(_, rev)| rev.active)
    }

    pub(crate) fn register(&mut self, says: u8, privileged: bool, by: By) -> Number {
        self.revs.push(Rev { says, privileged, by, active: true });
        self.count()
    }

    pub(crate) fn deregister(&mut self, number: Number) {
        self.revs[usize::from(number) - 1].active = false;
    }

    /// What a call does and is answered.
    pub(crate) fn serve(&mut self, by: By, call: &Call) -> Answer {
        self.broken.extend(judge::step(self, by, call));
        match call {
            Call::Look(number) => Answer::Rev(*number, Some(self.rev(*number)).filter(|rev| rev.active)),
            Call::LookBeyond(number) => Answer::Rev(*number, (*number <= self.count()).then(|| self.rev(*number))),
            Call::List => Answer::Numbers(self.active().map(|(number, _)| number).collect()),
            Call::GetExemption => Answer::Text(self.exemption.clone()),
            Call::PutExemption { text, expect, is_blind } => match *is_blind || self.exemption == *expect {
                true => {
                    self.exemption = Some(text.clone());
                    Answer::Written(true)
                }
                false => Answer::Written(false),
            },
            Call::GetRecord(of) => Answer::Text(self.records.get(of).cloned()),
            Call::ListRecords => Answer::Numbers(self.records.keys().copied().collect()),
            Call::PutRecord { of, text, expect, is_blind } => {
                let may = *is_blind || self.records.get(of) == expect.as_ref();
                if may {
                    self.records.insert(*of, text.clone());
                }
                Answer::Written(may)
            }
            Call::PutBackup { of, text } => match self.backups.contains_key(of) {
                true => Answer::Written(false),
                false => {
                    self.backups.insert(*of, text.clone());
                    Answer::Written(true)
                }
            },
            Call::GetBackup(of) => Answer::Text(self.backups.get(of).cloned()),
            Call::Register(input) => {
                let (says, privileged) = texts::says(input);
                Answer::Registered(self.register(says, privileged, by))
            }
            Call::Deregister(number) => {
                self.deregister(*number);
                Answer::Done
            }
            Call::Publish(told) => {
                self.told.insert(told.clone());
                Answer::Done
            }
            Call::Now => Answer::Now(self.count()),
        }
    }
}
