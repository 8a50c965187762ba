//! The last sweep, by the report that it wrote: what starts it is a schedule, and whether that works is seen best by what
//! came of it. How old it may be follows from the schedule that the template makes.

use jiff::{SignedDuration, Timestamp};

use super::super::escape;
use super::super::sweep::evidence::{Shown, Unreadable};
use super::super::words::length;
use super::stack::{Resource, Stack};
use super::{Part, Place, Row, Seen};

/// A run takes this long at the most: the function's time-out.
const RUN: SignedDuration = SignedDuration::from_mins(15);
/// As the alarm `NoSweepAlarm` has it: one that failed is made good by the next.
const INTERVALS: i32 = 2;

/// How old a report may be before something is wrong.
fn patience(stack: &Stack) -> SignedDuration {
    stack.interval().saturating_mul(INTERVALS) + RUN
}

/// What starts it: <https://docs.aws.amazon.com/scheduler/latest/APIReference/API_GetSchedule.html>
const SCHEDULE: &str = "AWS::Scheduler::Schedule";

pub(super) fn judge(
    report: &Seen<Option<Result<Shown, Unreadable>>>,
    stack: &Stack,
    resources: &Seen<Vec<Resource>>,
    place: Place<'_>,
    now: Timestamp,
) -> Vec<Row> {
    let part = Part::LastSweep;
    let mend = || {
        let schedule = resources.iter().flatten().find(|it| it.kind == SCHEDULE && !it.physical.is_empty());
        let name = schedule.map(|schedule| escape::shell(&schedule.physical));
        let get = |name| place.aws("scheduler get-schedule", &format!("--name {name}"));
        let schedule = name.map(|name| format!("; {} is the schedule", get(name))).unwrap_or_default();
        let now = stack.output("SweepCommand").map(|command| format!("; {command} sweeps now")).unwrap_or_default();
        format!("RUNBOOK.md#alarm-no-sweep says how to see why{schedule}{now}")
    };
    let shown = match report {
        Ok(Some(Ok(shown))) => shown,
        Ok(Some(Err(why))) => {
            let todo = "a later guardctl may know it; the next sweep writes it anew";
            return vec![Row::broken(part, format!("its report cannot be read: {why}"), todo)];
        }
        Ok(None) if stack.age(now).is_some_and(|age| age <= patience(stack)) => {
            let says = format!("none has ended yet; one begins every {}", length(stack.interval()));
            return vec![Row::warning(part, says, "ask again after the first one")];
        }
        Ok(None) => return vec![Row::broken(part, "none has ever ended", mend())],
        Err(failure) => return vec![Row::not_seen(part, "when the last sweep ended", failure)],
    };
    let age = now.duration_since(shown.at);
    let ended = format!("ended {} ago, one is due every {}", length(age), length(stack.interval()));
    if age > patience(stack) {
        return vec![Row::broken(part, ended, mend())];
    }
    let mut rows = Vec::new();
    if !shown.complete {
        let says = format!("ended {} ago, before it had looked at everything", length(age));
        let status = place.typed.guardctl("status");
        rows.push(Row::warning(part, says, format!("the next one goes on; {status} shows how far it is")));
    }
    if !shown.unseen.is_empty() {
        let says = format!("could not read everything: {}", shown.unseen.join("; "));
        rows.push(Row::warning(part, says, "give the sweep's role what it misses, or try again after the next one"));
    }
    if let Some(missed) = shown.missed_by_event.first() {
        let says = format!("no event told of {}", shown.missed_by_event.join(", "));
        let show = place.typed.guardctl(&format!("show {}", escape::shell(missed)));
        rows.push(Row::warning(part, says, format!("RUNBOOK.md#alarm-missed-events; {show}")));
    }
    if rows.is_empty() {
        rows.push(Row::ok(part, format!("ended {} ago, complete", length(age))));
    }
    rows
}
