//! A plan in sentences, as a dry run answers it.

use super::super::service::Service;
use super::plan::{BringBack, Judged, Plan, Services, Standing, Steps};

impl Judged {
    /// What it would do, in sentences.
    #[must_use]
    pub fn sentences(&self) -> Vec<String> {
        let take_back = self.take_back.iter().map(|unproven| match unproven.differences.is_empty() {
            true => format!("Deregister {}: a backout left it, and another revision came before it.", unproven.id),
            false => format!("Deregister {}: a backout left it, and it is not the original.", unproven.id),
        });
        let tampered = self.is_backup_tampered.then(|| "Tell that the backup was changed.".to_owned());
        let ends_here = matches!(self.plan, Plan::Refuse(_) | Plan::Nothing);
        let untold = (self.is_untold && ends_here).then(|| "Tell what a backout before has begun.".to_owned());
        tampered.into_iter().chain(untold).chain(take_back).chain(self.plan.sentences()).collect()
    }
}

impl Plan {
    fn sentences(&self) -> Vec<String> {
        match self {
            Self::Refuse(refused) => vec![format!("Refused: {}.", refused.message)],
            Self::Fail(failure) => vec![format!("Nothing: {failure}.")],
            Self::Nothing => vec!["Nothing: the guard made no copy of it that still stands.".into()],
            Self::Already(standing) => {
                let Standing { restored, until, services } = &**standing;
                let nothing = format!("Nothing: {restored} is in force already, exempt until {until}.");
                [nothing].into_iter().chain(services.sentences("")).collect()
            }
            Self::BackOut(steps) => steps.sentences(),
        }
    }
}

impl Steps {
    fn sentences(&self) -> Vec<String> {
        let names = self.containers.join(", ");
        let exemption = match &self.exemption {
            Some(_) => format!("Exempt {names} until {}.", self.until),
            None => format!("Leave the exemption as it is: it holds until {}.", self.until),
        };
        let (original, back) = match &self.original {
            BringBack::Stands(id) => (format!("Leave {id} as it is: it is ACTIVE."), id.to_string()),
            BringBack::Register(input) => (
                format!("Register the original again from its backup, as the next revision of {}.", input.family()),
                "it".to_owned(),
            ),
        };
        let deregister = self.deregister.iter().map(|id| format!("Deregister {id}."));
        [exemption, original].into_iter().chain(self.services.sentences(&back)).chain(deregister).collect()
    }
}

impl Services {
    fn sentences(&self, back: &str) -> Vec<String> {
        let at = |it: &Service| format!("service {} in {}", it.id.name, it.id.cluster);
        let moves = self.moves.iter().map(|it| format!("Move {} to {back}.", at(it)));
        let moving = self.moving.iter().map(|it| format!("Leave {} alone: it is moving there already.", at(it)));
        let by_hand = self.by_hand.iter();
        let by_hand = by_hand.map(|(it, why)| format!("Leave {} alone: {}.", at(it), why.in_words()));
        moves.chain(moving).chain(by_hand).collect()
    }
}
