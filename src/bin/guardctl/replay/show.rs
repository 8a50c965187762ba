//! What an event leads to, for people and for programs. Alerts are shown as they are sent: they were made to be read.

use std::fmt::Write as _;

use ecs_privileged_guard::domain::escape;
use ecs_privileged_guard::domain::event::Event;
use ecs_privileged_guard::domain::outcome::{Alerting, Outcome, Reason};
use ecs_privileged_guard::domain::policy::Policy;
use ecs_privileged_guard::reconcile::{Foresight, Foretold};
use serde::Serialize;

use super::understood::Understood;
use crate::args::Format;
use crate::output::{Output, csv_row};
use crate::plan;
use crate::table::table;
use crate::trouble::Trouble;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Document {
    schema_version: u32,
    event: Understood,
    /// What the function would answer, as far as that is known.
    outcome: Option<&'static str>,
    reason: Option<&'static str>,
    plan: Option<plan::Document>,
    /// Those that write, in order.
    calls: Vec<Call>,
    alert: Option<Told>,
}

#[derive(Serialize)]
struct Call {
    action: &'static str,
    resource: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    /// `sent`, `already_sent` or `none`.
    alert: &'static str,
    /// Whether it is mode `alert`'s instead: what a copy comes to is known only once it is made.
    as_in_mode_alert: bool,
    subject: Option<String>,
    text: Option<String>,
}

impl Document {
    /// What is known of an event without asking anybody.
    pub(super) fn of(event: &Event) -> Self {
        let outcome = match event {
            Event::FailedCall { .. } => Some(Outcome::FailedRegistration.as_str()),
            Event::Compliant { .. } => Some(Outcome::Compliant.as_str()),
            Event::NotOurs { .. } => Some("not_ours"),
            Event::Look { .. } => None,
        };
        let event = Understood::of(event);
        Self { schema_version: 1, event, outcome, reason: None, plan: None, calls: Vec::new(), alert: None }
    }

    /// Adds what comes of it in the account.
    pub(super) fn comes_to(&mut self, foretold: &Foretold, policy: &Policy) {
        match foretold {
            Foretold::Silent(said) => (self.outcome, self.reason) = (Some(said.outcome()), said.reason()),
            Foretold::OfService => {}
            Foretold::Run(foresight) => self.add(foresight, policy),
        }
    }

    fn add(&mut self, foresight: &Foresight, policy: &Policy) {
        let Foresight { report, plan, alert, message, is_as_in_alert, calls } = foresight;
        (self.outcome, self.reason) = (Some(report.outcome.as_str()), report.reason.map(Reason::as_str));
        if let (Some(plan), Some(finding)) = (plan, &report.finding) {
            let document = plan::document(policy, &finding.seen, plan);
            (self.outcome, self.reason) = (Some(document.outcome), document.reason);
            self.plan = Some(document);
        }
        let call = |call: &ecs_privileged_guard::reconcile::Call| Call {
            action: call.action,
            resource: escape::line(&call.resource),
        };
        self.calls = calls.iter().map(call).collect();
        self.alert = Some(Told {
            alert: alert.as_str(),
            as_in_mode_alert: *is_as_in_alert,
            subject: message.as_ref().map(|message| message.subject.clone()),
            text: message.as_ref().map(|message| message.text.clone()),
        });
    }
}

/// Shows it.
pub(super) fn show(document: &Document, output: Output) -> Result<(), Trouble> {
    match output.format {
        Format::Table => output.data(&text(document, output.width())),
        Format::Json => output.json(document),
        Format::Csv => {
            let calls = document.calls.iter().map(|call| csv_row(&[call.action, &call.resource]));
            output.data(&(csv_row(&["action", "resource"]) + &calls.collect::<String>()))
        }
    }
}

fn text(document: &Document, width: Option<u16>) -> String {
    let Understood { id, call, at, by, tool, meaning, .. } = &document.event;
    let known = |label: &str, words: &[Option<&str>]| {
        let words: Vec<&str> = words.iter().copied().flatten().collect();
        match words.as_slice() {
            [] => String::new(),
            words => format!("{label}: {}\n", words.join(", ")),
        }
    };
    let mut text = known("event", &[call.as_deref(), at.as_deref(), id.as_deref()]);
    text += &known("by", &[by.as_deref(), *tool]);
    text += &known("means", &[Some(meaning)]);
    match (&document.plan, document.outcome) {
        (Some(plan), _) => {
            let _ = write!(text, "\n{}", plan::text(plan, width));
        }
        (None, outcome) => text += &known("outcome", &[outcome, document.reason]),
    }
    let Some(alert) = &document.alert else { return text };
    if document.calls.is_empty() {
        text += "\ncalls that write: none\n";
    } else {
        let calls = document.calls.iter().enumerate();
        let rows = calls.map(|(at, it)| vec![format!("{}.", at + 1), it.action.to_owned(), it.resource.clone()]);
        // An ARN that is wrapped cannot be copied.
        let _ = write!(text, "\ncalls that write, in order:\n{}", table(&[], rows, &[], None));
    }
    let _ = match alert {
        Told { alert, .. } if *alert == Alerting::AlreadySent.as_str() => write!(text, "\nalert: sent before\n"),
        Told { as_in_mode_alert: true, .. } => {
            write!(text, "\nalert, as mode alert words it: what a copy comes to is known once it is made\n")
        }
        Told { alert, .. } => write!(text, "\nalert: {alert}\n"),
    };
    if let Told { subject: Some(subject), text: Some(mail), .. } = alert {
        let _ = write!(text, "subject: {subject}\n\n{mail}");
    }
    text
}
