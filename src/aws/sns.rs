//! The topic: one message to everybody who must know. It knows texts; what they say is decided elsewhere.

use aws_sdk_sns::types::MessageAttributeValue;

use super::failure::call;
use crate::domain::alert::Message;
use crate::domain::failure::CallFailure;

/// The topic that alerts go to.
#[derive(Debug, Clone)]
pub struct Topic {
    pub(super) client: aws_sdk_sns::Client,
    pub(super) arn: String,
}

impl Topic {
    /// Publishes a message with a text for each protocol.
    /// <https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>
    ///
    /// # Errors
    /// When SNS has not confirmed it. It may have been published all the same.
    pub async fn publish(&self, message: &Message) -> Result<(), CallFailure> {
        let mut request = self
            .client
            .publish()
            .topic_arn(&self.arn)
            .message_structure("json")
            .subject(&message.subject)
            .message(message.by_protocol());
        for (name, value) in &message.attributes {
            let value = MessageAttributeValue::builder().data_type("String").string_value(value).build();
            // The builder asks for the one member that is set in the line above.
            let value = value.map_err(|_| call("sns:Publish", &self.arn).refused())?;
            request = request.message_attributes(*name, value);
        }
        request.send().await.map(|_| ()).map_err(|error| call("sns:Publish", &self.arn).failure(&error))
    }
}
