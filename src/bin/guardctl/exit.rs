//! The exit codes: decided here and nowhere else.

use std::process::ExitCode;

/// How a command ended. Elsewhere an interrupt ends the process by its signal, which a shell shows as 130 too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done, and nothing to complain about.
    Fine,
    /// It could not be done.
    Failed,
    /// What was typed makes no sense.
    Usage,
    /// There are findings, or changes that would be made.
    Found,
    /// Nobody is signed in, or a permission is missing.
    Denied,
    /// Some of it was done, and not all.
    Partly,
    /// It is not safe, so it was not done.
    Refused,
    /// Somebody pressed Ctrl-C while a command had something to say about that.
    Interrupted,
}

impl Exit {
    fn code(self) -> u8 {
        match self {
            Self::Fine => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Found => 3,
            Self::Denied => 4,
            Self::Partly => 5,
            Self::Refused => 6,
            Self::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}

/// `guardctl help exit-codes`: of all commands together.
pub(crate) const HELP: &str = "\
Exit codes of guardctl:
    0  fine
    1  failed: it could not be done, or not all of it could be read
    2  usage: what was typed makes no sense
    3  findings, or changes that would be made
    4  not signed in, or denied
    5  partly done
    6  refused for safety
  130  interrupted
";
