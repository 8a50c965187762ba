//! The built guard, as talkative as it can be made, over the wire: nothing of the canaries in its output, in what the
//! Runtime API is told, in alerts and in records.

use super::super::account::{Calls, Fault, GUARD, Kind, PIPELINE, State};
use super::super::figures::reached;
use super::super::runtime_api::Failure;
use super::super::story::Story;
use super::{NEWER, ORIGINAL, count, leaks, leaks_of};

const TALKATIVE: [(&str, &str); 6] = [
    ("RUST_LOG", "trace"),
    ("RUST_BACKTRACE", "full"),
    ("AWS_LAMBDA_LOG_LEVEL", "TRACE"),
    ("AWS_LAMBDA_LOG_FORMAT", "JSON"),
    ("POWERTOOLS_LOG_LEVEL", "TRACE"),
    ("POWERTOOLS_LOGGER_LOG_EVENT", "true"),
];

/// What goes wrong in one run.
type Trouble = fn(&mut State);

const TROUBLES: [(&str, Trouble); 8] = [
    ("nothing", |_| {}),
    ("a newer version", |state| {
        state.register(PIPELINE, &NEWER);
    }),
    ("registering is denied", |state| {
        state.inject(Fault::always(Kind::AccessDenied("iam:PassRole"), Calls::of("RegisterTaskDefinition").by(GUARD)));
    }),
    ("registering is refused in words that echo", |state| {
        let refusal = super::super::account::state::Refusal::parameter(ORIGINAL.as_str());
        state.inject(Fault::always(Kind::Refused(refusal), Calls::of("RegisterTaskDefinition").by(GUARD)));
    }),
    ("descriptions are garbled", |state| {
        state.inject(Fault::times(3, Kind::Garbled, Calls::of("DescribeTaskDefinition").by(GUARD)));
    }),
    ("the answer of the registration is cut", |state| {
        state.inject(Fault::once(Kind::CutAfter, Calls::of("RegisterTaskDefinition").by(GUARD)));
    }),
    ("nobody can be told", |state| {
        state.inject(Fault::always(Kind::AccessDenied("sns:Publish"), Calls::of("Publish").by(GUARD)));
    }),
    ("nothing can be recorded", |state| {
        state.inject(Fault::always(Kind::InvalidParameter, Calls::of("PutObject").on("records/").by(GUARD)));
    }),
];

#[tokio::test]
async fn the_most_talkative_guard_shows_no_canary() {
    let mut looked = 0;
    for mode in ["alert", "remediate"] {
        for (trouble, strike) in TROUBLES {
            let mut story = Story::with(mode, &TALKATIVE).await;
            let revision = story.register(&ORIGINAL);
            strike(&mut story.account.state());
            let event = story.event_of(&revision);
            let told = match story.guard.invoke(event.as_bytes()).await {
                Ok(answer) => answer,
                Err(Failure::Error(error)) => error,
                Err(other) => panic!("{trouble}: {other:?}"),
            };
            let output = story.guard.stop().await;
            assert!(leaks(told.as_bytes()).is_empty(), "{mode}, {trouble}: {told}");
            assert!(leaks(output.as_bytes()).is_empty(), "{mode}, {trouble}: {output}");
            assert!(output.len() > 100, "{mode}, {trouble}: it says something");
            let found = leaks_of(&story.account.state());
            assert!(found.is_empty(), "{mode}, {trouble}: {found:?}");
            looked += count();
        }
    }
    reached("canaries looked for, over the wire", looked);
}
