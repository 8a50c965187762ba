//! A plan in sentences, as a dry run answers it.

use super::super::service::Service;
use super::plan::{BringBack, Judged, Plan, Services, Standing, Steps};

impl Judged {
    /// What it would do, in sentences.
    #[must_use]
    pub fn sentences(&self) -> Vec<String> {
        // A run ends with what came out different: whoever asked is told before anything else is done.
        let different = self.take_back.iter().position(|unproven| !unproven.differences.is_empty());
        let first = &self.take_back[..different.map_or(self.take_back.len(), |at| at + 1)];
        let take_back = first.iter().map(|unproven| match unproven.differences.is_empty() {
            true => format!("Deregister {}: a backout left it, and another revision came before it.", unproven.id),
            false => format!("Deregister {}: a backout left it, and it is not the original.", unproven.id),
        });
        let then = match different {
            Some(_) => vec!["End there: the same request again goes on.".to_owned()],
            None => self.plan.sentences(),
        };
        let tampered = self.is_backup_tampered.then(|| "Tell that the backup was changed.".to_owned());
        let ends_here = matches!(self.plan, Plan::Refuse(_) | Plan::Nothing);
        let untold = (self.is_untold && ends_here).then(|| "Tell what a backout before has begun.".to_owned());
        tampered.into_iter().chain(untold).chain(take_back).chain(then).collect()
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
        let exemption = match &self.exemption {
            Some(exemption) => format!("Exempt {} until {}.", exemption.containers.join(", "), self.until),
            None => format!("Leave the exemption as it is: it holds until {}.", self.until),
        };
        let (original, back) = match &self.original {
            BringBack::Stands(id) => (format!("Leave {id} as it is: it is ACTIVE."), id.to_string()),
            BringBack::Register(input) => {
                (format!("Register the original again, as the next revision of {}.", input.family()), "it".to_owned())
            }
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

#[cfg(test)]
mod tests {
    use super::super::super::document::RegisterInput;
    use super::super::super::exemption::Exemption;
    use super::super::super::failure::{CallFailure, Cause};
    use super::super::super::fidelity::{MemberPath, Tags, differences};
    use super::super::super::service::{Controller, Rollout, ServiceId};
    use super::super::plan::TakeBack;
    use super::super::refusal::{self, Refused};
    use super::super::service::ByHand;
    use super::*;

    const UNTIL: &str = "2026-12-24T08:00:00Z";

    fn service(name: &str) -> Service {
        Service {
            id: ServiceId::new("prod", name).unwrap(),
            controller: Controller::Ecs,
            target: None,
            deployment: None,
            rollout: Rollout::Completed,
            others: Vec::new(),
        }
    }

    fn steps(original: BringBack, is_written: bool) -> Plan {
        let containers = vec!["app".to_owned(), "side".to_owned()];
        let until = UNTIL.parse().unwrap();
        let exemption = Exemption {
            containers: containers.clone(),
            reason: "r".into(),
            approved_by: "a".into(),
            expires_at: until,
        };
        let moves = vec![service("web"), service("api")];
        Plan::BackOut(Box::new(Steps {
            exemption: is_written.then_some(exemption),
            until,
            original,
            services: Services { moves, ..Services::default() },
            deregister: vec!["web:2".parse().unwrap(), "web:4".parse().unwrap()],
            containers,
            copies: Vec::new(),
            equals: Vec::new(),
        }))
    }

    fn said(plan: Plan) -> Vec<String> {
        Judged::without_a_look(plan).sentences()
    }

    /// In the order in which they would be taken.
    #[test]
    fn a_plan_says_each_step_that_would_be_taken() {
        let stands = BringBack::Stands("web:1".parse().unwrap());
        let expected = [
            "Exempt app, side until 2026-12-24T08:00:00Z.",
            "Leave web:1 as it is: it is ACTIVE.",
            "Move service web in prod to web:1.",
            "Move service api in prod to web:1.",
            "Deregister web:2.",
            "Deregister web:4.",
        ];
        assert_eq!(said(steps(stands, true)), expected);
        let original = RegisterInput::parse(r#"{"family":"web","containerDefinitions":[{"name":"app"}]}"#).unwrap();
        let expected = [
            "Leave the exemption as it is: it holds until 2026-12-24T08:00:00Z.",
            "Register the original again, as the next revision of web.",
            "Move service web in prod to it.",
        ];
        assert_eq!(said(steps(BringBack::Register(original), false))[..3], expected);
    }

    /// Others may have exempted more, which is kept, and made longer.
    #[test]
    fn a_plan_names_all_containers_that_would_be_exempt() {
        let Plan::BackOut(mut steps) = steps(BringBack::Stands("web:1".parse().unwrap()), true) else {
            panic!("steps")
        };
        steps.exemption.as_mut().unwrap().containers.insert(0, "agent".into());
        assert_eq!(said(Plan::BackOut(steps))[0], "Exempt agent, app, side until 2026-12-24T08:00:00Z.");
    }

    #[test]
    fn a_plan_without_steps_says_why() {
        let (restored, until) = ("web:1".parse().unwrap(), UNTIL.parse().unwrap());
        let why = [ByHand::Deploying, ByHand::CodeDeploy, ByHand::External, ByHand::Express];
        let by_hand = why.map(|why| (service("web"), why)).to_vec();
        let services = Services { moves: Vec::new(), moving: vec![service("late")], by_hand };
        let expected = [
            "Nothing: web:1 is in force already, exempt until 2026-12-24T08:00:00Z.",
            "Leave service late in prod alone: it is moving there already.",
            "Leave service web in prod alone: its deployment to the copy is in progress.",
            "Leave service web in prod alone: AWS CodeDeploy deploys it.",
            "Leave service web in prod alone: another system deploys it by task sets.",
            "Leave service web in prod alone: ECS itself manages it (Express).",
        ];
        assert_eq!(said(Plan::Already(Box::new(Standing { restored, until, services }))), expected);
        assert_eq!(said(Plan::Nothing), ["Nothing: the guard made no copy of it that still stands."]);
        let cause = Cause::AccessDenied { action: "s3:GetObject" };
        let (resource, code, request_id) = ("key".to_owned(), None, None);
        let denied = CallFailure { action: "s3:GetObject", resource, code, request_id, cause };
        assert_eq!(said(Plan::Fail(denied.clone())), [format!("Nothing: {denied}.")]);
    }

    #[test]
    fn a_refusal_says_what_would_work() {
        let id = "web:1".parse().unwrap();
        let said = |refused: Refused| (refused.why.as_str(), said(Plan::Refuse(refused)).concat());
        let tampered = "Refused: web:1 is not ACTIVE any more, and what lies under its backup's key is not what was \
            stored: the bucket's versions hold the genuine one.";
        assert_eq!(said(refusal::tampered(&id)), ("backup_tampered", tampered.to_owned()));
        let missing = "Refused: ECS does not describe web:1 any more, and there is no backup of it.";
        assert_eq!(said(refusal::no_backup(&id)), ("backup_missing", missing.to_owned()));
        let elsewhere = "Refused: service web in cluster prod is being deployed from the copy to something else; if \
            that fails, ECS goes back to the copy. Run this again when the deployment has ended, or stop it first.";
        assert_eq!(said(refusal::elsewhere(&service("web"))), ("deployment_in_progress", elsewhere.to_owned()));
    }

    /// What a backout before has left, each overtaken or different, and what was found besides.
    fn left(plan: Plan, is_different: &[bool], is_found: bool) -> Vec<String> {
        let take_back = (3..).zip(is_different).map(|(number, is_different)| TakeBack {
            id: format!("web:{number}").parse().unwrap(),
            differences: if *is_different { difference() } else { Vec::new() },
        });
        let take_back = take_back.collect();
        let judged = Judged { take_back, is_untold: is_found, ..Judged::without_a_look(plan) };
        Judged { is_backup_tampered: is_found, ..judged }.sentences()
    }

    fn refused() -> Plan {
        Plan::Refuse(refusal::no_backup(&"web:1".parse().unwrap()))
    }

    #[test]
    fn what_was_found_is_said_first() {
        let found = ["Tell that the backup was changed.", "Tell what a backout before has begun."];
        assert_eq!(left(Plan::Nothing, &[], true)[..2], found);
        assert_eq!(left(refused(), &[], true)[..2], found);
        assert_eq!(left(refused(), &[], false).len(), 1);
        // The alert of these steps tells what was begun with the rest.
        let steps = left(steps(BringBack::Stands("web:1".parse().unwrap()), true), &[], true);
        assert!(steps[0] == found[0] && steps[1].starts_with("Exempt"), "{steps:?}");
    }

    #[test]
    fn what_a_backout_left_goes_first_and_a_run_ends_with_what_came_out_different() {
        let overtaken = "Deregister web:3: a backout left it, and another revision came before it.";
        let other = "Deregister web:4: a backout left it, and another revision came before it.";
        assert_eq!(left(refused(), &[false, false], false)[..2], [overtaken, other]);
        assert!(left(refused(), &[false, false], false)[2].starts_with("Refused: "));
        let different = "Deregister web:4: a backout left it, and it is not the original.";
        let end = "End there: the same request again goes on.";
        assert_eq!(left(refused(), &[false, true, false], false), [overtaken, different, end]);
    }

    fn difference() -> Vec<MemberPath> {
        let input = |image: &str| {
            let text = format!(r#"{{"family":"web","containerDefinitions":[{{"name":"app","image":"{image}"}}]}}"#);
            RegisterInput::parse(&text).unwrap()
        };
        differences(&input("a"), &input("b"), Tags::LeftOut)
    }
}
