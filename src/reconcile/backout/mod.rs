//! Undoes, at a person's word, what the guard did to one original: everything is checked before the first write; then
//! the exemption, the original, the services, the copy, the report, in this order, each step safe to repeat. What was
//! begun never ends in silence.

mod apply;
mod done;
mod observe;
mod tell;

use jiff::Timestamp;

use super::apply::TIME_TO_FINISH;
use super::stop::Stop;
use super::{Guard, ROUNDS_MAX, RunError, TIME_TO_REPORT};
use crate::domain::arn::TaskDefinitionId;
use crate::domain::backout::alert;
use crate::domain::backout::answer::Answer;
use crate::domain::backout::note::begun_at;
use crate::domain::backout::plan::{BringBack, Judged, Plan, Seen, Services, plan};
use crate::domain::backout::refusal::{Refusal, Refused};
use crate::domain::backout::request::Request;
use crate::domain::document::Described;
use crate::domain::outcome::Alerting;
use crate::domain::record::MadeCopy;
use crate::domain::report::Failure;

use apply::{Applied, apply, take_back_unproven};
use done::Done;
use observe::{observe, original_of};

/// A run, from its request to its end.
struct Backout<'a> {
    guard: &'a Guard,
    request: &'a Request,
    deadline: Timestamp,
    done: Done,
    known: Known,
    /// Somebody was told how it ended.
    is_told: bool,
}

/// What the looks so far have shown, for whoever is told how the run ended.
#[derive(Default)]
struct Known {
    /// The original; before it is found, nothing.
    id: Option<TaskDefinitionId>,
    /// Until when the family was exempt without this run.
    until: Option<Timestamp>,
    /// The services, by what was to be done about them.
    services: Services,
    /// When an earlier run began what this one goes on with.
    begun_at: Option<Timestamp>,
    /// The copies that the record names and that are gone without this run's doing.
    gone: Vec<TaskDefinitionId>,
    /// What an earlier run registered and did not live to tell of.
    left: Vec<TaskDefinitionId>,
    /// An earlier run did something that nobody was told of.
    is_untold: bool,
    is_backup_tampered: bool,
    /// The roles that a registration of the original passes.
    roles: Vec<String>,
}

/// Why a round did not come to its end.
enum Stopped {
    /// A step was stopped.
    Step(Stop),
    /// The run is over.
    Run(RunError),
}

impl<E: Into<Stop>> From<E> for Stopped {
    fn from(error: E) -> Self {
        Self::Step(error.into())
    }
}

impl Guard {
    /// Carries out a valid request.
    ///
    /// # Errors
    /// When what a retry can heal lasted longer than the run, or nobody could be told: the same request again goes on
    /// where this one stopped.
    pub async fn back_out(&self, request: &Request, deadline: Timestamp) -> Result<Answer, RunError> {
        let (done, known) = (Done::default(), Known::default());
        let mut backout = Backout { guard: self, request, deadline, done, known, is_told: false };
        match backout.run().await {
            // Nobody can be told, or somebody was.
            Err(error @ RunError::NotPublished(_)) => Err(error),
            Err(error) if backout.done.has_changed_something() && !backout.is_told => {
                backout.publish_failed(&error.to_string(), None).await?;
                Err(error)
            }
            ended => ended,
        }
    }
}

impl Backout<'_> {
    async fn run(&mut self) -> Result<Answer, RunError> {
        let mut patience = self.guard.patience(self.deadline);
        let mut rounds = 0;
        while rounds < ROUNDS_MAX {
            match self.round().await {
                Ok(Some(answer)) => return Ok(answer),
                Ok(None) => rounds += 1,
                Err(Stopped::Run(error)) => return Err(error),
                Err(Stopped::Step(Stop::Transient(failure))) => {
                    patience.wait(failure).await.map_err(RunError::Transient)?;
                }
                Err(Stopped::Step(Stop::OutOfTime)) => return Err(RunError::OutOfTime),
                Err(Stopped::Step(Stop::Failed(failure))) => return self.failed(failure).await,
            }
        }
        Err(RunError::Unsettled)
    }

    /// One look and what follows from it; nothing if the world has moved and is to be looked at again.
    async fn round(&mut self) -> Result<Option<Answer>, Stopped> {
        let (guard, request) = (self.guard, self.request);
        let Some(original) = self.in_time(original_of(guard, &request.named)).await? else {
            let judged = Judged::without_a_look(Plan::Nothing);
            let answer = self.concluded(&judged);
            return self.ended_without_steps(answer).await.map(Some).map_err(Stopped::Run);
        };
        let seen = self.in_time(observe(guard, &original, &request.named, &self.done)).await?;
        let now = guard.aws.clock.now();
        let judged = plan(&seen, request, &guard.policy, guard.texts.function.as_deref(), now);
        self.learn(&seen, &judged);
        let answer = self.concluded(&judged);
        if request.dry_run {
            return Ok(Some(answer));
        }
        if !judged.take_back.is_empty() {
            for unproven in &judged.take_back {
                take_back_unproven(guard, unproven, &mut self.done).await?;
            }
            return Ok(None);
        }
        match judged.plan {
            Plan::Fail(failure) => Err(Stop::Failed(Failure::Call(failure)).into()),
            Plan::Refuse(_) | Plan::Nothing | Plan::Already(_) => {
                self.ended_without_steps(answer).await.map(Some).map_err(Stopped::Run)
            }
            Plan::BackOut(_) if self.deadline.duration_since(now) < TIME_TO_FINISH => Err(Stop::OutOfTime.into()),
            Plan::BackOut(steps) => match apply(guard, &seen, &steps, request, self.deadline, &mut self.done).await? {
                Applied::LookAgain => Ok(None),
                Applied::Done => self.tell(&seen, &steps, answer).await.map(Some).map_err(Stopped::Run),
            },
        }
    }

    /// A look ends while there is time to tell what was begun: it walks all services of the account, and Lambda would not
    /// wait for it.
    async fn in_time<T>(&self, look: impl Future<Output = Result<T, Stop>>) -> Result<T, Stop> {
        self.guard.aws.clock.until(self.deadline - TIME_TO_REPORT, look).await.unwrap_or(Err(Stop::OutOfTime))
    }

    /// Keeps what a look has shown.
    fn learn(&mut self, seen: &Seen, judged: &Judged) {
        let is_first = self.known.id.is_none();
        self.known.id = Some(seen.id.clone());
        self.known.is_backup_tampered = judged.is_backup_tampered;
        self.known.left.clone_from(&judged.left);
        self.known.is_untold = judged.is_untold;
        self.done.has_found(&seen.exemption.0);
        match &judged.plan {
            Plan::BackOut(steps) => {
                self.known.roles = match &steps.original {
                    BringBack::Register(input) => input.roles().to_vec(),
                    BringBack::Stands(_) => seen.original.as_ref().map(Described::roles).unwrap_or_default().to_vec(),
                };
                self.known.until = steps.exemption.is_none().then_some(steps.until);
                self.known.services = steps.services.clone();
            }
            Plan::Already(standing) => {
                self.known.until = Some(standing.until);
                self.known.services = standing.services.clone();
            }
            Plan::Refuse(_) | Plan::Fail(_) | Plan::Nothing => self.known.until = judged.until,
        }
        let note = seen.record.as_ref().and_then(|held| held.record.backed_out.as_ref());
        self.known.begun_at = self.known.begun_at.or(note.and_then(begun_at).filter(|_| is_first));
        let made = seen.record.iter().flat_map(|held| &held.record.copies);
        let open = made.filter(|made| made.withdrawn.is_none()).filter_map(MadeCopy::number);
        let gone = open.filter(|number| seen.gone.contains(number) && !self.done.has_deregistered(*number));
        self.known.gone = gone.map(|number| seen.id.family.revision(number)).collect();
    }

    /// What a retry cannot heal: nothing is written over a record that cannot be read, and of anything else somebody
    /// is told what was done and what was not.
    async fn failed(&mut self, failure: Failure) -> Result<Answer, RunError> {
        let message = failure.to_string();
        if matches!(failure, Failure::RecordUnreadable { .. }) && !self.done.has_changed_something() {
            let plan = Plan::Refuse(Refused { why: Refusal::RecordUnreadable, message });
            let judged = Judged::without_a_look(plan);
            return Ok(self.concluded(&judged));
        }
        let reason = failure.reason().as_str();
        if self.request.dry_run {
            let answer = self.answer_failed(reason, message);
            let plan = Some(vec![format!("Nothing: {failure}.")]);
            return Ok(Answer { alert: Alerting::None, dry_run: true, plan, ..answer });
        }
        self.publish_failed(&message, alert::statement(&failure, &self.known.roles)).await?;
        Ok(self.answer_failed(reason, message))
    }
}
