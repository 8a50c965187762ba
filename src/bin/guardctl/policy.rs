//! `guardctl policy`: the policy that denies privileged registrations beforehand, from a file of exemptions.

use ecs_privileged_guard::aws::Clock;
use ecs_privileged_guard::domain::arn::Home;
use ecs_privileged_guard::domain::policy::FamilyGlobs;
use ecs_privileged_guard::domain::prevention::{Exempted, Kind, policy_for};

use crate::args::{PolicyArgs, PolicyKind};
use crate::check::read_exemptions;
use crate::exit::Exit;
use crate::output::Output;
use crate::trouble::Trouble;

/// Writes it.
pub(crate) fn run(args: &PolicyArgs, output: Output) -> Result<Exit, Trouble> {
    let now = Clock::live().now();
    let usage = |what: &str| Trouble::new(Exit::Usage, format!("{what} cannot be used"));
    let home = Home::new(&args.region, &args.account).map_err(|why| usage("--account or --region").because(&why))?;
    let globs = args.exempt_families.iter().map(|glob| glob.trim());
    let exempt_families = FamilyGlobs::narrow(globs).map_err(|why| usage("--exempt-families").because(&why))?;
    let exemptions = args.exemptions.as_deref().map(|path| read_exemptions(path, now)).transpose()?.unwrap_or_default();
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
