//! Who is subscribed to the topic. It may be another account's, which then decides who may ask.

use super::Examiner;
use crate::aws::failure::call;
use crate::aws::tokens::Tokens;
use crate::domain::pipe::Seen;
use crate::domain::pipe::topic::Subscription;

impl Examiner {
    /// All subscriptions of the topic.
    /// <https://docs.aws.amazon.com/sns/latest/api/API_ListSubscriptionsByTopic.html>
    ///
    /// # Errors
    /// When a page cannot be read, or leads back to one that was shown.
    pub async fn subscriptions(&self, topic: &str) -> Seen<Vec<Subscription>> {
        let call = || call("sns:ListSubscriptionsByTopic", topic);
        let client = aws_sdk_sns::Client::new(&self.config);
        let (mut subscriptions, mut token, mut tokens) = (Vec::new(), None, Tokens::default());
        while tokens.lead_on(token.as_ref()) {
            let page = client.list_subscriptions_by_topic().topic_arn(topic).set_next_token(token).send().await;
            let page = page.map_err(|error| call().failure(&error))?;
            subscriptions.extend(page.subscriptions.into_iter().flatten().map(|it| Subscription {
                protocol: it.protocol.unwrap_or_default(),
                endpoint: it.endpoint.unwrap_or_default(),
                arn: it.subscription_arn.unwrap_or_default(),
            }));
            token = page.next_token.filter(|token| !token.is_empty());
            if token.is_none() {
                return Ok(subscriptions);
            }
        }
        Err(call().refused())
    }
}
