//! The environment, read here alone: what AWS's own variables do not decide by themselves.

/// A variable that is set to something.
#[expect(clippy::disallowed_methods, reason = "the one place where guardctl reads the environment")]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
