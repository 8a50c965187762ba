//! Backout's protocol, told a second time: exemption, note, original, copy, alert, record. What is judged on the way is
//! judged by the product's own pure functions. No services: they are the world's business.

use std::collections::BTreeSet;

use ecs_privileged_guard::domain::arn::Revision;
use ecs_privileged_guard::domain::backout::note;
use ecs_privileged_guard::domain::backout::plan::{self, BringBack, Plan, Steps};
use ecs_privileged_guard::domain::backout::request::Request;
use ecs_privileged_guard::domain::exemption::Exemption;
use ecs_privileged_guard::domain::observation::Held;
use ecs_privileged_guard::domain::record::{MadeCopy, Record, Withdrawal};
use jiff::Timestamp;

use super::breaks::Break;
use super::guard::{found, update};
use super::mind::{self, End, Flow, Halt, Io};
use super::texts::{FUNCTION, described, policy, record, registered_at, small};
use super::world::{Answer, By, Call, Number, Rev, Text, Told};

const ROUNDS_MAX: u8 = 6;
/// Every story's original.
pub(crate) const ORIGINAL: Number = 1;

#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Done {
    exempted: Option<Timestamp>,
    sent_exemption: Option<Text>,
    is_noted: bool,
    has_sent_registration: bool,
    registered: Option<Number>,
    restored: Option<Number>,
    taken_back: BTreeSet<Number>,
    withdrawn: BTreeSet<Number>,
    met: BTreeSet<Number>,
    rounds: u8,
}

impl Done {
    fn has_changed_something(&self) -> bool {
        self.exempted.is_some()
            || self.sent_exemption.is_some()
            || self.has_sent_registration
            || !self.taken_back.is_empty()
            || !self.withdrawn.is_empty()
    }

    fn has_deregistered(&self, number: Number) -> bool {
        self.taken_back.contains(&number) || self.withdrawn.contains(&number)
    }
}

/// What the last look has shown, for whoever is told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Known {
    until: Option<Timestamp>,
    gone: BTreeSet<Number>,
    left: BTreeSet<Number>,
    is_untold: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Seen {
    original: Option<Rev>,
    later: Vec<(Number, Rev)>,
    gone: Vec<Number>,
    record: Option<Text>,
    others: Vec<(Number, Text)>,
    exemption: Option<Text>,
    backup: Option<Text>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Part {
    Look(Done, Known),
    Apply(Done, Known, Seen),
    /// Nothing (more) to do, or it cannot be done.
    Tell(Done, Known, End),
}

impl Default for Part {
    fn default() -> Self {
        Self::Look(Done::default(), Known::default())
    }
}

fn becomes(part: Part) -> Halt {
    Halt::Becomes(Box::new(mind::Part::Backout(part)))
}

fn revision(number: Number) -> Revision {
    Revision::new(number.into()).unwrap()
}

fn number(revision: Revision) -> Number {
    small(revision.number())
}

pub(crate) fn go(days: i64, part: Part, io: &mut Io) -> Flow<End> {
    match part {
        Part::Look(done, known) if done.rounds == ROUNDS_MAX => Err(becomes(Part::Tell(done, known, End::Unsettled))),
        Part::Look(done, known) => match observe(&done, io)? {
            Some(seen) => Err(becomes(Part::Apply(done, known, seen))),
            None => Err(becomes(Part::Tell(done, known, End::Backout("nothing_to_back_out")))),
        },
        Part::Apply(mut done, mut known, seen) => match apply(days, &mut done, &mut known, &seen, io)? {
            Some(End::Backout("backed_out")) => Ok(End::Backout("backed_out")),
            Some(end) => Err(becomes(Part::Tell(done, known, end))),
            None => {
                done.rounds += 1;
                Err(becomes(Part::Look(done, known)))
            }
        },
        Part::Tell(done, known, end) => tell_failed(&done, &known, end, io),
    }
}

/// The same order as `reconcile/backout/observe.rs`. None: the guard knows nothing of this revision.
fn observe(done: &Done, io: &mut Io) -> Flow<Option<Seen>> {
    let own = io.text(Call::GetRecord(ORIGINAL))?.map(|text| record(&text));
    let is_original =
        |record: &Record| record.copy.is_some() || !record.copies.is_empty() || record.backed_out.is_some();
    if !own.as_ref().is_some_and(is_original) && io.text(Call::GetBackup(ORIGINAL))?.is_none() && own.is_none() {
        return Ok(None);
    }
    let original = io.look(ORIGINAL)?;
    let own = io.text(Call::GetRecord(ORIGINAL))?;
    let made = own.iter().flat_map(|text| record(text).copies).filter(|made| made.withdrawn.is_none());
    let expected: BTreeSet<Number> =
        made.filter_map(|made| made.number()).map(number).chain(done.met.iter().copied()).collect();
    let listed = io.numbers(Call::List)?;
    let numbers: BTreeSet<Number> = listed.into_iter().chain(expected.iter().copied()).collect();
    let (mut later, mut gone) = (Vec::new(), Vec::new());
    for number in numbers.into_iter().filter(|number| *number > ORIGINAL) {
        if done.has_deregistered(number) {
            gone.push(number);
            continue;
        }
        match io.look(number)? {
            Some(rev) => later.push((number, rev)),
            None if expected.contains(&number) => gone.push(number),
            None => {}
        }
    }
    let mut others = Vec::new();
    if !later.is_empty() {
        for other in io.numbers(Call::ListRecords)?.into_iter().rev().filter(|other| *other > ORIGINAL) {
            others.extend(io.text(Call::GetRecord(other))?.map(|text| (other, text)));
        }
    }
    let exemption = io.text(Call::GetExemption)?;
    let backup = io.text(Call::GetBackup(ORIGINAL))?;
    Ok(Some(Seen { original, later, gone, record: own, others, exemption, backup }))
}

fn real(seen: &Seen) -> plan::Seen {
    let held = |text: &Text| Held { record: record(text), etag: String::new() };
    let id = |number: Number| format!("web:{number}").parse().unwrap();
    plan::Seen {
        id: id(ORIGINAL),
        original: seen.original.map(|rev| described(ORIGINAL, rev)),
        later: seen.later.iter().map(|(number, rev)| described(*number, *rev)).collect(),
        gone: seen.gone.iter().map(|number| revision(*number)).collect(),
        record: seen.record.as_ref().map(held),
        other_records: seen.others.iter().map(|(number, text)| (id(*number), record(text))).collect(),
        backup: seen.backup.as_ref().map(ToString::to_string),
        exemption: (found(seen.exemption.as_ref()), seen.exemption.as_ref().map(ToString::to_string)),
        services: Vec::new(),
    }
}

/// One who asks for other days is another person.
fn request(days: i64) -> Request {
    Request {
        named: format!("web:{ORIGINAL}").parse().unwrap(),
        reason: format!("it breaks {days}"),
        approved_by: format!("jane {days}"),
        days,
        replace: false,
        dry_run: false,
    }
}

/// None: the world has moved, look again.
fn apply(days: i64, done: &mut Done, known: &mut Known, seen: &Seen, io: &mut Io) -> Flow<Option<End>> {
    let now = io.now()?;
    let request = request(days);
    let judged = plan::plan(&real(seen), &request, &policy(), Some(FUNCTION), now);
    if let Some(sent) = done.sent_exemption.take().filter(|sent| seen.exemption.as_ref() == Some(sent)) {
        done.exempted = Some(Exemption::read(&sent).unwrap().expires_at);
    }
    known.until = match &judged.plan {
        Plan::BackOut(steps) => steps.exemption.is_none().then_some(steps.until),
        Plan::Already(standing) => Some(standing.until),
        Plan::Refuse(_) | Plan::Fail(_) | Plan::Nothing => judged.until,
    };
    known.is_untold = judged.is_untold;
    known.left = judged.left.iter().map(|id| number(id.revision)).collect();
    let open = seen.record.iter().flat_map(|text| record(text).copies).filter(|made| made.withdrawn.is_none());
    let open = open.filter_map(|made| made.number()).map(number);
    known.gone = open.filter(|number| seen.gone.contains(number) && !done.has_deregistered(*number)).collect();
    if !judged.take_back.is_empty() {
        for unproven in &judged.take_back {
            io.call(Call::Deregister(number(unproven.id.revision)))?;
            done.taken_back.insert(number(unproven.id.revision));
        }
        return Ok(None);
    }
    match judged.plan {
        Plan::BackOut(steps) => match carry_out(done, seen, &steps, &request, now, io)? {
            true => tell(done, known, seen, &steps, &request, io).map(Some),
            false => Ok(None),
        },
        Plan::Refuse(_) => Ok(Some(End::Backout("refused"))),
        Plan::Nothing => Ok(Some(End::Backout("nothing_to_back_out"))),
        Plan::Already(_) => Ok(Some(End::Backout("already_backed_out"))),
        Plan::Fail(_) => unreachable!("nothing is denied here"),
    }
}

fn begun(containers: &[String]) -> Record {
    Record::begun(&format!("web:{ORIGINAL}").parse().unwrap(), policy().mode.as_str(), containers)
}

/// Whether all steps were carried out.
fn carry_out(
    done: &mut Done,
    seen: &Seen,
    steps: &Steps,
    request: &Request,
    now: Timestamp,
    io: &mut Io,
) -> Flow<bool> {
    if let Some(exemption) = steps.exemption.as_ref().filter(|_| io.breaks != Break::ExemptsNothing) {
        let text: Text = exemption.to_json().into();
        let is_blind = io.breaks == Break::OverwritesExemptions;
        match io.call(Call::PutExemption { text: text.clone(), expect: seen.exemption.clone(), is_blind })? {
            Answer::Written(true) => done.exempted = Some(exemption.expires_at),
            _ => {
                done.sent_exemption = Some(text);
                return Ok(false);
            }
        }
    }
    let is_register = matches!(steps.original, BringBack::Register(_));
    let is_needed = is_register || !steps.deregister.is_empty();
    if !done.is_noted && is_needed && io.breaks != Break::BeginsUnsaid {
        let change = |held: Option<Record>, _| {
            let mut record = held.unwrap_or_else(|| begun(&steps.containers));
            for copy in &steps.deregister {
                if record.made(copy.revision).is_none() {
                    let at = registered_at(number(copy.revision)).min(now);
                    record.copies.push(MadeCopy::new(copy.revision, at, &policy()));
                }
            }
            let backed_out = note::begun(record.backed_out.as_ref(), request, now);
            Record { backed_out: Some(backed_out), at: Some(now), ..record }
        };
        if !update(ORIGINAL, seen.record.clone(), io, change)? {
            return Ok(false);
        }
        done.is_noted = true;
    }
    if io.breaks == Break::BringsBackLast {
        take_copies_away(done, steps, io)?;
    }
    let restored = match &steps.original {
        BringBack::Stands(id) => {
            let stands = number(id.revision);
            if done.has_sent_registration && stands != ORIGINAL {
                done.registered.get_or_insert(stands);
            }
            stands
        }
        BringBack::Register(input) => match register(done, seen, input.as_str().into(), io)? {
            Some(restored) => restored,
            None => return Ok(false),
        },
    };
    done.restored = Some(restored);
    if !is_register && !steps.deregister.is_empty() && io.look(restored)?.is_none() {
        return Ok(false);
    }
    if io.breaks != Break::BringsBackLast {
        take_copies_away(done, steps, io)?;
    }
    Ok(true)
}

fn take_copies_away(done: &mut Done, steps: &Steps, io: &mut Io) -> Flow<()> {
    for copy in &steps.deregister {
        io.call(Call::Deregister(number(copy.revision)))?;
        done.withdrawn.insert(number(copy.revision));
    }
    Ok(())
}

/// None: its answer was lost, or the family has moved on and what was registered is taken back.
fn register(done: &mut Done, seen: &Seen, input: Text, io: &mut Io) -> Flow<Option<Number>> {
    let known = seen.later.iter().map(|(number, _)| *number).chain(seen.gone.iter().copied());
    let highest = known.chain([ORIGINAL]).max().unwrap();
    done.has_sent_registration = true;
    let Some(restored) = io.register(input)? else { return Ok(None) };
    done.registered = Some(restored);
    done.met.insert(restored);
    let taken_back = done.taken_back.clone();
    let between = io.between(highest, restored, |number| taken_back.contains(&number))?;
    let others: Vec<Number> =
        between.iter().filter(|(_, rev)| rev.by != By::Guard).map(|(number, _)| *number).collect();
    if !others.is_empty() {
        done.met.extend(others);
        io.call(Call::Deregister(restored))?;
        done.taken_back.insert(restored);
        return Ok(None);
    }
    Ok(io.look(restored)?.map(|_| restored))
}

fn undone(done: &Done, held: Vec<MadeCopy>, gone: &[Number], now: Timestamp) -> Vec<MadeCopy> {
    let is_undone = |copy: &MadeCopy| {
        copy.number().map(number).is_some_and(|number| done.has_deregistered(number) || gone.contains(&number))
    };
    let mark = |copy: MadeCopy| match copy.withdrawn.is_none() && is_undone(&copy) {
        true => MadeCopy { withdrawn: Some(now), why: Some(Withdrawal::BackedOut.as_str().to_owned()), ..copy },
        false => copy,
    };
    let mut copies: Vec<MadeCopy> = held.into_iter().map(mark).collect();
    for copy in &done.withdrawn {
        if !copies.iter().any(|made| made.is_revision(revision(*copy))) {
            copies.push(mark(MadeCopy::new(revision(*copy), now, &policy())));
        }
    }
    copies
}

fn told(done: &Done, known: &Known, outcome: &str) -> Told {
    let names = [&done.taken_back, &done.withdrawn, &known.gone, &known.left].into_iter().flatten().copied();
    let names = names.chain(done.registered).chain(done.restored).chain([ORIGINAL]).collect();
    Told { by: By::Backout, about: ORIGINAL, outcome: outcome.to_owned(), names, until: known.until.or(done.exempted) }
}

fn tell(done: &Done, known: &Known, seen: &Seen, steps: &Steps, request: &Request, io: &mut Io) -> Flow<End> {
    let tells_last = io.breaks == Break::TellsLast;
    if !tells_last {
        io.call(Call::Publish(told(done, known, "backed_out")))?;
    }
    let now = io.now()?;
    let seen_told = seen.record.as_ref().and_then(|text| record(text).exemption_told);
    let restored = format!("web:{}", done.restored.unwrap()).parse().unwrap();
    let change = |held: Option<Record>, _| {
        let mut record = held.unwrap_or_else(|| begun(&steps.containers));
        record.copies = undone(done, record.copies, &seen.gone, now);
        let backed_out = Some(note::finished(&restored, steps.until, request, now));
        let by_others = record.exemption_told.filter(|told| Some(*told) != seen_told);
        Record { backed_out, exemption_told: by_others.max(Some(steps.until)), at: Some(now), ..record }
    };
    loop {
        let held = io.text(Call::GetRecord(ORIGINAL))?;
        if update(ORIGINAL, held, io, change)? {
            break;
        }
    }
    if tells_last {
        io.call(Call::Publish(told(done, known, "backed_out")))?;
    }
    Ok(End::Backout("backed_out"))
}

/// Silent only if nobody has changed anything.
fn tell_failed(done: &Done, known: &Known, end: End, io: &mut Io) -> Flow<End> {
    if !done.has_changed_something() && !known.is_untold {
        return Ok(end);
    }
    io.call(Call::Publish(told(done, known, "failed")))?;
    let now = io.now()?;
    if let Some(held) = io.text(Call::GetRecord(ORIGINAL))? {
        let change = |record: Option<Record>, _| {
            let record = record.unwrap();
            let told = record.backed_out.as_ref().and_then(|backed_out| note::told(backed_out, now));
            let backed_out = told.or_else(|| record.backed_out.clone());
            let gone: Vec<Number> = known.gone.iter().copied().filter(|_| backed_out.is_some()).collect();
            let copies = undone(done, record.copies, &gone, now);
            let exemption_told = known.until.or(done.exempted).or(record.exemption_told);
            Record { copies, backed_out, exemption_told, ..record }
        };
        update(ORIGINAL, Some(held), io, change)?;
    }
    Ok(match end {
        End::Unsettled => end,
        End::Guard { .. } | End::Backout(_) => End::Backout("failed"),
    })
}
