//! The functions: each must be able to start. A reserved concurrency of 0 is somebody's emergency stop.
//! <https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html>,
//! <https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html>

use super::super::escape;
use super::row::folded;
use super::{Part, Place, Row, Seen, is_gone};

/// A function that the stack has made.
#[derive(Debug, Clone)]
pub struct Function {
    /// Its name in the template.
    pub logical: String,
    /// Its name.
    pub name: String,
    /// How it is.
    pub state: Seen<State>,
    /// How many runs at a time are reserved for it; none if that is not limited.
    pub reserved: Seen<Option<i32>>,
    /// Who may start it, where that was asked for: a policy, or none.
    pub policy: Option<Seen<Option<String>>>,
}

/// How it is: <https://docs.aws.amazon.com/lambda/latest/api/API_GetFunctionConfiguration.html>
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// `Active`, `Pending`, `Inactive`, `Failed`.
    pub state: String,
    /// `Successful`, `InProgress`, `Failed`.
    pub last_update: String,
}

/// The function that looks at each registration.
pub const GUARD: &str = "Guard";
const OURS: [&str; 3] = [GUARD, "Sweep", "Backout"];
const DEPLOY: &str = "deploy the stack again";

pub(super) fn judge(functions: &[Function], place: Place<'_>) -> Vec<Row> {
    let missing = OURS.iter().filter(|name| !functions.iter().any(|function| function.logical == **name));
    let missing = missing.map(|name| {
        let todo = "deploy it again; --stack names the guard's stack";
        Row::broken(Part::Functions, format!("the stack has no function {name}"), todo)
    });
    let (mut well, mut sick) = (Vec::new(), missing.collect::<Vec<_>>());
    for function in functions {
        match look(function, place) {
            Some(row) => sick.push(row),
            None => well.push(function.logical.as_str()),
        }
    }
    let well = (!well.is_empty()).then(|| Row::ok(Part::Functions, format!("can start: {}", well.join(", "))));
    well.into_iter().chain(folded(sick)).collect()
}

fn look(function: &Function, place: Place<'_>) -> Option<Row> {
    let Function { logical, name, .. } = function;
    let broken = |says: String, todo: &str| Some(Row::broken(Part::Functions, says, todo));
    let State { state, last_update } = match &function.state {
        Ok(state) => state,
        Err(failure) if is_gone(failure) => return broken(format!("{logical} is gone"), DEPLOY),
        Err(failure) => return Some(Row::not_seen(Part::Functions, logical, failure)),
    };
    let look = place.aws("lambda get-function-configuration", &format!("--function-name {}", escape::shell(name)));
    let look = format!("{look} says why");
    match (state.as_str(), last_update.as_str()) {
        // One that was idle for weeks wakes up with its next call, which fails and is tried again.
        ("Active" | "Inactive", "Successful") => {}
        ("Pending", _) | ("Active" | "Inactive", "InProgress") => {
            let says = format!("{logical} is {state}, its last update {last_update}");
            return Some(Row::warning(Part::Functions, says, "ask again in a minute"));
        }
        _ => return broken(format!("{logical} is {state}, its last update {last_update}"), &look),
    }
    match &function.reserved {
        Ok(Some(0)) => {
            let says = format!("{logical} is stopped: its reserved concurrency is 0");
            broken(says, "if the stop is over, RUNBOOK.md#stop-it says how to go on")
        }
        Ok(_) => None,
        Err(failure) => Some(Row::not_seen(Part::Functions, &format!("whether {logical} is stopped"), failure)),
    }
}
