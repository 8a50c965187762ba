//! A person's way in: credentials as every tool of AWS finds them, a stack, a function's settings, and its
//! invocation. It is behind the feature `cli`; no function carries any of it.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::ProvideCredentials as _;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_cloudformation::error::ProvideErrorMetadata as _;
use aws_sdk_lambda::primitives::Blob;
use jiff::Timestamp;

use super::failure::call;
use super::{ATTEMPTS_MAX, Aws, Clock, Pace, Places, clients, https, timeouts};
use crate::domain::arn::{ArnError, Home};
use crate::domain::failure::{CallFailure, Transient};
use crate::domain::pipe::stack::Stack as StackShown;

/// Backout's own time, and a little more: <https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html>
const INVOCATION_TIMEOUT: Duration = Duration::from_secs(310);

/// What was asked for; the rest is found where AWS's tools look for it.
#[derive(Debug, Clone, Default)]
pub struct SignIn {
    /// A profile of the shared configuration.
    pub profile: Option<String>,
    /// The Region.
    pub region: Option<String>,
    /// The address of all services.
    pub endpoint_url: Option<String>,
    /// Whether S3 alone has an address of its own: it wants the bucket in the path.
    pub has_own_s3: bool,
}

/// Why nobody could sign in. It holds nothing of what a provider said: that may be anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignInError {
    /// Neither an option nor the environment nor the profile names one.
    #[error("no Region is set")]
    NoRegion,
    /// It is none.
    #[error("it is {0}")]
    Region(ArnError),
    /// Nothing that could give credentials is set up.
    #[error("no credentials were found in the environment, the shared configuration or the machine")]
    NoCredentials,
    /// The shared configuration has no such profile, or it says what makes no sense.
    #[error("the profile is not there, or gives no credentials")]
    Profile,
    /// What was to give them did not: a session that has ended, a role that cannot be assumed, a program that failed, or a
    /// machine that has none to give and nothing else was set up.
    #[error("none could be had: no credentials are set up, the session has ended, or the role may not be assumed")]
    NotGiven,
}

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub struct Session {
    pub(super) config: SdkConfig,
    region: String,
    partition: &'static str,
    path_style: bool,
    clock: Clock,
}

/// A stack, and whose it is.
#[derive(Debug, Clone)]
pub struct Stack {
    /// The account that it is in.
    pub account: String,
    /// What it says of itself.
    pub shown: StackShown,
}

impl Stack {
    /// An output of it.
    #[must_use]
    pub fn output(&self, name: &str) -> Option<&str> {
        self.shown.output(name)
    }
}

/// What an invocation came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Invoked {
    /// The function has answered.
    Answer(String),
    /// It failed, and says why: `{"errorType": …, "errorMessage": …}`.
    Failed(String),
}

impl Session {
    /// Finds Region and credentials. A profile that is named goes before the environment, as in the AWS CLI:
    /// <https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-files.html>
    ///
    /// # Errors
    /// When there are none, or they could not be had.
    pub async fn sign_in(asked: SignIn) -> Result<Self, SignInError> {
        let (clock, http) = (Clock::live(), https());
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http.clone())
            .time_source(clock.time.clone())
            .sleep_impl(clock.sleep.clone())
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS_MAX))
            .timeout_config(timeouts());
        if let Some(region) = &asked.region {
            loader = loader.region(Region::new(region.clone()));
        }
        if let Some(profile) = &asked.profile {
            let region = asked.region.clone().map(Region::new);
            let provider = ProviderConfig::without_region()
                .with_region(region)
                .with_http_client(http)
                .with_time_source(clock.time.clone())
                .with_sleep_impl(clock.sleep.clone());
            let named = ProfileFileCredentialsProvider::builder().configure(&provider).profile_name(profile).build();
            loader = loader.profile_name(profile).credentials_provider(named);
        }
        if let Some(url) = &asked.endpoint_url {
            loader = loader.endpoint_url(url);
        }
        let config = loader.load().await;
        let region = config.region().map(ToString::to_string).filter(|region| !region.is_empty());
        let region = region.ok_or(SignInError::NoRegion)?;
        let partition = Home::new(&region, "000000000000").map_err(SignInError::Region)?.partition();
        let provider = config.credentials_provider().ok_or(SignInError::NoCredentials)?;
        provider.provide_credentials().await.map_err(|error| match error {
            CredentialsError::CredentialsNotLoaded(_) if asked.profile.is_none() => SignInError::NoCredentials,
            CredentialsError::CredentialsNotLoaded(_) | CredentialsError::InvalidConfiguration(_) => {
                SignInError::Profile
            }
            CredentialsError::ProviderTimedOut(_) | CredentialsError::ProviderError(_) | _ => SignInError::NotGiven,
        })?;
        let path_style = config.endpoint_url().is_some() || asked.has_own_s3;
        Ok(Self { config, region, partition, path_style, clock })
    }

    /// The Region.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The clients of the guard itself, but for the topic: hardly anything is published from a terminal.
    #[must_use]
    pub fn connect(&self, home: Home, bucket: String, pace: fn(&Clock) -> Pace) -> Aws {
        self.connect_with(home, bucket, (String::new(), self.region.clone()), pace)
    }

    /// All clients of the guard. The topic is its ARN and its Region, which may be a central one.
    #[must_use]
    pub fn connect_with(
        &self,
        home: Home,
        bucket: String,
        (topic, topic_region): (String, String),
        pace: fn(&Clock) -> Pace,
    ) -> Aws {
        let places = Places { home, bucket, topic, topic_region, path_style: self.path_style };
        clients(&self.config, places, self.clock.clone(), pace(&self.clock).into())
    }

    /// A stack; none if there is no such stack.
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html>
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn stack(&self, name: &str) -> Result<Option<Stack>, CallFailure> {
        let arn = format!("arn:{}:cloudformation:{}:*:stack/{name}/*", self.partition, self.region);
        let call = call("cloudformation:DescribeStacks", arn);
        let client = aws_sdk_cloudformation::Client::new(&self.config);
        let answer = match client.describe_stacks().stack_name(name).send().await {
            Ok(answer) => answer,
            // The code is that of every input that CloudFormation does not take.
            Err(error) if error.meta().message().is_some_and(|message| message.ends_with("does not exist")) => {
                return Ok(None);
            }
            Err(error) => return Err(call.failure(&error)),
        };
        let Some(stack) = answer.stacks.unwrap_or_default().into_iter().next() else { return Ok(None) };
        // arn:PARTITION:cloudformation:REGION:ACCOUNT:stack/NAME/ID
        let account = stack.stack_id().and_then(|arn| arn.split(':').nth(4)).unwrap_or_default().to_owned();
        let outputs = stack.outputs.unwrap_or_default().into_iter();
        let parameters = stack.parameters.unwrap_or_default().into_iter();
        let shown = StackShown {
            name: name.to_owned(),
            status: stack.stack_status.map(|status| status.as_str().to_owned()).unwrap_or_default(),
            created: stack.creation_time.and_then(|at| Timestamp::from_second(at.secs()).ok()),
            parameters: parameters.filter_map(|it| Some((it.parameter_key?, it.parameter_value?))).collect(),
            outputs: outputs.filter_map(|it| Some((it.output_key?, it.output_value?))).collect(),
        };
        Ok(Some(Stack { account, shown }))
    }

    /// Who is signed in: the ARN of the principal, whose account is in it. It needs no permission.
    /// <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html>
    ///
    /// # Errors
    /// When STS does not say.
    pub async fn who(&self) -> Result<String, CallFailure> {
        let call = call("sts:GetCallerIdentity", "*".to_owned());
        let answer = aws_sdk_sts::Client::new(&self.config).get_caller_identity().send().await;
        let answer = answer.map_err(|error| call.clone().failure(&error))?;
        answer.arn.ok_or_else(|| call.transient(Transient::GarbledAnswer))
    }

    /// The environment that a function runs in.
    /// <https://docs.aws.amazon.com/lambda/latest/api/API_GetFunctionConfiguration.html>
    ///
    /// # Errors
    /// When it cannot be read, or not be decrypted, which Lambda says in an answer that is otherwise in order:
    /// <https://docs.aws.amazon.com/lambda/latest/api/API_EnvironmentError.html>
    pub async fn environment_of(&self, function: &str) -> Result<BTreeMap<String, String>, CallFailure> {
        let call = call("lambda:GetFunctionConfiguration", self.function_arn(function));
        let client = aws_sdk_lambda::Client::new(&self.config);
        let answer = client.get_function_configuration().function_name(function).send().await;
        let answer = answer.map_err(|error| call.clone().failure(&error))?;
        let Some(environment) = answer.environment else { return Ok(BTreeMap::new()) };
        match environment.error {
            Some(_) => Err(call.denied("kms:Decrypt")),
            None => Ok(environment.variables.unwrap_or_default().into_iter().collect()),
        }
    }

    /// Invokes a function and waits for its answer. It is sent once: whoever repeats it knows what that means.
    /// <https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html>
    ///
    /// # Errors
    /// When there is no answer. A failure that may be done is one of a function that may be at work.
    pub async fn invoke(&self, function: &str, payload: &str) -> Result<Invoked, CallFailure> {
        let call = call("lambda:InvokeFunction", self.function_arn(function));
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(5))
            .operation_attempt_timeout(INVOCATION_TIMEOUT)
            .operation_timeout(INVOCATION_TIMEOUT);
        let config = aws_sdk_lambda::config::Builder::from(&self.config)
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts.build());
        let client = aws_sdk_lambda::Client::from_conf(config.build());
        let answer = client.invoke().function_name(function).payload(Blob::new(payload)).send().await;
        let answer = answer.map_err(|error| call.clone().failure(&error))?;
        let bytes = answer.payload.map(Blob::into_inner).unwrap_or_default();
        let text = String::from_utf8(bytes).map_err(|_| call.transient(Transient::GarbledAnswer))?;
        match answer.function_error {
            None => Ok(Invoked::Answer(text)),
            Some(_) => Ok(Invoked::Failed(text)),
        }
    }

    fn function_arn(&self, function: &str) -> String {
        match function.starts_with("arn:") {
            true => function.to_owned(),
            false => format!("arn:{}:lambda:{}:*:function:{function}", self.partition, self.region),
        }
    }
}
