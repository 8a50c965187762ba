//! What can be typed. The texts here are the help.

use std::path::PathBuf;

use clap::builder::{RangedU64ValueParser, StyledStr};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args as Group, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use ecs_privileged_guard::domain::arn::{Family, TaskDefinitionId};
use ecs_privileged_guard::domain::policy::Mode;

use crate::backout::revision;
use crate::exempt::{Until, family};
use crate::session::SessionArgs;

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

/// What clap says of what was typed, and the way to what is no format but was looked for among them.
pub(crate) fn explained(mut said: clap::Error) -> clap::Error {
    let is_html = said.get(ContextKind::InvalidValue) == Some(&ContextValue::String("html".to_owned()));
    if said.kind() == ErrorKind::InvalidValue && is_html {
        let tip = StyledStr::from("the page for auditors is a file: guardctl scan --html FILE");
        said.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip]));
    }
    said
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
    /// Show how the account stands by the last sweep, and what to type next: start here
    #[command(long_about = STATUS, after_long_help = STATUS_EXAMPLES)]
    Status {
        #[command(flatten)]
        session: SessionArgs,
    },
    /// Show what the guard did and what people undid, newest first
    #[command(after_long_help = HISTORY_EXAMPLES)]
    History(HistoryArgs),
    /// Show all that is known and was done about one revision
    #[command(after_long_help = SHOW_EXAMPLES)]
    Show(RevisionArgs),
    /// Show what the guard would do about a revision, and why; nothing is changed
    #[command(long_about = PLAN, after_long_help = PLAN_EXAMPLES)]
    Plan(PlanArgs),
    /// Do what plan shows, with your own rights, and tell as the guard does
    #[command(long_about = APPLY, after_long_help = APPLY_EXAMPLES)]
    Apply(ApplyArgs),
    /// Show what an event leads to: the plan, the calls, the alert; nothing is changed
    #[command(long_about = REPLAY, after_long_help = REPLAY_EXAMPLES)]
    Replay(ReplayArgs),
    /// Look at every task definition from here, and show who is privileged; nothing is changed
    #[command(long_about = SCAN, after_long_help = SCAN_EXAMPLES)]
    Scan(ScanArgs),
    /// Undo what the guard did to a revision, and exempt its family for a time
    #[command(long_about = BACKOUT, after_long_help = BACKOUT_EXAMPLES)]
    Backout(BackoutArgs),
    /// Deregister originals that nothing refers to any more, slowly
    #[command(long_about = RETIRE, after_long_help = RETIRE_EXAMPLES)]
    Retire(RetireArgs),
    /// List, write and end exemptions
    #[command(subcommand)]
    Exempt(Exempt),
    /// Show whether the pipe is alive: trail, rules, functions, subscriptions, queues, sweep, alarms
    #[command(long_about = DOCTOR, after_long_help = DOCTOR_EXAMPLES)]
    Doctor(DoctorArgs),
    /// Find privileged containers in files, before AWS sees them; no account is needed
    #[command(long_about = CHECK, after_long_help = CHECK_EXAMPLES)]
    Check(CheckArgs),
    /// Write the policy that denies privileged registrations, but for what is exempt
    #[command(long_about = POLICY, after_long_help = POLICY_EXAMPLES)]
    #[command(mut_arg("account", |arg| arg.help(POLICY_ACCOUNT)))]
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

/// What is done about exemptions.
#[derive(Debug, Subcommand)]
pub(crate) enum Exempt {
    /// List the exemptions that are stored, and whether they hold
    #[command(after_long_help = EXEMPT_LIST_EXAMPLES)]
    List {
        #[command(flatten)]
        session: SessionArgs,
    },
    /// Let named containers of a family be privileged for a time
    #[command(long_about = EXEMPT_ADD, after_long_help = EXEMPT_ADD_EXAMPLES)]
    Add(ExemptAddArgs),
    /// End an exemption now
    #[command(after_long_help = EXEMPT_END_EXAMPLES)]
    End(ExemptEndArgs),
}

/// What `exempt add` takes.
#[derive(Debug, Group)]
pub(crate) struct ExemptAddArgs {
    /// The family
    #[arg(value_parser = family)]
    pub(crate) family: Family,
    /// Until when: a day (to its end, in UTC) or a time; at most 90 days from now
    #[arg(long, value_name = "DATE")]
    pub(crate) until: Until,
    /// Why
    #[arg(long)]
    pub(crate) reason: String,
    /// Who approved it
    #[arg(long, value_name = "WHO")]
    pub(crate) approved_by: String,
    /// Which containers, by name; else the privileged ones of its latest revision
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(crate) containers: Vec<String>,
    /// Write it in the place of one that holds
    #[arg(long)]
    pub(crate) replace: bool,
    /// Do not ask
    #[arg(short, long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) session: SessionArgs,
}

/// What `exempt end` takes.
#[derive(Debug, Group)]
pub(crate) struct ExemptEndArgs {
    /// The family
    #[arg(value_parser = family)]
    pub(crate) family: Family,
    /// Do not ask
    #[arg(short, long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) session: SessionArgs,
}

/// What `history` takes.
#[derive(Debug, Group)]
pub(crate) struct HistoryArgs {
    /// Of this family only
    #[arg(value_parser = family)]
    pub(crate) family: Option<Family>,
    /// How many records to read, the newest first
    #[arg(long, default_value_t = 20, value_name = "COUNT",
          value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
    pub(crate) limit: usize,
    #[command(flatten)]
    pub(crate) session: SessionArgs,
}

/// What `show` takes.
#[derive(Debug, Group)]
pub(crate) struct RevisionArgs {
    /// The original or its copy, as FAMILY:REVISION
    #[arg(value_parser = revision)]
    pub(crate) revision: TaskDefinitionId,
    #[command(flatten)]
    pub(crate) session: SessionArgs,
}

/// What `plan` takes.
#[derive(Debug, Group)]
pub(crate) struct PlanArgs {
    /// The revision, as FAMILY:REVISION
    #[arg(value_parser = revision)]
    pub(crate) revision: TaskDefinitionId,
    /// Plan as in this mode, instead of the one that is set
    #[arg(long, value_enum)]
    pub(crate) mode: Option<ModeArg>,
    /// End with 3 if something would be changed
    #[arg(long)]
    pub(crate) exit_code: bool,
    /// The guard's function, whose settings count, where there is no stack to ask
    #[arg(long, value_name = "NAME")]
    pub(crate) function: Option<String>,
    #[command(flatten)]
    pub(crate) session: SessionArgs,
}

/// What `apply` takes.
#[derive(Debug, Group)]
pub(crate) struct ApplyArgs {
    /// The revision, as FAMILY:REVISION
    #[arg(value_parser = revision)]
    pub(crate) revision: TaskDefinitionId,
    /// Apply as in this mode, instead of the one that is set
    #[arg(long, value_enum)]
    pub(crate) mode: Option<ModeArg>,
    /// Do not ask
    #[arg(short, long)]
    pub(crate) yes: bool,
    /// The guard's function, whose settings count, where there is no stack to ask
    #[arg(long, value_name = "NAME")]
    pub(crate) function: Option<String>,
    #[command(flatten)]
    pub(crate) session: SessionArgs,
}

/// What `replay` takes.
#[derive(Debug, Group)]
pub(crate) struct ReplayArgs {
    /// An event as EventBridge hands it over, or - for stdin
    pub(crate) file: PathBuf,
    /// Ask nobody, and show only how the event is understood
    #[arg(long, conflicts_with_all = ["mode", "function", "profile", "region", "stack", "bucket", "account",
                                      "endpoint_url"])]
    pub(crate) offline: bool,
    /// Replay as in this mode, instead of the one that is set
    #[arg(long, value_enum)]
    pub(crate) mode: Option<ModeArg>,
    /// The guard's function, whose settings count, where there is no stack to ask
    #[arg(long, value_name = "NAME")]
    pub(crate) function: Option<String>,
    #[command(flatten)]
    pub(crate) session: SessionArgs,
}

/// What `scan` takes.
#[derive(Debug, Group)]
pub(crate) struct ScanArgs {
    /// Look at the latest revision of each family only, and at what runs
    #[arg(long)]
    pub(crate) latest: bool,
    /// End with 3 if a revision is privileged and not exempt
    #[arg(long)]
    pub(crate) exit_code: bool,
    /// Write the page for auditors to this file, too
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// The guard's function, whose settings count, where there is no stack to ask
    #[arg(long, value_name = "NAME")]
    pub(crate) function: Option<String>,
    /// Look at an account that no guard is in yet: nothing is exempt
    #[arg(long, conflicts_with_all = ["html", "function", "stack", "bucket", "account"])]
    pub(crate) no_guard: bool,
    #[command(flatten)]
    pub(crate) session: SessionArgs,
}

/// The modes of the guard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ModeArg {
    // Tells people.
    Alert,
    // Makes copies.
    Remediate,
    // Moves services, too.
    Enforce,
}

impl From<ModeArg> for Mode {
    fn from(mode: ModeArg) -> Self {
        match mode {
            ModeArg::Alert => Self::Alert,
            ModeArg::Remediate => Self::Remediate,
            ModeArg::Enforce => Self::Enforce,
        }
    }
}

/// How long a backout exempts when nobody says.
pub(crate) const DAYS: u8 = 30;

/// What `backout` takes.
#[derive(Debug, Group)]
#[expect(clippy::struct_excessive_bools, reason = "what was typed, not a state")]
pub(crate) struct BackoutArgs {
    /// The original or its copy, as FAMILY:REVISION
    #[arg(value_parser = revision)]
    pub(crate) revision: TaskDefinitionId,
    /// Why
    #[arg(long, required_unless_present = "dry_run")]
    pub(crate) reason: Option<String>,
    /// Who approved it
    #[arg(long, value_name = "WHO", required_unless_present = "dry_run")]
    pub(crate) approved_by: Option<String>,
    /// For how many days the family is exempt
    #[arg(long, default_value_t = DAYS, value_parser = clap::value_parser!(u8).range(1..=90))]
    pub(crate) days: u8,
    /// Shorten or narrow an exemption that is there
    #[arg(long)]
    pub(crate) replace: bool,
    /// Say what would be done, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do not follow the services until they have settled
    #[arg(long)]
    pub(crate) no_wait: bool,
    /// For how many minutes to follow them at most
    #[arg(long, default_value_t = 30)]
    pub(crate) minutes: u16,
    /// Do not ask
    #[arg(short, long)]
    pub(crate) yes: bool,
    /// The backout function, where there is no stack to ask
    #[arg(long, value_name = "NAME")]
    pub(crate) function: Option<String>,
    #[command(flatten)]
    pub(crate) session: SessionArgs,
}

/// What `retire` takes.
#[derive(Debug, Group)]
pub(crate) struct RetireArgs {
    /// Of this family only
    #[arg(value_parser = family)]
    pub(crate) family: Option<Family>,
    /// Say what would be deregistered, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do not ask
    #[arg(short, long)]
    pub(crate) yes: bool,
    /// The guard's function, whose settings count, where there is no stack to ask
    #[arg(long, value_name = "NAME")]
    pub(crate) function: Option<String>,
    #[command(flatten)]
    pub(crate) session: SessionArgs,
}

/// What `doctor` takes.
#[derive(Debug, Group)]
pub(crate) struct DoctorArgs {
    /// Register a harmless definition, and wait for the guard to answer
    #[arg(long)]
    pub(crate) live: bool,
    /// For how many seconds to wait at most
    #[arg(long, requires = "live", default_value_t = 900, value_name = "SECONDS",
          value_parser = clap::value_parser!(u16).range(1..=3000))]
    pub(crate) wait: u16,
    /// Do not ask
    #[arg(short, long, requires = "live")]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) session: SessionArgs,
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
    /// Where nobody is asked: a file with a list of exemptions, as for check
    #[arg(long, value_name = "FILE", requires = "account", conflicts_with = "bucket")]
    pub(crate) exemptions: Option<PathBuf>,
    /// Where nobody is asked: the families that are exempt for good, as in EXEMPT_FAMILIES
    #[arg(long, value_name = "GLOBS", value_delimiter = ',', requires = "account", conflicts_with = "bucket")]
    pub(crate) exempt_families: Vec<String>,
    /// The guard's function, whose EXEMPT_FAMILIES count, where there is no stack to ask
    #[arg(long, value_name = "NAME", conflicts_with_all = ["exemptions", "exempt_families"])]
    pub(crate) function: Option<String>,
    #[command(flatten)]
    pub(crate) session: SessionArgs,
}

/// What kind of policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PolicyKind {
    // A service control policy, which meets everybody in an account.
    Scp,
    // A managed policy, for the roles of people and pipelines.
    Managed,
}

const STATUS: &str = "\
Show how the account stands by the last sweep, and what to type next: start here

It reads the report that the last sweep wrote: the mode, what is privileged now, exemptions that end within seven days. \
What has happened since then is not in it; a sweep runs every hour, or as often as the stack says.";

const STATUS_EXAMPLES: &str = "\
Examples:
  guardctl status
  guardctl status --stack ecs-privileged-guard --region eu-west-1
  guardctl status -o json";

const HISTORY_EXAMPLES: &str = "\
Examples:
  guardctl history
  guardctl history web --limit 100
  guardctl history -o csv >history.csv";

const SHOW_EXAMPLES: &str = "\
Examples:
  guardctl show web:1
  guardctl show web:2
  guardctl show -o json web:1";

const PLAN: &str = "\
Show what the guard would do about a revision, and why; nothing is changed

It reads the settings of the guard's function, then what the guard would read, with your own rights, and shows the plan \
that the guard would carry out. Values are never shown, but for the one flag.";

const PLAN_EXAMPLES: &str = "\
Examples:
  guardctl plan api:1
  guardctl plan --mode alert api:1
  guardctl plan --exit-code -o json api:1";

const APPLY: &str = "\
Do what plan shows, with your own rights, and tell as the guard does

It goes the guard's own way, by the settings of its function: backup, copy, proof, alert (which names you), record. In \
mode alert it does nothing, unless --mode says otherwise. What you register must count as the guard's, or backout could \
not undo it: you must be signed in with a role that the stack's parameter ApplyRoles names. The same command again goes \
on where one has stopped. It ends with 1 if the revision stays privileged, with 6 if it refused, and with 5 if a copy \
stands and not all else was done.";

const APPLY_EXAMPLES: &str = "\
Examples:
  guardctl apply api:1 --yes
  guardctl apply --mode remediate --yes web:1
  guardctl apply --yes -o json api:1";

const REPLAY: &str = "\
Show what an event leads to: the plan, the calls, the alert; nothing is changed

It takes an event through the code of the guard's function, with the function's settings and your own rights, as far as \
its first write. A copy is not made, so what its alert would say is not known: mode alert's is shown in its place. What \
becomes of services in mode enforce is not foreseen. With --offline the event itself says which account it is of.";

const REPLAY_EXAMPLES: &str = "\
Examples:
  guardctl replay event.json
  guardctl replay --mode alert -o json event.json
  guardctl replay --offline - <event.json";

const SCAN: &str = "\
Look at every task definition from here, and show who is privileged; nothing is changed

It lists the ACTIVE revisions, walks the clusters for what runs, and describes each revision, at most five a second, so \
that pipelines keep most of the account's rate. Exemptions are read from the guard's bucket, EXEMPT_FAMILIES from its \
function. Where there is neither --stack nor --function to ask, that is said, and the families that it would exempt count \
as privileged. It ends with 1 if something could not be seen, with 4 if a permission is missing for it.

With --no-guard it asks ECS, and STS whose account it is, and nobody else: so it shows before anything is deployed what the \
guard would find.

With --html it writes the page of a sweep's report, too, made from what it saw: one file for a browser or paper. How a \
family stands is then read from the guard's record, the mode from its function. It says what a scan cannot \
know: which events were missed, for one. The file is replaced as a whole, or not at all.";

const SCAN_EXAMPLES: &str = "\
Examples:
  guardctl scan
  guardctl scan --no-guard --region eu-west-1
  guardctl scan --latest --exit-code
  guardctl scan -o csv >privileged.csv
  guardctl scan --html privileged.html";

const BACKOUT: &str = "\
Undo what the guard did to a revision, and exempt its family for a time

It asks the backout function, which brings the original back, moves the services back, deregisters the copy and writes \
the exemption; then it follows the services until they have settled. What is interrupted here goes on there, and the \
same command again goes on where it stopped. It ends with 6 if the function refused, and with 5 if not all was done.";

const BACKOUT_EXAMPLES: &str = "\
Examples:
  guardctl backout web:1 --dry-run
  guardctl backout web:1 --yes --reason 'needs the host' \\
    --approved-by jane@example.com
  guardctl backout web:1 --yes --no-wait --days 7 --reason 'needs the host' \\
    --approved-by jane@example.com";

const RETIRE: &str = "\
Deregister originals that nothing refers to any more, slowly

It takes privileged revisions that are ACTIVE, have a copy in force by the guard's record and a genuine backup, are not \
exempt, and that no task and no service runs; one in two seconds, each looked at again first. Schedules, Step Functions \
and scripts that name a number cannot be seen from here. What is deregistered stays so; backout brings it back as a new \
revision. It ends with 6 if not all that runs could be seen, and with 5 if not all was done.";

const RETIRE_EXAMPLES: &str = "\
Examples:
  guardctl retire --dry-run
  guardctl retire --dry-run -o csv >originals.csv
  guardctl retire web --yes";

const DOCTOR: &str = "\
Show whether the pipe is alive: trail, rules, functions, subscriptions, queues, sweep, alarms

It asks the stack what it has made, and each part how it is; for all that is not well it says what to do. What could not \
be asked is not seen, never well. It ends with 3 if something is broken, with 4 if something was not seen because a \
permission is missing, and with 1 if for another reason. Who is subscribed to a topic of another account only that account \
can see: it is not seen, and no reason to fail.

With --live it exempts a family of its own for an hour, registers one revision of it that is privileged and that nothing \
runs, waits until the guard has looked at it, and takes both back, also on Ctrl-C. That an alert of the guard reaches \
anybody is not proven by it; the exemption raises the alert about tampering with exemptions, as each one does. CloudTrail \
hands events over as a best effort and promises no time (its log files take about 5 minutes on average): an answer that has \
not come within --wait may come later.";

const DOCTOR_EXAMPLES: &str = "\
Examples:
  guardctl doctor
  guardctl doctor -o json
  guardctl doctor --live --yes --wait 1800";

const EXEMPT_LIST_EXAMPLES: &str = "\
Examples:
  guardctl exempt list
  guardctl exempt list -o json
  guardctl exempt list -o csv >exemptions.csv";

const EXEMPT_ADD: &str = "\
Let named containers of a family be privileged for a time

What the guard would not honour is not written: an end that is more than 90 days away, no reason, nobody who approved \
it. It is written over nothing that was not read first.";

const EXEMPT_ADD_EXAMPLES: &str = "\
Examples:
  guardctl exempt add api --yes --until 2027-01-31 --reason 'moves in January' \\
    --approved-by jane@example.com
  guardctl exempt add api --yes --replace --until 2027-01-31T18:00:00Z \\
    --reason 'moves in January' --approved-by jane@example.com --containers app
  guardctl exempt list";

const EXEMPT_END_EXAMPLES: &str = "\
Examples:
  guardctl exempt end api --yes
  guardctl exempt end --yes -o json api
  guardctl exempt list";

const POLICY: &str = "\
Write the policy that denies privileged registrations, but for what is exempt

It reads the exemptions of the guard's bucket and EXEMPT_FAMILIES of its function. With --account and --region, and no \
--bucket, it asks nobody: then --exemptions and --exempt-families say who is exempt in that place.

It denies everybody to register a task definition with a privileged container, but for the families that are exempt, and \
those only until their exemptions end. scp is a service control policy for an organization, managed a policy for the \
roles of people and pipelines. Both are JSON, which -o csv cannot be. FLEET.md of the guard says what neither covers.";

const POLICY_ACCOUNT: &str =
    "The account that the guard of --bucket is in; without --bucket: that the policy is for, and nobody is asked";

const POLICY_EXAMPLES: &str = "\
Examples:
  guardctl policy >scp.json
  guardctl policy --kind managed --stack ecs-privileged-guard
  guardctl policy --account 012345678912 --region us-east-1
  guardctl policy --account 012345678912 --region us-east-1 \\
    --exemptions exemptions.json --exempt-families 'datadog-*,falco'";

const CHECK: &str = "\
Find privileged containers in files, before AWS sees them; no account is needed

It reads task definitions (what registers one, or describes one; JSON or YAML), lists of container definitions, \
templates of CloudFormation and SAM (JSON or YAML, cdk.out), and plans (terraform show -json). In a directory it reads \
*.json, *.yaml, *.yml and *.template, and passes over what is none of these; a file that is named must be one. Links to \
directories in it are not followed, and it says which they are: name those that are meant.

What depends on a parameter, a condition, a module or an apply is called unknown, never guessed; but Terraform's provider \
awscc calls each flag unknown that was left out, so one of its flags that is known only after apply counts as left out. \
Values are never shown. It ends with 3 if a container is privileged and not exempt, and with 1 if a file could not be read.";

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
