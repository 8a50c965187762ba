//! The guard as its function is set up, with the operator's rights: what it would do can then be foreseen. It is connected to
//! no topic, so it can tell nobody, unless that is asked for.

use std::collections::BTreeMap;
use std::sync::Arc;

use ecs_privileged_guard::aws::Pace;
use ecs_privileged_guard::config::Settings;
use ecs_privileged_guard::domain::policy::Mode;
use ecs_privileged_guard::domain::report::Failure;
use ecs_privileged_guard::reconcile::{ForeseeError, Guard as Reconciler, Texts};
use jiff::SignedDuration;

use crate::args::ModeArg;
use crate::exit::Exit;
use crate::failure::trouble;
use crate::session::{Function, Guard};
use crate::trouble::Trouble;

/// What heals by itself is waited for this long.
pub(crate) const PATIENCE: SignedDuration = SignedDuration::from_mins(1);

/// The guard, and what it does not hold itself.
pub(crate) struct Deployed {
    pub(crate) reconciler: Reconciler,
    /// The ARN of the topic that its alerts go to.
    pub(crate) topic: String,
    /// The topic's Region, which may be a central one.
    topic_region: String,
    /// Its own mode.
    pub(crate) own_mode: Mode,
}

impl Deployed {
    /// Reads the settings of the function: the one that was typed, or the stack's; `mode` takes the place of its own.
    pub(crate) async fn of(guard: &Guard, typed: Option<&str>, mode: Option<ModeArg>) -> Result<Self, Trouble> {
        let function = guard.function(Function::Guard, typed)?;
        guard.refuse_another_account().await?;
        let variables = guard.session.environment_of(&function).await;
        let variables = variables.map_err(|failure| trouble("the guard's settings could not be read", &failure))?;
        let Settings { mut policy, topic, runbook_url, backout_function, bucket, .. } = settings(&variables, guard)?;
        // Otherwise the state of one guard is read by the settings of another.
        if bucket != guard.bucket {
            let what = format!("{function} keeps its backups and records in {bucket}, and not in {}", guard.bucket);
            return Err(Trouble::new(Exit::Refused, what).hint("--stack, or --bucket and --function, name one guard"));
        }
        let own_mode = policy.mode;
        policy.mode = mode.map_or(own_mode, Mode::from);
        let texts = Texts { runbook_url, backout_function, bucket: guard.bucket.clone(), function: Some(function) };
        let (aws, home) = (guard.aws.clone(), guard.home.clone());
        let reconciler = Reconciler { aws, policy, home, texts, usage: None, listed: Arc::default() };
        Ok(Self { reconciler, topic: topic.arn, topic_region: topic.region, own_mode })
    }

    /// Connected to the topic: what it does then is told as the guard's own work is.
    pub(crate) fn that_tells(self, guard: &Guard) -> Reconciler {
        let topic = (self.topic, self.topic_region);
        let aws = guard.session.connect_with(guard.home.clone(), guard.bucket.clone(), topic, Pace::of_backout);
        Reconciler { aws, ..self.reconciler }
    }
}

fn settings(variables: &BTreeMap<String, String>, guard: &Guard) -> Result<Settings, Trouble> {
    // Lambda sets it for the function itself, and does not show it.
    let look_up = |name: &str| match name {
        "AWS_REGION" => Some(guard.home.region().to_owned()),
        name => variables.get(name).cloned(),
    };
    Settings::read(look_up).map_err(|why| {
        let hint = "the function does not start with them either, or it is not the guard";
        Trouble::new(Exit::Failed, "the guard's settings cannot be used").because(&why).hint(hint)
    })
}

/// Why nothing can be foreseen.
pub(crate) fn unforeseen(what: &str, error: &ForeseeError) -> Trouble {
    match error {
        ForeseeError::Failed(Failure::Call(failure)) => trouble(what, failure),
        ForeseeError::Failed(_) | ForeseeError::OutOfTime => Trouble::new(Exit::Failed, what).because(error),
    }
}
