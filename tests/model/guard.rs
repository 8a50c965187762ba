//! The guard's protocol, told a second time: which call comes after which. Everything that is judged on the way is
//! judged by the product's own pure functions, by what this run has been answered.

use std::collections::{BTreeMap, BTreeSet};

use ecs_privileged_guard::domain::arn::Revision;
use ecs_privileged_guard::domain::backup::{self, Stored};
use ecs_privileged_guard::domain::document::{OutputOnly, RegisterInput};
use ecs_privileged_guard::domain::exemption::{Found, Verdict, verdict};
use ecs_privileged_guard::domain::noise::{Due, due};
use ecs_privileged_guard::domain::observation::{Held, Observation, Original};
use ecs_privileged_guard::domain::outcome::{Alerting, Outcome, Reason};
use ecs_privileged_guard::domain::plan::{
    CopyInForce, MakeCopy, Then, check_plan, is_copy_of, plan, unfaithful_members,
};
use ecs_privileged_guard::domain::policy::Policy;
use ecs_privileged_guard::domain::provenance::Provenance;
use ecs_privileged_guard::domain::record::{MadeCopy, Record, Withdrawal};
use ecs_privileged_guard::domain::report::{Finding, Report};

use super::breaks::Break;
use super::mind::{self, End, Flow, Halt, Io};
use super::texts::{described, moment, policy, record, registered_at, small, text};
use super::world::{Answer, By, Call, Number, Rev, Text, Told};

const ROUNDS_MAX: u8 = 6;

/// A copy that this run has made, or taken to be withdrawn.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Made {
    number: Number,
    why: Option<&'static str>,
    is_withdrawn: bool,
}

/// What a run has done so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Run {
    made: Vec<Made>,
    sha256: Option<String>,
    met: BTreeSet<Number>,
    lost_above: Option<Number>,
    rounds: u8,
}

/// What was answered in one look.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Seen {
    original: Option<Rev>,
    later: BTreeMap<Number, Rev>,
    earlier: Option<(Number, Rev)>,
    removed: Vec<Number>,
    gone: Vec<Number>,
    exemption: Option<Text>,
    record: Option<Text>,
    family: Vec<Text>,
    made: Vec<Made>,
    highest: Number,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Ended {
    outcome: &'static str,
    reason: Option<&'static str>,
    copy: Option<(Number, bool)>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Part {
    Look(Run),
    Apply(Run, Seen),
    Report(Run, Seen, Ended),
}

impl Default for Part {
    fn default() -> Self {
        Self::Look(Run::default())
    }
}

fn becomes(part: Part) -> Halt {
    Halt::Becomes(Box::new(mind::Part::Guard(part)))
}

pub(crate) fn go(id: Number, part: Part, io: &mut Io) -> Flow<End> {
    match part {
        Part::Look(Run { rounds: ROUNDS_MAX, .. }) => Ok(End::Unsettled),
        Part::Look(mut run) if run.lost_above.is_some() => {
            let above = run.lost_above.take().unwrap();
            run.met.extend(io.numbers(Call::List)?.into_iter().filter(|number| *number > above));
            let mut number = run.met.last().copied().unwrap_or_default().max(above) + 1;
            while let Some(rev) = io.look_beyond(number)? {
                run.met.extend(rev.active.then_some(number));
                number += 1;
            }
            Err(becomes(Part::Look(run)))
        }
        Part::Look(run) => {
            let seen = observe(id, &run, io)?;
            Err(becomes(Part::Apply(run, seen)))
        }
        Part::Apply(mut run, seen) => match apply(id, &mut run, &seen, io)? {
            Some(ended) => Err(becomes(Part::Report(run, seen, ended))),
            None => Err(becomes(Part::Look(Run { rounds: run.rounds + 1, ..run }))),
        },
        Part::Report(run, seen, ended) => report(id, &run, &seen, &ended, io),
    }
}

/// The same order as `reconcile/observe.rs`: the original, what came after it, the records, the exemption.
fn observe(id: Number, run: &Run, io: &mut Io) -> Flow<Seen> {
    let original = io.look(id)?;
    let listed = io.numbers(Call::List)?;
    let mut later = BTreeMap::new();
    for number in listed.iter().rev().filter(|number| **number > id) {
        later.extend(io.look(*number)?.map(|rev| (*number, rev)));
    }
    let is_early = io.breaks == Break::ReadsTheExemptionEarly;
    let mut exemption = if is_early { io.text(Call::GetExemption)? } else { None };
    let own = io.text(Call::GetRecord(id))?;
    let held = own.as_ref().map(record);
    let mut standing = held.as_ref().map(standing).unwrap_or_default();
    standing.extend(run.made.iter().filter(|made| made.why.is_none()).map(|made| made.number));
    let open: BTreeSet<Number> = held.iter().flat_map(|held| condemned(held, true)).collect();
    let known: BTreeSet<Number> = standing.iter().chain(&open).chain(&run.met).copied().collect();
    let (mut removed, mut gone) = (Vec::new(), Vec::new());
    for number in known.into_iter().filter(|number| *number > id) {
        if later.contains_key(&number) {
            continue;
        }
        match io.look(number)? {
            Some(rev) => drop(later.insert(number, rev)),
            None if standing.contains(&number) => removed.push(number),
            None if open.contains(&number) => gone.push(number),
            None => {}
        }
    }
    let mut earlier = None;
    if original.is_none() && !later.is_empty() {
        for number in listed.iter().rev().filter(|number| **number < id) {
            earlier = io.look(*number)?.filter(|rev| rev.by != By::Guard).map(|rev| (*number, rev));
            if earlier.is_some() {
                break;
            }
        }
    }
    let mut family = Vec::new();
    for other in io.numbers(Call::ListRecords)?.into_iter().filter(|other| *other != id) {
        family.extend(io.text(Call::GetRecord(other))?);
    }
    let records: Vec<Record> = own.iter().chain(&family).map(record).collect();
    for number in records.iter().flat_map(|record| condemned(record, false)) {
        if later.contains_key(&number) && io.look(number)?.is_none() {
            later.remove(&number);
        }
    }
    if !is_early {
        exemption = io.text(Call::GetExemption)?;
    }
    let is_by_us = |number: &Number| records.iter().any(|record| condemned(record, false).contains(number));
    if io.breaks != Break::TrustsItsOwnRecord {
        gone.extend(removed.iter().copied().filter(is_by_us));
    }
    removed.retain(|number| !is_by_us(number));
    let highest = listed.iter().copied().chain([id]).max().unwrap();
    if io.breaks == Break::IgnoresWhatIsNext {
        later.clear();
    }
    if io.breaks == Break::ForgetsANo {
        removed.clear();
    }
    let exemption = exemption.filter(|_| io.breaks != Break::KnowsNoExemption);
    Ok(Seen {
        original,
        later,
        earlier,
        removed,
        gone,
        exemption,
        record: own,
        family,
        made: run.made.clone(),
        highest,
    })
}

fn standing(record: &Record) -> BTreeSet<Number> {
    record.standing_copies().keys().map(|copy| number(*copy)).collect()
}

fn condemned(record: &Record, only_open: bool) -> BTreeSet<Number> {
    let copies = record.copies.iter().filter(|copy| copy.condemned_for().is_some());
    let copies = copies.filter(|copy| !only_open || copy.withdrawn.is_none());
    copies.filter_map(MadeCopy::number).map(number).collect()
}

fn number(revision: Revision) -> Number {
    small(revision.number())
}

fn made_copy(made: &Made, policy: &Policy) -> MadeCopy {
    let at = registered_at(made.number);
    let copy = MadeCopy::new(Revision::new(made.number.into()).unwrap(), at, policy);
    MadeCopy { why: made.why.map(str::to_owned), withdrawn: made.is_withdrawn.then(|| moment(made.number)), ..copy }
}

/// The product's own value.
fn observation(id: Number, seen: &Seen, policy: &Policy) -> Observation {
    let of = |text: &Text| Held { record: record(text), etag: String::new() };
    let name = format!("web:{id}").parse().unwrap();
    let original = seen.original.map_or(Original::Gone, |rev| Original::Described(Box::new(described(id, rev))));
    let own = seen.record.as_ref().map(of);
    let records: Vec<Record> =
        own.iter().map(|held| held.record.clone()).chain(seen.family.iter().map(record)).collect();
    let gone = seen.gone.iter().filter_map(|gone| {
        let mut copies = records.iter().filter_map(|record| record.made(Revision::new((*gone).into()).ok()?));
        copies.find(|copy| copy.condemned_for().is_some())
    });
    Observation {
        later: seen.later.iter().map(|(number, rev)| described(*number, *rev)).collect(),
        earlier: seen.earlier.map(|(number, rev)| described(number, rev)),
        removed: seen.removed.iter().map(|number| Revision::new((*number).into()).unwrap()).collect(),
        gone: gone.map(|copy| MadeCopy { withdrawn: Some(moment(id)), ..copy.clone() }).collect(),
        exemption: found(seen.exemption.as_ref()),
        family_records: records.iter().skip(usize::from(own.is_some())).cloned().collect(),
        made: seen.made.iter().map(|made| made_copy(made, policy)).collect(),
        highest_listed: Revision::new(seen.highest.into()).unwrap(),
        record: own,
        ..Observation::of(name, original)
    }
}

pub(crate) fn found(exemption: Option<&Text>) -> Found {
    let object = |text: &Text| Found::Object { text: text.to_string(), written_at: Some(registered_at(0)) };
    exemption.map_or(Found::Nothing, object)
}

/// None: the world has moved, look again.
fn apply(id: Number, run: &mut Run, seen: &Seen, io: &mut Io) -> Flow<Option<Ended>> {
    let policy = policy();
    let real = observation(id, seen, &policy);
    let plan = plan(&real, &policy, moment(Number::MAX));
    assert_eq!(check_plan(&real, &policy, &plan), Ok(()), "{seen:?}");
    if io.breaks != Break::LeavesStrays {
        for (copy, why) in &plan.withdraw {
            withdraw(id, run, seen, number(copy.revision), *why, io)?;
        }
    }
    let copy = plan.copy.as_ref().map(|copy| (number(copy.id.revision), copy.is_ours));
    match &plan.then {
        Then::End(outcome, reason) => {
            Ok(Some(Ended { outcome: outcome.as_str(), reason: reason.map(Reason::as_str), copy }))
        }
        Then::Copy(texts) => make_copy(id, run, seen, texts, io),
        Then::Finish(finish) => {
            let finished = number(finish.copy.revision);
            if io.breaks == Break::NeverFinishes {
                return Ok(None);
            }
            let Some(sha256) = back_up(id, seen, &finish.original, io)? else { return Ok(None) };
            run.sha256 = Some(sha256);
            if io.breaks != Break::LooksAtNoOriginal && io.look(id)?.is_none() {
                withdraw(id, run, seen, finished, Withdrawal::Race, io)?;
                return Ok(None);
            }
            note(run, finished).why = None;
            Ok(Some(Ended { outcome: finish.outcome.as_str(), reason: None, copy }))
        }
    }
}

fn make_copy(id: Number, run: &mut Run, seen: &Seen, texts: &MakeCopy, io: &mut Io) -> Flow<Option<Ended>> {
    if io.breaks != Break::BacksNothingUp {
        let Some(sha256) = back_up(id, seen, &texts.original, io)? else { return Ok(None) };
        run.sha256 = Some(sha256);
    }
    let text = if io.breaks == Break::KeepsPrivilege { &texts.original } else { &texts.copy };
    let Some(copy) = io.register(text.as_str().into())? else {
        run.lost_above = Some(number(texts.highest_seen)).filter(|_| io.breaks != Break::ForgetsALostAnswer);
        return Ok(None);
    };
    note(run, copy);
    let policy = policy();
    let original = described(id, seen.original.unwrap());
    let is_done = |between: Number| {
        let held = seen.record.as_ref().map(record);
        held.iter()
            .flat_map(|held| &held.copies)
            .any(|made| made.revision == u32::from(between) && made.withdrawn.is_some())
            || run.made.iter().any(|made| made.number == between && made.is_withdrawn)
    };
    let highest = number(texts.highest_seen);
    let between = io.between(highest, copy, is_done)?;
    let overtaken =
        between.iter().find_map(|(other, rev)| match is_copy_of(&original, &described(*other, *rev), &policy) {
            true => Some((*other, Withdrawal::Duplicate)),
            false => (rev.by != By::Guard).then_some((*other, Withdrawal::Race)),
        });
    if let Some((other, why)) = overtaken {
        run.met.insert(other);
        let copy = if io.breaks == Break::TakesTheOtherAway { other } else { copy };
        withdraw(id, run, seen, copy, why, io)?;
        return Ok(None);
    }
    let Some(rev) = io.look(copy)? else { return Ok(None) };
    if !unfaithful_members(&original, &described(copy, rev), &policy).is_empty() {
        withdraw(id, run, seen, copy, Withdrawal::Unfaithful, io)?;
        let outcome = Outcome::UnfaithfulCopyWithdrawn.as_str();
        return Ok(Some(Ended { outcome, reason: None, copy: None }));
    }
    if io.breaks != Break::LooksAtNoOriginal && io.look(id)?.is_none() {
        withdraw(id, run, seen, copy, Withdrawal::Race, io)?;
        return Ok(None);
    }
    if ![Break::LooksAtNoExemption, Break::KnowsNoExemption].contains(&io.breaks) {
        let exemption = found(io.text(Call::GetExemption)?.as_ref());
        let privileged = original.privileged_containers();
        let family = &original.id().family;
        let verdict = verdict(&policy.exempt_families, family, privileged, &exemption, moment(Number::MAX));
        if !matches!(verdict, Verdict::NotExempt(_)) {
            withdraw(id, run, seen, copy, Withdrawal::Exempt, io)?;
            return Ok(None);
        }
    }
    if ![Break::LooksAtNoRecord, Break::ForgetsANo].contains(&io.breaks) {
        let mut others = io.text(Call::GetRecord(id))?.map(|text| standing(&record(&text))).unwrap_or_default();
        let known = observation(id, seen, &policy);
        others.retain(|other| {
            io.breaks == Break::TrustsItsOwnRecord
                || known.condemned_for(Revision::new((*other).into()).unwrap()).is_none()
        });
        if others.iter().any(|other| *other != copy) {
            run.met.extend(others);
            withdraw(id, run, seen, copy, Withdrawal::Duplicate, io)?;
            return Ok(None);
        }
    }
    Ok(Some(Ended { outcome: Outcome::Remediated.as_str(), reason: None, copy: Some((copy, true)) }))
}

/// The hash of what is stored. None: the answer was lost.
fn back_up(id: Number, seen: &Seen, original: &RegisterInput, io: &mut Io) -> Flow<Option<String>> {
    let text: Text = original.as_str().into();
    match io.call(Call::PutBackup { of: id, text: text.clone() })? {
        Answer::Written(true) => Ok(Some(backup::sha256(&text))),
        Answer::Written(false) => {
            let stored = io.text(Call::GetBackup(id))?.unwrap();
            let recorded = seen.record.as_ref().and_then(|held| record(held).backup_sha256);
            match backup::judge(&stored, original, &OutputOnly::default(), recorded.as_deref()) {
                Stored::Genuine { sha256 } => Ok(Some(sha256)),
                Stored::Tampered => unreachable!("nobody tampers here"),
            }
        }
        _ => Ok(None),
    }
}

fn note(run: &mut Run, copy: Number) -> &mut Made {
    let at = run.made.iter().position(|made| made.number == copy).unwrap_or_else(|| {
        run.made.push(Made { number: copy, why: None, is_withdrawn: false });
        run.made.len() - 1
    });
    &mut run.made[at]
}

/// That it must go is written down first.
fn withdraw(id: Number, run: &mut Run, seen: &Seen, copy: Number, why: Withdrawal, io: &mut Io) -> Flow<()> {
    note(run, copy).why = Some(why.as_str());
    if io.breaks != Break::WithdrawsUnsaid {
        let policy = policy();
        let containers = seen.original.filter(|rev| rev.privileged).map(|_| "app".to_owned());
        let begun =
            || Record::begun(&format!("web:{id}").parse().unwrap(), policy.mode.as_str(), containers.as_slice());
        let held = seen.record.as_ref().map_or_else(begun, record);
        let intent = Record { copies: vec![made_copy(note(run, copy), &policy)], ..held };
        update(id, seen.record.clone(), io, |held, is_overtaken| Record::merged(held, intent.clone(), is_overtaken))?;
    }
    io.call(Call::Deregister(copy))?;
    note(run, copy).is_withdrawn = true;
    Ok(())
}

/// Changes a record by compare-and-swap. Answers whether the answer came.
pub(crate) fn update(
    of: Number,
    mut held: Option<Text>,
    io: &mut Io,
    change: impl Fn(Option<Record>, bool) -> Record,
) -> Flow<bool> {
    let mut is_overtaken = false;
    loop {
        let before = held.as_ref().map(record);
        let after = change(before.clone(), is_overtaken);
        if before.is_some_and(|before| before.says_the_same_as(&after)) {
            return Ok(true);
        }
        let is_blind = io.breaks == Break::OverwritesRecords;
        match io.call(Call::PutRecord { of, text: text(&after), expect: held, is_blind })? {
            Answer::Written(true) => return Ok(true),
            Answer::Written(false) => (is_overtaken, held) = (true, io.text(Call::GetRecord(of))?),
            _ => return Ok(false),
        }
    }
}

/// First the alert, then the record.
fn report(id: Number, run: &Run, seen: &Seen, ended: &Ended, io: &mut Io) -> Flow<End> {
    let now = io.now()?;
    let policy = policy();
    let real = observation(id, seen, &policy);
    let plan = plan(&real, &policy, moment(Number::MAX));
    let family = real.family_records.clone();
    let held = real.record.clone();
    let name = |name: &str| serde_json::Value::String(name.to_owned());
    let in_force = |(copy, is_ours)| CopyInForce { id: format!("web:{copy}").parse().unwrap(), is_ours };
    let report = Report {
        id: real.id.clone(),
        is_daemon: false,
        mode: policy.mode,
        outcome: serde_json::from_value(name(ended.outcome)).unwrap(),
        reason: ended.reason.map(|reason| serde_json::from_value(name(reason)).unwrap()),
        copy: ended.copy.map(in_force),
        differences: Vec::new(),
        failure: None,
        made: run.made.iter().map(|made| made_copy(made, &policy)).collect(),
        backup_sha256: run.sha256.clone(),
        daemon_containers: Vec::new(),
        provenance: Provenance::of_event(Some(format!("e{id}"))),
        finding: Some(Finding { seen: real, plan }),
    };
    let mut due = due(&report.fact(), held.as_ref().map(|held| &held.record), &family, now);
    if io.breaks == Break::TellsNobody {
        due = Due { alert: Alerting::None, told_at: None };
    }
    let is_sent = due.alert == Alerting::Sent;
    let names = ended.copy.map(|(copy, _)| copy).into_iter().chain(run.made.iter().map(|made| made.number)).collect();
    let told = Told { by: By::Guard, about: id, outcome: ended.outcome.to_owned(), names, until: None };
    let tells_last = io.breaks == Break::TellsLast;
    if is_sent && !tells_last {
        io.call(Call::Publish(told.clone()))?;
    }
    if report.leaves_a_record(due.alert) {
        let is_news = is_sent || !run.made.is_empty();
        let news = report.record(due.told_at, now);
        let merge = |held, is_overtaken: bool| Record::merged(held, news.clone(), is_overtaken && !is_news);
        while !update(id, seen.record.clone(), io, merge)? {}
    }
    if is_sent && tells_last {
        io.call(Call::Publish(told))?;
    }
    Ok(End::Guard { outcome: ended.outcome, reason: ended.reason, is_sent, changed: !run.made.is_empty() })
}
