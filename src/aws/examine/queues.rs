//! What a queue holds, by its own estimate.

use aws_sdk_sqs::types::QueueAttributeName;

use super::Examiner;
use crate::aws::failure::call;
use crate::domain::failure::Transient;
use crate::domain::pipe::Seen;
use crate::domain::pipe::queues::Queue;

/// Messages that can be received, that somebody has received, and that are delayed.
const MESSAGES: [QueueAttributeName; 3] = [
    QueueAttributeName::ApproximateNumberOfMessages,
    QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
    QueueAttributeName::ApproximateNumberOfMessagesDelayed,
];

impl Examiner {
    /// The queue of this URL; in the template it is called `logical`.
    pub async fn queue(&self, logical: &str, url: &str) -> Queue {
        Queue { logical: logical.to_owned(), messages: self.messages(url).await }
    }

    /// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueAttributes.html>
    async fn messages(&self, url: &str) -> Seen<u64> {
        let name = url.rsplit('/').next().unwrap_or(url);
        let call = || call("sqs:GetQueueAttributes", self.arn("sqs", name));
        let client = aws_sdk_sqs::Client::new(&self.config);
        let request = client.get_queue_attributes().queue_url(url).set_attribute_names(Some(MESSAGES.to_vec()));
        let answer = request.send().await.map_err(|error| call().failure(&error))?;
        let attributes = answer.attributes.unwrap_or_default();
        let counts: Option<Vec<u64>> = MESSAGES.iter().map(|name| attributes.get(name)?.parse().ok()).collect();
        counts.map(|counts| counts.iter().sum()).ok_or_else(|| call().transient(Transient::GarbledAnswer))
    }
}
