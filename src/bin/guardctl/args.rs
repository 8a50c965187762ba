//! What can be typed. The texts here are the help.

use std::path::PathBuf;

use clap::{Args as Group, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

/// Takes `privileged: true` out of Amazon ECS task definitions: the operator's command line.
#[derive(Debug, Parser)]
#[command(
    name = "guardctl",
    version,
    max_term_width = 100,
    propagate_version = false,
    disable_help_subcommand = true,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) options: Options,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Debug, Group)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Options {
    /// How data is written
    #[arg(short, long, global = true, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    pub(crate) output: Format,
    /// Whether to use colour
    #[arg(long, global = true, value_enum, default_value_t = clap::ColorChoice::Auto, value_name = "WHEN")]
    pub(crate) color: clap::ColorChoice,
    /// Say only what went wrong, besides the data
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Say more of what is done
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
}

/// How data is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    // For people.
    Table,
    // For programs.
    Json,
    // For spreadsheets.
    Csv,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Find privileged containers in files, before AWS sees them; no account is needed
    #[command(long_about = CHECK, after_long_help = CHECK_EXAMPLES)]
    Check(CheckArgs),
    /// Write the policy that denies privileged registrations; no account is needed
    #[command(long_about = POLICY, after_long_help = POLICY_EXAMPLES)]
    Policy(PolicyArgs),
    /// Write the completions of a shell to stdout
    #[command(after_long_help = COMPLETIONS)]
    Completions {
        /// Which shell
        shell: Shell,
    },
    /// Show the help of a command, or exit-codes
    Help {
        /// A command, or exit-codes
        topic: Vec<String>,
    },
}

/// What `check` takes.
#[derive(Debug, Group)]
pub(crate) struct CheckArgs {
    /// Files, directories, or - for stdin
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Say which ways to the host remain without the flag, too
    #[arg(long)]
    pub(crate) residual: bool,
    /// Let what is unknown fail the check, too
    #[arg(long)]
    pub(crate) strict: bool,
    /// A file with a list of exemptions
    #[arg(long, value_name = "FILE")]
    pub(crate) exemptions: Option<PathBuf>,
}

/// What `policy` takes.
#[derive(Debug, Group)]
pub(crate) struct PolicyArgs {
    /// What kind of policy
    #[arg(long, value_enum, default_value_t = PolicyKind::Scp, value_name = "KIND")]
    pub(crate) kind: PolicyKind,
    /// The account in which the exemptions hold
    #[arg(long, value_name = "ID")]
    pub(crate) account: String,
    /// The Region in which the exemptions hold
    #[arg(long, value_name = "REGION")]
    pub(crate) region: String,
    /// A file with a list of exemptions, as for check
    #[arg(long, value_name = "FILE")]
    pub(crate) exemptions: Option<PathBuf>,
    /// The families that are exempt for good, as in EXEMPT_FAMILIES
    #[arg(long, value_name = "GLOBS", value_delimiter = ',')]
    pub(crate) exempt_families: Vec<String>,
}

/// What kind of policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PolicyKind {
    // A service control policy, which meets everybody in an account.
    Scp,
    // A managed policy, for the roles of people and pipelines.
    Managed,
}

const POLICY: &str = "\
Write the policy that denies privileged registrations; no account is needed

It denies everybody to register a task definition with a privileged container, but for the families that are exempt, and \
those only until their exemptions end. scp is a service control policy for an organization, managed a policy for the \
roles of people and pipelines. FLEET.md of the guard says what neither covers.";

const POLICY_EXAMPLES: &str = "\
Examples:
  guardctl policy --account 012345678912 --region us-east-1
  guardctl policy --account 012345678912 --region us-east-1 --kind managed
  guardctl policy --account 012345678912 --region us-east-1 \\
    --exemptions exemptions.json --exempt-families 'datadog-*,falco'";

const CHECK: &str = "\
Find privileged containers in files, before AWS sees them; no account is needed

It reads task definitions (what registers one, or describes one; JSON or YAML), lists of container definitions, \
templates of CloudFormation and SAM (JSON or YAML, cdk.out), and plans (terraform show -json). In a directory it reads \
*.json, *.yaml, *.yml and *.template, and passes over what is none of these; a file that is named must be one.

What depends on a parameter, a condition or an apply is called unknown, never guessed. Values are never shown. It ends \
with 3 if a container is privileged and not exempt, and with 1 if a file could not be read.";

const CHECK_EXAMPLES: &str = "\
Examples:
  guardctl check taskdef.json
  guardctl check --residual template.yaml
  guardctl check -o json cdk.out
  guardctl check --exemptions exemptions.json deploy/*.yaml
  terraform show -json plan.tfplan | guardctl check --strict -
  aws ecs describe-task-definition --task-definition web | guardctl check -

The exemptions are a list of entries like this one. All members are required, and an entry ends in at most 90 days:
  [{\"family\": \"agent\", \"containers\": [\"agent\"],
    \"reason\": \"needs the host's devices\", \"approvedBy\": \"jane@example.com\",
    \"expiresAt\": \"2027-01-31T00:00:00Z\"}]";

const COMPLETIONS: &str = "\
Examples:
  source <(guardctl completions bash)
  guardctl completions zsh > ~/.zfunc/_guardctl
  guardctl completions fish > ~/.config/fish/completions/guardctl.fish";
