//! `doctor --live`: a registration of a family of its own, to see whether the guard answers. The family is exempt meanwhile,
//! so that the guard makes no copy and sends no alert; nothing runs it; and it is taken back whatever happens.
//!
//! The guard is waited for as long as CloudTrail takes, which nobody promises: log files come within about 5 minutes on
//! average, of EventBridge no figure is given, and its events are a best effort.
//! <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/get-and-view-cloudtrail-log-files.html>,
//! <https://docs.aws.amazon.com/eventbridge/latest/ref/event-delivery-level.html>

use std::fmt;
use std::time::Duration;

use ecs_privileged_guard::aws::{Clock, Ecs};
use ecs_privileged_guard::domain::arn::{Family, Revision, TaskDefinitionId};
use ecs_privileged_guard::domain::document::RegisterInput;
use ecs_privileged_guard::domain::exemption::Exemption;
use ecs_privileged_guard::domain::pipe::{Part, Row};
use ecs_privileged_guard::domain::record::Record;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
#[cfg(unix)]
use tokio::signal::unix::{SignalKind, signal};

use crate::args::DoctorArgs;
use crate::ask::ask;
use crate::backout::interrupted;
use crate::exit::Exit;
use crate::failure::trouble;
use crate::output::Output;
use crate::session::Guard;
use crate::trouble::Trouble;
use crate::when::{counted, seconds};
use crate::{exempt, read};

const FAMILY: &str = "ecs-privileged-guard-doctor";
const CONTAINER: &str = "doctor";
/// No registry has it: <https://www.rfc-editor.org/rfc/rfc6761#section-6.4>
const IMAGE: &str = "none.invalid/ecs-privileged-guard-doctor";
const REASON: &str = "guardctl doctor --live: nothing runs it, and it is taken back";
const APPROVED_BY: &str = "guardctl doctor";
const EXEMPT_FOR: SignedDuration = SignedDuration::from_hours(1);
/// Between two looks at the record.
const PAUSE: Duration = Duration::from_secs(2);

/// What came of it: what was seen, and whether all went well besides. One does not take the place of the other.
pub(super) struct Tried {
    /// None if nothing was seen.
    pub(super) row: Option<Row>,
    pub(super) ended: Result<Exit, Trouble>,
}

/// Asks, tries it, takes it back.
pub(super) async fn run(args: &DoctorArgs, guard: &Guard, output: Output) -> Tried {
    let only = |ended| Tried { row: None, ended };
    output.say(&format!(
        "A revision of {FAMILY} is registered: its one container is privileged, and nothing runs it. The family is exempt \
         meanwhile, so that no copy is made."
    ));
    output.say(
        "The exemption raises the alert about tampering with exemptions, when it is written and when it is ended. That an \
         alert of the guard itself is published is not proven by this.",
    );
    match ask("Register it, and take it back?", args.yes, output) {
        Ok(true) => {}
        Ok(false) => {
            output.say("Nothing was changed.");
            // That is no failure of the pipe, but what was asked for was not done.
            return only(Ok(Exit::Failed));
        }
        Err(trouble) => return only(Err(trouble)),
    }
    let mut probe = match Probe::new(guard) {
        Ok(probe) => probe,
        Err(trouble) => return only(Err(trouble)),
    };
    let seen = tokio::select! {
        seen = probe.run(args, output) => seen,
        () = stopped() => Err(Trouble::new(Exit::Interrupted, "interrupted while the guard was waited for")),
    };
    match (seen, probe.take_back(output).await) {
        (Ok(row), Ok(world)) => {
            output.say(&world);
            Tried { row: Some(row), ended: Ok(Exit::Fine) }
        }
        (Ok(row), Err(trouble)) => Tried { row: Some(row), ended: Err(trouble) },
        (Err(trouble), Ok(world)) => only(Err(trouble.world(world))),
        // What is left is what somebody has to do something about, and so comes first.
        (Err(first), Err(trouble)) => {
            let exit = if first.exit == Exit::Interrupted { first.exit } else { trouble.exit };
            only(Err(trouble.after(&first).ends(exit)))
        }
    }
}

/// Ends when somebody presses Ctrl-C, closes the terminal, or asks the process to end, as a pipeline's time limit does.
async fn stopped() {
    #[cfg(unix)]
    if let (Ok(mut end), Ok(mut closed)) = (signal(SignalKind::terminate()), signal(SignalKind::hangup())) {
        tokio::select! {
            () = interrupted() => {}
            _ = end.recv() => {}
            _ = closed.recv() => {}
        }
        return;
    }
    interrupted().await;
}

/// What was done so far, for whoever takes it back.
struct Probe<'a> {
    guard: &'a Guard,
    ecs: &'a Ecs,
    clock: Clock,
    family: Family,
    /// What was ACTIVE before: of an earlier run that was killed, or of another that is at work.
    before: Vec<Revision>,
    /// The exemption that was there, if it still holds: of another run, or of a person.
    earlier: Option<Exemption>,
    /// Ours, from before it is written: an answer may be lost. It is known by its end, to the nanosecond.
    exemption: Option<Exemption>,
    is_exempt: bool,
    is_sent: bool,
    id: Option<TaskDefinitionId>,
}

/// What became of this run's exemption.
enum Exempted {
    /// It was never there, or somebody else has written over it.
    NotOurs,
    Ended,
    /// The one that was there before holds again, until then.
    AsBefore(Timestamp),
}

impl<'a> Probe<'a> {
    fn new(guard: &'a Guard) -> Result<Self, Trouble> {
        let family = FAMILY.parse().map_err(|why| Trouble::new(Exit::Failed, FAMILY).because(&why))?;
        let (ecs, clock, before) = (&guard.aws.ecs, Clock::live(), Vec::new());
        let (earlier, exemption) = (None, None);
        Ok(Self { guard, ecs, clock, family, before, earlier, exemption, is_exempt: false, is_sent: false, id: None })
    }

    /// Exempts, registers, waits.
    async fn run(&mut self, args: &DoctorArgs, output: Output) -> Result<Row, Trouble> {
        self.before = self.active().await?;
        if let Some(left) = self.before.first() {
            output.say(&format!(
                "{FAMILY}:{left} is ACTIVE already: an earlier run left it, or another is at work. It is left alone."
            ));
        }
        self.exempt().await?;
        let id = self.register().await?;
        let began = self.clock.now();
        let wait = SignedDuration::from_secs(args.wait.into());
        loop {
            let waited = self.clock.now().duration_since(began);
            let record = read::record(self.guard, &id).await?;
            if let Some(record) = record.as_ref().filter(|record| record.event_id.is_some()) {
                return Ok(answered(&id, record, waited, self.guard));
            }
            if waited >= wait {
                return Ok(unanswered(&id, record.is_some(), args.wait));
            }
            output.progress(&format!("{id}: waited {} of {} seconds for the guard", waited.as_secs(), args.wait));
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn active(&self) -> Result<Vec<Revision>, Trouble> {
        let failed = || format!("the revisions of {FAMILY} could not be listed");
        let first = Revision::new(1).map_err(|why| Trouble::new(Exit::Failed, failed()).because(&why))?;
        let listed = self.ecs.active_revisions(&self.family, first).await;
        listed.map_err(|failure| trouble(failed(), &failure))
    }

    /// Over whatever is there, which is put back in the end: another run may rest on it.
    async fn exempt(&mut self) -> Result<(), Trouble> {
        let exemption = Exemption {
            containers: vec![CONTAINER.to_owned()],
            reason: REASON.to_owned(),
            approved_by: APPROVED_BY.to_owned(),
            expires_at: self.clock.now() + EXEMPT_FOR,
        };
        let held = exempt::read(self.guard, &self.family).await?;
        self.earlier = held.as_ref().and_then(|held| Exemption::read(&held.text).ok());
        let exemption = self.exemption.insert(exemption);
        exempt::write(self.guard, &self.family, exemption, held.as_ref()).await?;
        self.is_exempt = true;
        Ok(())
    }

    async fn register(&mut self) -> Result<TaskDefinitionId, Trouble> {
        let failed = || format!("{FAMILY} could not be registered");
        let input = json!({
            "family": FAMILY,
            "containerDefinitions": [
                {"name": CONTAINER, "image": IMAGE, "memory": 128, "essential": true, "privileged": true},
            ],
        });
        let input = RegisterInput::parse(&input.to_string());
        let input = input.map_err(|why| Trouble::new(Exit::Failed, failed()).because(&why))?;
        self.is_sent = true;
        match self.ecs.register_original(&input).await {
            Ok(id) => Ok(self.id.insert(id).clone()),
            Err(failure) => {
                self.is_sent = failure.may_be_done();
                let trouble = trouble(failed(), &failure);
                Err(match failure.denied_action() {
                    Some("ecs:RegisterTaskDefinition") => trouble.more_hint(&format!(
                        "; and a policy that denies privileged registrations, as those in policies/ do, must leave out \
                         the family {FAMILY}, whose revision is privileged"
                    )),
                    _ => trouble,
                })
            }
        }
    }

    /// Deregisters what was registered, then ends the exemption: in this order nothing is privileged without one. Says
    /// how things are then; a trouble says what is left and how it goes.
    async fn take_back(&self, output: Output) -> Result<String, Trouble> {
        output.progress("what was registered is taken back");
        let deregistered = self.deregister().await;
        let ended = self.end_exemption().await;
        let end = self.guard.command(&format!("exempt end {FAMILY}"));
        match (deregistered, ended) {
            (Ok(None), Ok(Exempted::NotOurs)) if !self.is_exempt => Ok("Nothing was changed.".to_owned()),
            (Ok(None), Ok(ended)) => Ok(format!("Nothing is registered, and the exemption of {FAMILY} {ended}.")),
            (Ok(Some(id)), Ok(ended)) => Ok(format!("{id} is deregistered, and its exemption {ended}.")),
            (Err(trouble), ended) => {
                let id = self.id.as_ref().map_or_else(|| format!("{FAMILY}:REVISION"), ToString::to_string);
                let (region, rest) = (self.guard.home.region(), format!("--task-definition {id}"));
                let deregister = self.guard.typed.aws("ecs deregister-task-definition", region, &rest);
                let exemption =
                    ended.map_or_else(|_| format!("may hold for an hour: {end}"), |ended| ended.to_string());
                let world = format!("{id} may still be ACTIVE: {deregister}; its exemption {exemption}");
                Err(trouble.world(world))
            }
            (Ok(_), Err(trouble)) => {
                let world = format!("Nothing is registered, but {FAMILY} may be exempt for an hour: {end}");
                Err(trouble.world(world))
            }
        }
    }

    async fn deregister(&self) -> Result<Option<TaskDefinitionId>, Trouble> {
        let id = match (&self.id, self.is_sent) {
            (Some(id), _) => id.clone(),
            (None, false) => return Ok(None),
            // An answer was lost, or not waited for: what counts is what is there.
            (None, true) => match self.active().await?.into_iter().find(|it| !self.before.contains(it)) {
                Some(revision) => self.family.revision(revision),
                None => return Ok(None),
            },
        };
        let deregistered = self.ecs.deregister(&id).await;
        deregistered.map_err(|failure| trouble(format!("{id} could not be deregistered"), &failure))?;
        Ok(Some(id))
    }

    /// Ours only: what is not word for word what this run has written, another rests on, or a person has written it.
    async fn end_exemption(&self) -> Result<Exempted, Trouble> {
        let Some(ours) = &self.exemption else { return Ok(Exempted::NotOurs) };
        let Some(held) = exempt::read(self.guard, &self.family).await? else { return Ok(Exempted::NotOurs) };
        if Exemption::read(&held.text).ok().as_ref() != Some(ours) {
            return Ok(Exempted::NotOurs);
        }
        let now = seconds(self.clock.now());
        let (exemption, ended) = match self.earlier.as_ref().filter(|earlier| earlier.expires_at > now) {
            Some(earlier) => (earlier.clone(), Exempted::AsBefore(earlier.expires_at)),
            None => (Exemption { expires_at: now, ..ours.clone() }, Exempted::Ended),
        };
        exempt::write(self.guard, &self.family, &exemption, Some(&held)).await?;
        Ok(ended)
    }
}

impl fmt::Display for Exempted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotOurs => f.write_str("is not this run's any more"),
            Self::Ended => f.write_str("has ended"),
            Self::AsBefore(end) => write!(f, "is what it was before, until {}", seconds(*end)),
        }
    }
}

/// By its record, which names the event: a sweep would have found the revision, too, but without one.
fn answered(id: &TaskDefinitionId, record: &Record, waited: SignedDuration, guard: &Guard) -> Row {
    let after = match waited.as_secs() {
        0 => "at once".to_owned(),
        waited => format!("after {}", counted(waited, "second", "seconds")),
    };
    match record.outcome.as_str() {
        "exempt" => Row::ok(Part::Live, format!("the guard has answered {after}")),
        outcome => {
            let says = format!("the guard has answered {after}, but with {outcome}: {id} was to be exempt");
            Row::warning(Part::Live, says, guard.command(&format!("show {id}")))
        }
    }
}

fn unanswered(id: &TaskDefinitionId, is_recorded: bool, wait: u16) -> Row {
    let by_sweep = if is_recorded { "; a sweep has seen it, no event told of it" } else { "" };
    let says = format!("the guard has not answered to {id} within {wait} seconds{by_sweep}");
    let todo = "what is broken above is the likely cause; where nothing is, the event may come later, since CloudTrail \
                promises no time: a longer --wait";
    Row::broken(Part::Live, says, todo)
}
