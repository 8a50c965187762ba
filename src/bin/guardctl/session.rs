//! Who is asked, and about which guard: signs in, and finds bucket and functions by the stack's outputs. It changes
//! nothing.

use clap::Args as Group;
use ecs_privileged_guard::aws::{Aws, Pace, Session, SignIn, SignInError, Stack};
use ecs_privileged_guard::config::is_bucket_name;
use ecs_privileged_guard::domain::arn::Home;
use ecs_privileged_guard::domain::escape;
use ecs_privileged_guard::domain::pipe::Typed;
use ecs_privileged_guard::domain::pipe::stack::Stack as StackShown;

use crate::environment::variable;
use crate::exit::Exit;
use crate::failure::trouble;
use crate::trouble::Trouble;

const STACK: &str = "ecs-privileged-guard";

/// Where the guard is.
#[derive(Debug, Group)]
#[command(next_help_heading = "Where the guard is")]
pub(crate) struct SessionArgs {
    /// The profile of the AWS configuration to sign in with
    #[arg(long)]
    profile: Option<String>,
    /// The Region that is guarded
    #[arg(long)]
    region: Option<String>,
    /// The guard's stack: its outputs name bucket and functions
    #[arg(long, default_value = STACK, conflicts_with = "bucket")]
    stack: String,
    /// The guard's bucket, where there is no stack to ask
    #[arg(long, requires = "account")]
    bucket: Option<String>,
    /// The account that the guard of --bucket is in
    #[arg(long, value_name = "ID")]
    account: Option<String>,
    /// The address of all services, if it is not AWS's own
    #[arg(long, value_name = "URL")]
    endpoint_url: Option<String>,
}

/// A guard that was found, and the way to it.
pub(crate) struct Guard {
    pub(crate) session: Session,
    pub(crate) aws: Aws,
    pub(crate) home: Home,
    pub(crate) bucket: String,
    stack: Option<(String, Stack)>,
    /// What was typed to find it, for the next command.
    pub(crate) typed: Typed,
}

/// A function of the guard, by the stack's output and by the option that names it otherwise.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Function {
    Guard,
    Backout,
}

impl SessionArgs {
    /// Signs in and finds the guard.
    pub(crate) async fn open(&self) -> Result<Guard, Trouble> {
        let session = self.sign_in().await?;
        let (account, bucket, stack) = match (&self.bucket, &self.account) {
            (Some(bucket), Some(account)) => (account.clone(), bucket.clone(), None),
            // The stack says which account it is in: another one that is typed may be meant, and would not count.
            (None, Some(_)) => {
                let what = "--account goes with --bucket, and there is none";
                return Err(Trouble::new(Exit::Usage, what).hint("a stack says itself which account it is in"));
            }
            (_, _) => {
                let stack = self.stack_of(&session).await?;
                let bucket = stack.output("StateBucket").map(str::to_owned);
                let bucket = bucket.ok_or_else(|| not_ours(&self.stack, "StateBucket"))?;
                (stack.account.clone(), bucket, Some((self.stack.clone(), stack)))
            }
        };
        let home = Home::new(session.region(), &account)
            .map_err(|why| Trouble::new(Exit::Usage, "--account cannot be used").because(&why))?;
        if !is_bucket_name(&bucket) {
            return Err(Trouble::new(Exit::Usage, format!("{bucket} is not the name of a bucket")));
        }
        let aws = session.connect(home.clone(), bucket.clone(), Pace::of_backout);
        Ok(Guard { session, aws, home, bucket, stack, typed: self.typed() })
    }

    /// Signs in, where there is no guard to find: the account is that of whoever is signed in.
    pub(crate) async fn open_bare(&self) -> Result<(Session, Home), Trouble> {
        let session = self.sign_in().await?;
        let account = account_of(&session).await?;
        let home = Home::new(session.region(), &account);
        let home = home.map_err(|why| Trouble::new(Exit::Failed, "who is signed in cannot be used").because(&why))?;
        Ok((session, home))
    }

    async fn sign_in(&self) -> Result<Session, Trouble> {
        let asked = SignIn {
            profile: self.profile.clone(),
            region: self.region.clone(),
            endpoint_url: self.endpoint_url.clone(),
            has_own_s3: variable("AWS_ENDPOINT_URL_S3").is_some(),
        };
        Session::sign_in(asked).await.map_err(|error| self.not_signed_in(error))
    }

    /// The place that was typed for a command that then asks nobody: `--account` without `--bucket`, and `--region`.
    pub(crate) fn offline(&self) -> Result<Option<Home>, Trouble> {
        let Some(account) = self.account.as_ref().filter(|_| self.bucket.is_none()) else { return Ok(None) };
        let usage = |what: &str| Trouble::new(Exit::Usage, what);
        if self.profile.is_some() || self.endpoint_url.is_some() || self.stack != STACK {
            return Err(usage("with --account nobody is asked, so --profile, --stack and --endpoint-url say nothing")
                .hint(
                    "without --account the exemptions are read where these say; --bucket names a place without a stack",
                ));
        }
        let Some(region) = &self.region else { return Err(usage("--account goes with --region, and there is none")) };
        let home = Home::new(region, account);
        home.map(Some).map_err(|why| usage("--account or --region cannot be used").because(&why))
    }

    async fn stack_of(&self, session: &Session) -> Result<Stack, Trouble> {
        let name = &self.stack;
        let found = session.stack(name).await;
        let found = found.map_err(|failure| trouble(format!("the stack {name} could not be read"), &failure))?;
        found.ok_or_else(|| {
            let what = format!("there is no stack {name} in {}", session.region());
            let hint = "--stack and --region say which it is; where there is none, --bucket and --account say where its \
                        state is, for all commands but doctor";
            Trouble::new(Exit::Failed, what).hint(hint)
        })
    }

    fn not_signed_in(&self, error: SignInError) -> Trouble {
        let profile = self.profile.as_deref().map(|name| format!(" --profile {}", escape::shell(name)));
        let profile = profile.unwrap_or_default();
        let named = self.profile.is_some() || variable("AWS_PROFILE").is_some();
        // For a profile that the environment names, and nobody has, the loader just finds nothing.
        let error = if named && error == SignInError::NoCredentials { SignInError::Profile } else { error };
        let (exit, what, hint) = match error {
            SignInError::NoRegion => {
                (Exit::Usage, "which Region is guarded is not known", "--region, or AWS_REGION".into())
            }
            SignInError::Region(_) => (Exit::Usage, "the Region cannot be used", "it is like eu-west-1".into()),
            SignInError::NoCredentials => (
                Exit::Denied,
                "nobody is signed in",
                format!("aws sso login{profile}, or aws configure{profile}; --profile names one of several"),
            ),
            SignInError::Profile => {
                (Exit::Denied, "nobody is signed in", "aws configure list-profiles lists the profiles".into())
            }
            SignInError::NotGiven => (
                Exit::Denied,
                "nobody is signed in",
                format!(
                    "sign in (aws sso login{profile}), or set up who does (aws configure{profile}); aws sts \
                     get-caller-identity{profile} says more"
                ),
            ),
        };
        Trouble::new(exit, what).because(&error).hint(hint)
    }

    /// The options as they were typed, those of the credentials included: they are names.
    fn typed(&self) -> Typed {
        let option = |name: &str, value: &Option<String>| {
            value.as_ref().map(|value| format!(" --{name} {}", escape::shell(value))).unwrap_or_default()
        };
        let stack = (self.stack != STACK).then(|| self.stack.clone());
        let guardctl = [
            ("profile", &self.profile),
            ("region", &self.region),
            ("stack", &stack),
            ("bucket", &self.bucket),
            ("account", &self.account),
            ("endpoint-url", &self.endpoint_url),
        ];
        let guardctl = guardctl.into_iter().map(|(name, value)| option(name, value)).collect();
        Typed { guardctl, aws: option("profile", &self.profile) }
    }
}

/// The account of whoever is signed in.
async fn account_of(session: &Session) -> Result<String, Trouble> {
    let who = session.who().await;
    let who = who.map_err(|failure| trouble("who is signed in could not be found out", &failure))?;
    // arn:PARTITION:sts:REGION:ACCOUNT:…
    Ok(who.split(':').nth(4).unwrap_or_default().to_owned())
}

pub(crate) fn not_ours(stack: &str, output: &str) -> Trouble {
    let what = format!("the stack {stack} is not a guard's: it has no output {output}");
    Trouble::new(Exit::Failed, what).hint("--stack names the guard's stack")
}

impl Function {
    fn output(self) -> &'static str {
        match self {
            Self::Guard => "GuardFunction",
            Self::Backout => "BackoutFunction",
        }
    }
}

impl Guard {
    /// The name of a function: as it was typed, or by the stack.
    pub(crate) fn function(&self, function: Function, typed: Option<&str>) -> Result<String, Trouble> {
        match (typed, &self.stack) {
            (Some(name), _) => Ok(name.to_owned()),
            (None, Some((name, stack))) => {
                let found = stack.output(function.output()).map(str::to_owned);
                found.ok_or_else(|| not_ours(name, function.output()))
            }
            (None, None) => {
                let what = "which function to ask is not known";
                Err(Trouble::new(Exit::Usage, what).hint("--function names it, or --stack the stack that made it"))
            }
        }
    }

    /// Refuses an account that was typed, and is another than that of whoever is signed in: what ECS and Lambda answer is of
    /// the latter, and must not be read by the former's state. (The bucket alone may be read from elsewhere.) A stack is of
    /// the same account in any case.
    pub(crate) async fn refuse_another_account(&self) -> Result<(), Trouble> {
        if self.stack.is_some() {
            return Ok(());
        }
        let account = account_of(&self.session).await?;
        if account == self.home.account() {
            return Ok(());
        }
        let what = format!("whoever is signed in is of account {account}, and not of {}", self.home.account());
        Err(Trouble::new(Exit::Refused, what)
            .hint("--profile signs in with another role; --account names the account of --bucket"))
    }

    /// An output of the stack, where there is one.
    pub(crate) fn output(&self, name: &str) -> Option<&str> {
        self.stack.as_ref()?.1.output(name)
    }

    /// The stack, where there is one.
    pub(crate) fn stack(&self) -> Option<&StackShown> {
        self.stack.as_ref().map(|(_, stack)| &stack.shown)
    }

    /// Another command to this guard.
    pub(crate) fn command(&self, rest: &str) -> String {
        self.typed.guardctl(rest)
    }

    /// Where an object is, for people.
    pub(crate) fn address(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.bucket)
    }
}
