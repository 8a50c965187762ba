//! A function: whether it can start, and who may start it.

use aws_sdk_lambda::error::ProvideErrorMetadata as _;

use super::Examiner;
use crate::aws::failure::call;
use crate::domain::pipe::Seen;
use crate::domain::pipe::functions::{Function, State};

impl Examiner {
    /// The function of this name; in the template it is called `logical`. Its policy is asked for only where that matters.
    pub async fn function(&self, logical: &str, name: &str, with_policy: bool) -> Function {
        let client = aws_sdk_lambda::Client::new(&self.config);
        let arn = self.arn("lambda", &format!("function:{name}"));
        Function {
            logical: logical.to_owned(),
            name: name.to_owned(),
            state: state(&client, name, &arn).await,
            reserved: reserved(&client, name, &arn).await,
            policy: match with_policy {
                true => Some(policy(&client, name, &arn).await),
                false => None,
            },
        }
    }
}

/// <https://docs.aws.amazon.com/lambda/latest/api/API_GetFunctionConfiguration.html>
async fn state(client: &aws_sdk_lambda::Client, name: &str, arn: &str) -> Seen<State> {
    let found = client.get_function_configuration().function_name(name).send().await;
    let found = found.map_err(|error| call("lambda:GetFunctionConfiguration", arn).failure(&error))?;
    Ok(State {
        state: found.state().map(|state| state.as_str().to_owned()).unwrap_or_default(),
        last_update: found.last_update_status().map(|status| status.as_str().to_owned()).unwrap_or_default(),
    })
}

/// <https://docs.aws.amazon.com/lambda/latest/api/API_GetFunctionConcurrency.html>
async fn reserved(client: &aws_sdk_lambda::Client, name: &str, arn: &str) -> Seen<Option<i32>> {
    let found = client.get_function_concurrency().function_name(name).send().await;
    let found = found.map_err(|error| call("lambda:GetFunctionConcurrency", arn).failure(&error))?;
    Ok(found.reserved_concurrent_executions())
}

/// One without a policy answers like one that is not there: <https://docs.aws.amazon.com/lambda/latest/api/API_GetPolicy.html>
async fn policy(client: &aws_sdk_lambda::Client, name: &str, arn: &str) -> Seen<Option<String>> {
    match client.get_policy().function_name(name).send().await {
        Ok(found) => Ok(found.policy),
        Err(error) if error.code() == Some("ResourceNotFoundException") => Ok(None),
        Err(error) => Err(call("lambda:GetPolicy", arn).failure(&error)),
    }
}
