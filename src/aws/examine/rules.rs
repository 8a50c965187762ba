//! A rule of the default bus, and its targets.

use super::Examiner;
use crate::aws::failure::call;
use crate::aws::tokens::Tokens;
use crate::domain::pipe::Seen;
use crate::domain::pipe::rules::{Described, Rule};

impl Examiner {
    /// The rule of this name; in the template it is called `logical`.
    pub async fn rule(&self, logical: &str, name: &str) -> Rule {
        let client = aws_sdk_eventbridge::Client::new(&self.config);
        Rule {
            logical: logical.to_owned(),
            name: name.to_owned(),
            described: self.described(&client, name).await,
            targets: self.targets(&client, name).await,
        }
    }

    /// <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DescribeRule.html>
    async fn described(&self, client: &aws_sdk_eventbridge::Client, name: &str) -> Seen<Described> {
        let arn = self.arn("events", &format!("rule/{name}"));
        let found = client.describe_rule().name(name).send().await;
        let found = found.map_err(|error| call("events:DescribeRule", &arn).failure(&error))?;
        Ok(Described {
            arn: found.arn().map(str::to_owned).unwrap_or(arn),
            state: found.state().map(|state| state.as_str().to_owned()).unwrap_or_default(),
            pattern: found.event_pattern().unwrap_or_default().to_owned(),
        })
    }

    /// <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_ListTargetsByRule.html>
    async fn targets(&self, client: &aws_sdk_eventbridge::Client, name: &str) -> Seen<Vec<String>> {
        let call = || call("events:ListTargetsByRule", self.arn("events", &format!("rule/{name}")));
        let (mut targets, mut token, mut tokens) = (Vec::new(), None, Tokens::default());
        while tokens.lead_on(token.as_ref()) {
            let page = client.list_targets_by_rule().rule(name).set_next_token(token).send().await;
            let page = page.map_err(|error| call().failure(&error))?;
            targets.extend(page.targets.into_iter().flatten().map(|target| target.arn));
            token = page.next_token;
            if token.is_none() {
                return Ok(targets);
            }
        }
        Err(call().refused())
    }
}
