//! The dead-letter queues: a message in one of them is something that got stuck, whether or not somebody holds it now.
//! <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueAttributes.html>

use super::super::words::counted;
use super::row::folded;
use super::{Part, Row, Seen, is_gone, of};

/// A queue that the stack has made.
#[derive(Debug, Clone)]
pub struct Queue {
    /// Its name in the template.
    pub logical: String,
    /// How many messages it holds, by its own estimate: visible ones, and those that somebody has received.
    pub messages: Seen<u64>,
}

pub(super) fn judge(queues: &[Queue], redrive: Option<&str>) -> Vec<Row> {
    let sick: Vec<Row> = queues.iter().filter_map(|queue| look(queue, redrive)).collect();
    let well = of(queues.len() - sick.len(), queues.len(), "dead-letter queue", "dead-letter queues");
    let row = well.map(|well| Row::ok(Part::Queues, format!("empty: {well}")));
    let none = queues.is_empty().then(|| {
        let todo = "deploy it again; --stack names the guard's stack";
        Row::broken(Part::Queues, "the stack has no dead-letter queue", todo)
    });
    row.into_iter().chain(none).chain(folded(sick)).collect()
}

fn look(queue: &Queue, redrive: Option<&str>) -> Option<Row> {
    let Queue { logical, messages } = queue;
    match messages {
        Ok(0) => None,
        Ok(count) => {
            let todo = match logical.as_str() {
                "RuleDeadLetterQueue" => redriven(redrive, "alarm-rule-dead-letters"),
                "FailureQueue" => redriven(redrive, "alarm-failures"),
                "SweepDeadLetterQueue" => "RUNBOOK.md#alarm-sweep-dead-letters".to_owned(),
                "TamperDeadLetterQueue" => "RUNBOOK.md#alarm-tamper-dead-letters".to_owned(),
                _ => "look at what it holds".to_owned(),
            };
            let says = format!("{logical} holds {}", counted(*count, "message", "messages"));
            Some(Row::broken(Part::Queues, says, todo))
        }
        Err(failure) if is_gone(failure) => {
            let todo = "deploy the stack again: RUNBOOK.md#tampering-watch";
            Some(Row::broken(Part::Queues, format!("{logical} is gone"), todo))
        }
        Err(failure) => Some(Row::not_seen(Part::Queues, &format!("what {logical} holds"), failure)),
    }
}

/// Why comes first: what is handed over again otherwise comes back.
fn redriven(redrive: Option<&str>, section: &str) -> String {
    let redrive = redrive.map(|redrive| format!("; then {redrive}")).unwrap_or_default();
    format!("RUNBOOK.md#{section} says how to see why{redrive}")
}
