//! A sandbox: one process of a function, which is handed one event at a time. One that exits, is killed or does not end
//! in time is started anew, as Lambda does. It judges nothing.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};

use super::chance::Chance;
use crate::runtime_api::{Failure, Function};

/// One event that is to be handed over.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub(super) number: u64,
    pub(super) event: Arc<[u8]>,
    /// What Lambda would allow it.
    pub(super) time_limit: Duration,
    pub(super) queued: Instant,
}

/// What became of it.
#[derive(Debug)]
pub(super) enum Ended {
    Answer(String),
    /// The error, as the function said it.
    Error(String),
    /// Its process was killed, on purpose.
    Killed,
    /// It did not end in time.
    TimedOut,
    /// Its process ended, and nobody wanted that.
    Died(String),
}

/// What a sandbox has to tell.
#[derive(Debug)]
pub(super) struct Heard {
    pub(super) seat: usize,
    /// What it logged since it was heard of last; lines may come late, but not after the last one.
    pub(super) lines: String,
    /// Nothing: the sandbox has ended, as it was told to.
    pub(super) job: Option<(Job, Ended)>,
    pub(super) waited: Duration,
    pub(super) took: Duration,
}

/// The jobs that the sandboxes of a function share.
pub(super) type Queue = Arc<Mutex<UnboundedReceiver<Job>>>;

/// Where a sandbox is, and how to start it.
pub(super) struct Seat {
    pub(super) number: usize,
    pub(super) binary: PathBuf,
    pub(super) environment: Vec<(String, String)>,
    pub(super) arn: String,
    /// The process that sits there.
    pub(super) process: Arc<AtomicU32>,
    /// Whether it is killed now and then.
    pub(super) is_mortal: Option<Chance>,
}

impl Seat {
    async fn start(&self) -> Function {
        let mut function = Function::start(&self.binary, &self.environment).await;
        function.invoked_as(&self.arn);
        function.ready().await.expect("the function starts");
        self.process.store(function.process().unwrap_or_default(), Ordering::Relaxed);
        function
    }

    /// After how long the process is killed in the middle of its work.
    fn death(&mut self) -> Option<Duration> {
        let chance = self.is_mortal.as_mut()?;
        chance.percent(2).then(|| Duration::from_millis(chance.below(120) as u64))
    }

    /// Works until there is nothing more to come.
    pub(super) async fn work(mut self, queue: Queue, heard: UnboundedSender<Heard>) {
        let mut function = self.start().await;
        loop {
            let job = queue.lock().await.recv().await;
            let Some(job) = job else { break };
            let (began, waited) = (Instant::now(), job.queued.elapsed());
            let ended = self.hand_over(&mut function, &job).await;
            let took = began.elapsed();
            let is_gone = matches!(ended, Ended::Killed | Ended::TimedOut | Ended::Died(_));
            let lines = match is_gone {
                true => std::mem::replace(&mut function, self.start().await).stop().await,
                false => function.take_lines(),
            };
            // Whoever listens has ended the test when this fails.
            let _ = heard.send(Heard { seat: self.number, lines, job: Some((job, ended)), waited, took });
        }
        let lines = function.stop().await;
        let nothing = Duration::ZERO;
        let _ = heard.send(Heard { seat: self.number, lines, job: None, waited: nothing, took: nothing });
    }

    async fn hand_over(&mut self, function: &mut Function, job: &Job) -> Ended {
        function.time_limit = job.time_limit;
        let death = self.death();
        let killed = async {
            match death {
                Some(after) => tokio::time::sleep(after).await,
                None => std::future::pending().await,
            }
        };
        let ended = tokio::select! {
            ended = function.invoke(&job.event) => ended,
            () = killed => return Ended::Killed,
        };
        match ended {
            Ok(answer) => Ended::Answer(answer),
            Err(Failure::Error(error)) => Ended::Error(error),
            Err(Failure::TimedOut) => Ended::TimedOut,
            Err(Failure::Init(why)) => Ended::Died(why),
            Err(Failure::Exited(status)) => Ended::Died(status.to_string()),
        }
    }
}
