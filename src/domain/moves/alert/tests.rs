//! Each branch of what a report comes to, and what follows from it.

use super::super::super::alert::Setting;
use super::super::super::arn::Home;
use super::super::super::policy::RoleName;
use super::super::super::provenance::{Actor, Provenance};
use super::super::super::service::ServiceId;
use super::super::report::MoveReport;
use super::super::{Move, Reason, State};
use super::case::{Case, StillPrivileged};
use super::verdict::{if_nobody_acts, must_act, why};
use super::way_back::ways;

fn report(state: State, reason: Option<Reason>) -> MoveReport {
    let (original, copy) = ("web:12".parse().unwrap(), Some("web:13".parse().unwrap()));
    MoveReport {
        service: ServiceId::new("prod", "web").unwrap(),
        entry: Move { reason, ..Move::new(original, copy, state, "2026-11-24T08:00:00Z".parse().unwrap()) },
        on: None,
        is_overdue: false,
        failure: None,
        not_put_back: None,
        original: None,
        provenance: Provenance::default(),
    }
}

fn by(call: &str, name: &str) -> Provenance {
    let actor = Some(Actor { kind: None, name: name.into(), session: None });
    let mut provenance = Provenance::default();
    (provenance.call, provenance.actor) = (Some(call.into()), actor);
    provenance
}

fn ours() -> [RoleName; 1] {
    ["guard".parse().unwrap()]
}

/// Each case, with whether to act at once, what is privileged, and the commands with and without a function.
#[test]
fn each_report_is_one_case() {
    use StillPrivileged::{No, Partly, Yes};
    let put_back =
        |call: &str, name: &str| MoveReport { provenance: by(call, name), ..report(State::RolledBack, None) };
    let not_put_back = MoveReport {
        not_put_back: Some("web-b:1".parse().unwrap()),
        ..report(State::Failed, Some(Reason::AccessDenied))
    };
    let theirs = "web-b:1".parse().unwrap();
    let refused = |reason| (report(State::Failed, Some(reason)), Case::Refused(Some(reason)), "Yes", Yes, [0, 0]);
    let not_movable =
        |reason| (report(State::NotMovable, Some(reason)), Case::NotMovable(Some(reason)), "No", Yes, [0, 0]);
    for (report, case, act, still, commands) in [
        (not_put_back, Case::NotPutBack(&theirs), "Yes", Partly, [0, 0]),
        (report(State::Waiting, None), Case::Waits, "Only", Yes, [0, 0]),
        (report(State::Moving, None), Case::Stuck, "Only", Partly, [1, 1]),
        (report(State::Moved, None), Case::Moved, "No", No, [2, 1]),
        (report(State::RolledBack, None), Case::RolledBack, "No", Yes, [1, 1]),
        (put_back("UpdateService", "deploy"), Case::PutBack, "No", Yes, [1, 1]),
        (put_back("CreateService", "deploy"), Case::PutBack, "No", Yes, [1, 1]),
        (put_back("UpdateService", "guard"), Case::RolledBack, "No", Yes, [1, 1]),
        (put_back("RegisterTaskDefinition", "deploy"), Case::RolledBack, "No", Yes, [1, 1]),
        (report(State::Failed, Some(Reason::DeploymentFailed)), Case::DeploymentFailed, "Yes", Partly, [2, 1]),
        refused(Reason::AccessDenied),
        refused(Reason::InvalidParameter),
        refused(Reason::LimitExceeded),
        refused(Reason::Refused),
        not_movable(Reason::CodeDeploy),
        not_movable(Reason::External),
        not_movable(Reason::Express),
    ] {
        assert_eq!(Case::of(&report, &ours()), case);
        assert!(must_act(case).starts_with(&format!("Act now? {act}")), "{case:?}: {}", must_act(case));
        assert_eq!(case.still_privileged(), still, "{case:?}");
        assert!(if_nobody_acts(case, &report).ends_with('.'), "{case:?}");
        let home = Home::new("eu-west-1", "111122223333").unwrap();
        let functions = [Some("backout"), None];
        let counted = functions.map(|backout_function| {
            let setting = Setting {
                home: &home,
                mode: "enforce",
                bucket: "b",
                runbook_url: None,
                backout_function,
                roles: &ours(),
                owner_tag_keys: &[],
            };
            ways(case, &report, &setting).len()
        });
        assert_eq!(counted, commands, "{case:?}");
    }
}

#[test]
fn every_reason_ends_a_sentence() {
    use Reason::{AccessDenied, ByOwner, CodeDeploy, DeploymentFailed, Exempt, Express, External, Gone};
    use Reason::{InvalidParameter, LimitExceeded, Refused};
    for reason in [CodeDeploy, External, Express, ByOwner, Gone, DeploymentFailed, Exempt, AccessDenied] {
        assert!(!why(Some(reason)).ends_with('.'));
    }
    for reason in [InvalidParameter, LimitExceeded, Refused] {
        assert!(!why(Some(reason)).ends_with('.'));
    }
}
