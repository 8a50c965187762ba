//! What was typed to find the guard. Each command that a row says to type has it too: without, it would ask another account,
//! or another stack.

use super::super::arn::Home;

/// The options, each with a space before it and quoted for a shell; empty where there were none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Typed {
    /// All of them, as guardctl takes them.
    pub guardctl: String,
    /// Those of them that the AWS CLI takes too, but for the Region, which its commands always name.
    /// <https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-options.html>
    pub aws: String,
}

impl Typed {
    /// A command of guardctl.
    #[must_use]
    pub fn guardctl(&self, rest: &str) -> String {
        format!("guardctl {rest}{}", self.guardctl)
    }

    /// A command of the AWS CLI: its service and operation, the Region, and the rest.
    #[must_use]
    pub fn aws(&self, operation: &str, region: &str, rest: &str) -> String {
        format!("aws {operation} --region {region} {rest}{}", self.aws)
    }
}

/// Where the pipe is, and how to get there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) home: &'a Home,
    pub(super) typed: &'a Typed,
}

impl Place<'_> {
    /// A command of the AWS CLI in the guard's own Region.
    pub(super) fn aws(self, operation: &str, rest: &str) -> String {
        self.typed.aws(operation, self.home.region(), rest)
    }
}
