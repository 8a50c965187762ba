//! What a stack has made, by its own list.

use super::Examiner;
use crate::aws::failure::call;
use crate::aws::tokens::Tokens;
use crate::domain::pipe::Seen;
use crate::domain::pipe::stack::Resource;

impl Examiner {
    /// The resources of a stack.
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ListStackResources.html>
    ///
    /// # Errors
    /// When a page cannot be read, or leads back to one that was shown.
    pub async fn resources(&self, stack: &str) -> Seen<Vec<Resource>> {
        let call =
            || call("cloudformation:ListStackResources", self.arn("cloudformation", &format!("stack/{stack}/*")));
        let client = aws_sdk_cloudformation::Client::new(&self.config);
        let (mut resources, mut token, mut tokens) = (Vec::new(), None, Tokens::default());
        while tokens.lead_on(token.as_ref()) {
            let page = client.list_stack_resources().stack_name(stack).set_next_token(token).send().await;
            let page = page.map_err(|error| call().failure(&error))?;
            resources.extend(page.stack_resource_summaries.into_iter().flatten().map(|it| Resource {
                logical: it.logical_resource_id.unwrap_or_default(),
                physical: it.physical_resource_id.unwrap_or_default(),
                kind: it.resource_type.unwrap_or_default(),
                status: it.resource_status.map(|status| status.as_str().to_owned()).unwrap_or_default(),
            }));
            token = page.next_token;
            if token.is_none() {
                return Ok(resources);
            }
        }
        Err(call().refused())
    }
}
