//! `guardctl policy`: the policy that denies privileged registrations beforehand, but for what is exempt by the guard's own
//! bucket and settings; or, where nobody is asked, by a file.

use ecs_privileged_guard::aws::Clock;
use ecs_privileged_guard::domain::arn::Home;
use ecs_privileged_guard::domain::policy::FamilyGlobs;
use ecs_privileged_guard::domain::prevention::{Exempted, Kind, policy_for};

use crate::args::{Format, PolicyArgs, PolicyKind};
use crate::check::{Exemptions, read_exemptions};
use crate::deployed::Deployed;
use crate::exempt;
use crate::exit::Exit;
use crate::output::Output;
use crate::session::Guard;
use crate::trouble::Trouble;

/// The place that was typed, where nobody is asked. Nobody is, either, for what cannot be written.
pub(crate) fn place(args: &PolicyArgs, output: Output) -> Result<Option<Home>, Trouble> {
    match output.format {
        Format::Table | Format::Json => args.session.offline(),
        Format::Csv => {
            Err(Trouble::new(Exit::Usage, "a policy cannot be written as csv: it is JSON").hint("leave out --output"))
        }
    }
}

/// Writes it, by what the guard itself goes by.
pub(crate) async fn run(args: &PolicyArgs, guard: &Guard, output: Output) -> Result<Exit, Trouble> {
    let Deployed { reconciler, .. } = Deployed::of(guard, args.function.as_deref(), None).await?;
    let found = exempt::all_found(guard).await?.into_iter().collect();
    write(args, guard.home.clone(), reconciler.policy.exempt_families, Exemptions::found(found), output)
}

/// Writes it, by what was typed.
pub(crate) fn offline(args: &PolicyArgs, home: Home, output: Output) -> Result<Exit, Trouble> {
    if args.function.is_some() {
        let what = "with --account and no --bucket nobody is asked, so --function says nothing";
        return Err(Trouble::new(Exit::Usage, what).hint("--exempt-families says what its settings would"));
    }
    let now = Clock::live().now();
    let globs = args.exempt_families.iter().map(|glob| glob.trim());
    let exempt_families = FamilyGlobs::narrow(globs)
        .map_err(|why| Trouble::new(Exit::Usage, "--exempt-families cannot be used").because(&why))?;
    let exemptions = args.exemptions.as_deref().map(|path| read_exemptions(path, now)).transpose()?.unwrap_or_default();
    write(args, home, exempt_families, exemptions, output)
}

fn write(
    args: &PolicyArgs,
    home: Home,
    exempt_families: FamilyGlobs,
    exemptions: Exemptions,
    output: Output,
) -> Result<Exit, Trouble> {
    let now = Clock::live().now();
    for lapsed in exemptions.lapsed(now) {
        output.say(&lapsed);
    }
    let exempted = Exempted { home, exempt_families, found: exemptions.into_found() };
    let kind = match args.kind {
        PolicyKind::Scp => Kind::ServiceControl,
        PolicyKind::Managed => Kind::Managed,
    };
    let policy = policy_for(kind, &[exempted], now)
        .map_err(|why| Trouble::new(Exit::Failed, "there is no such policy").because(&why))?;
    output.data(&policy)?;
    Ok(Exit::Fine)
}
