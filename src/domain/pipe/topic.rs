//! Whoever is told: a topic that nobody has confirmed a subscription of is silent, and publishing to it succeeds.
//! <https://docs.aws.amazon.com/sns/latest/api/API_ListSubscriptionsByTopic.html>
//!
//! The topic may be a central account's. Its policy lets this one publish, and no more, so that nothing that is asked of it
//! here is answered: <https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html>

use super::super::escape;
use super::super::failure::Cause;
use super::super::words::counted;
use super::{Part, Place, Row, Seen, is_gone};

/// A subscription of the topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// `email`, `https`, `sqs` and so on.
    pub protocol: String,
    /// Where to.
    pub endpoint: String,
    /// Its ARN; while nobody has confirmed it a word in its place.
    pub arn: String,
}

impl Subscription {
    fn is_confirmed(&self) -> bool {
        self.arn.starts_with("arn:")
    }

    fn is_pending(&self) -> bool {
        self.arn == "PendingConfirmation"
    }

    /// Where to, without what may be a key to it: the addresses of chats and pagers hold one in their paths.
    fn name(&self) -> String {
        let Self { protocol, endpoint, .. } = self;
        let host = endpoint.split_once("://").map(|(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or_default());
        let host = host.map(|host| host.rsplit('@').next().unwrap_or_default());
        format!("{protocol} {}", host.unwrap_or(endpoint))
    }
}

pub(super) fn judge(
    topic: &str,
    subscriptions: &Seen<Vec<Subscription>>,
    subscribe: Option<&str>,
    place: Place<'_>,
) -> Vec<Row> {
    let name = topic.rsplit(':').next().unwrap_or(topic);
    let part = Part::Subscriptions;
    let subscriptions = match subscriptions {
        Ok(subscriptions) => subscriptions,
        Err(failure) if is_gone(failure) => {
            return vec![Row::broken(part, format!("the topic {name} is gone"), "RUNBOOK.md#tampering-alerts")];
        }
        Err(failure) => {
            let owner = topic.split(':').nth(4).filter(|account| *account != place.home.account());
            let is_refused = !matches!(failure.cause, Cause::Transient(_));
            return vec![match owner.filter(|_| is_refused) {
                Some(owner) => of_another(owner, topic, name, place),
                None => Row::not_seen(part, &format!("who is subscribed to {name}"), failure),
            }];
        }
    };
    let confirmed = subscriptions.iter().filter(|it| it.is_confirmed()).count();
    let pending: Vec<String> = subscriptions.iter().filter(|it| it.is_pending()).map(Subscription::name).collect();
    let mut rows = match (confirmed, pending.is_empty()) {
        (0, true) => {
            let subscribe = subscribe.unwrap_or("subscribe somebody to the topic");
            vec![Row::broken(part, format!("nobody is subscribed to {name}"), subscribe)]
        }
        (0, false) => Vec::new(),
        (confirmed, _) => vec![Row::ok(part, format!("{confirmed} confirmed"))],
    };
    if !pending.is_empty() {
        let says = format!(
            "{} not confirmed: {}",
            counted(pending.len(), "subscription is", "subscriptions are"),
            pending.join(", ")
        );
        let todo = "whoever it is confirms it, by the link in the message that SNS has sent; what is not confirmed \
                    within three days is subscribed again";
        rows.push(match confirmed {
            0 => Row::broken(part, format!("nobody is told: {says}"), todo),
            _ => Row::warning(part, says, todo),
        });
    }
    rows
}

/// No statement of the caller's would help. The command has no profile: whoever is typed here is no user of that account.
fn of_another(owner: &str, topic: &str, name: &str, place: Place<'_>) -> Row {
    let region = place.home.region();
    let says = format!("{name} is account {owner}'s: only that account can see who is subscribed");
    let list = format!("aws sns list-subscriptions-by-topic --region {region} --topic-arn {}", escape::shell(topic));
    Row::of_others(Part::Subscriptions, says, format!("in account {owner}: {list}"))
}
