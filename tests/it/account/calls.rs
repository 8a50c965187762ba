//! The log of calls: who called what on what, with the facts that an IAM condition could ask about.
//! It judges nothing.

/// A service of the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    Ecs,
    S3,
    Sns,
}

impl Service {
    /// The name in a credential scope and in an IAM action.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ecs => "ecs",
            Self::S3 => "s3",
            Self::Sns => "sns",
        }
    }
}

/// What a caller saw of its call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// The work was done, and the caller knows.
    Done,
    /// An error with this code.
    Refused(String),
    /// No answer, or one that cannot be read; `done` says whether the work was done all the same.
    Lost { done: bool },
}

/// One call that carried a valid signature.
#[derive(Debug, Clone)]
pub struct Call {
    pub service: Service,
    pub operation: String,
    /// The ARN behind the signing key.
    pub principal: String,
    /// What was acted on: `web:12` or a family, `bucket/key`, a topic's ARN, a cluster. Empty for "all".
    pub resource: String,
    /// `ecs:privileged` of a registration: some container is privileged.
    pub privileged: Option<bool>,
    /// `If-None-Match` or `If-Match` of a `PutObject`, like `if-none-match: *`.
    pub condition: Option<String>,
    /// The body as it came.
    pub body: Vec<u8>,
    pub seen: Seen,
}

impl Call {
    /// As an IAM action, like `ecs:RegisterTaskDefinition`.
    pub fn action(&self) -> String {
        format!("{}:{}", self.service.name(), self.operation)
    }

    /// Whether it changes anything in the account.
    pub fn is_write(&self) -> bool {
        !["Describe", "List", "Get", "Head", "Unknown"].iter().any(|reading| self.operation.starts_with(reading))
    }
}
