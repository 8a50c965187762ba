//! Exempts a family for a time: asks the guard's own verdict first whether what would be written holds.

use ecs_privileged_guard::aws::Clock;
use ecs_privileged_guard::domain::arn::Family;
use ecs_privileged_guard::domain::exemption::{Basis, Exemption, Found, Lapse, Verdict, of_object};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::list::csv_of;
use super::{found, read, write};
use crate::args::{ExemptAddArgs, Format};
use crate::ask::ask;
use crate::exit::Exit;
use crate::failure::trouble;
use crate::output::Output;
use crate::session::Guard;
use crate::trouble::Trouble;
use crate::when::{from_now, seconds};

/// S3's clock, by which the length of an exemption is judged, may be behind ours.
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_mins(1);

/// Writes it.
pub(crate) async fn run(args: &ExemptAddArgs, guard: &Guard, output: Output) -> Result<Exit, Trouble> {
    let (now, family) = (Clock::live().now(), &args.family);
    let wanted = Exemption {
        containers: containers(args, guard).await?,
        reason: args.reason.trim().to_owned(),
        approved_by: args.approved_by.trim().to_owned(),
        expires_at: args.until.0,
    };
    let end = holds(&wanted, now)?;
    let held = read(guard, family).await?;
    if let Some(end) = held_until(&found(held.as_ref()), now).filter(|_| !args.replace) {
        let what = format!("{family} is exempt already, until {}", seconds(end));
        let hint = format!("--replace writes this one in its place; {} shows that one", guard.command("exempt list"));
        return Err(Trouble::new(Exit::Refused, what).hint(hint));
    }
    output.say(&format!(
        "{family}: {} may be privileged until {}, {}.",
        wanted.containers.join(", "),
        seconds(end),
        from_now(end, now)
    ));
    output
        .say("The guard makes no copies of it until then. Those that it has made stay: guardctl backout undoes them.");
    if !ask("Exempt it?", args.yes, output)? {
        output.say("Nothing was changed.");
        return Ok(Exit::Failed);
    }
    write(guard, family, &wanted, held.as_ref()).await?;
    match output.format {
        Format::Table => output.say(&format!("{family} is exempt.")),
        Format::Csv => output.data(&csv_of(family, &wanted, now))?,
        Format::Json => output.json(&json!({
            "schemaVersion": 1,
            "family": family,
            "containers": wanted.containers,
            "reason": wanted.reason,
            "approvedBy": wanted.approved_by,
            "expiresAt": wanted.expires_at,
        }))?,
    }
    Ok(Exit::Fine)
}

/// Those that were named; else the privileged ones of the family's latest ACTIVE revision.
async fn containers(args: &ExemptAddArgs, guard: &Guard) -> Result<Vec<String>, Trouble> {
    if !args.containers.is_empty() {
        return Ok(args.containers.clone());
    }
    guard.refuse_another_account().await?;
    let family = &args.family;
    let refused =
        |what: String| Trouble::new(Exit::Refused, what).hint("--containers names those that may be privileged");
    match guard.aws.ecs.describe(family.as_str()).await {
        Ok(Some(latest)) if !latest.privileged_containers().is_empty() => Ok(latest.privileged_containers().to_vec()),
        Ok(Some(latest)) => {
            Err(refused(format!("no container of {}, the family's latest, is privileged", latest.id())))
        }
        Ok(None) => Err(refused(format!("{family} has no ACTIVE revision"))),
        Err(ecs_privileged_guard::aws::DescribeError::Call(failure)) => {
            Err(trouble(format!("the latest revision of {family} could not be read"), &failure))
        }
        Err(why) => {
            Err(Trouble::new(Exit::Failed, format!("the latest revision of {family} could not be read")).because(&why))
        }
    }
}

/// Until when what is to be written holds, by the rule that will judge it; a refusal if it does not.
fn holds(wanted: &Exemption, now: Timestamp) -> Result<Timestamp, Trouble> {
    let refused = |why: &str| {
        Trouble::new(Exit::Refused, "the guard would not honour that exemption")
            .cause(why)
            .hint("it needs a reason, somebody who approved it, and an end within 90 days")
    };
    let stored = Found::Object { text: wanted.to_json(), written_at: Some(now - CLOCKS_DIFFER) };
    match of_object(&wanted.containers, &stored, now) {
        Verdict::Exempt(Basis::Until(end)) => Ok(end),
        Verdict::NotExempt(Lapse::Expired(_)) => Err(refused("it would have ended before it begins")),
        Verdict::NotExempt(Lapse::TooLong) => Err(refused("it would end in more than 90 days")),
        Verdict::Unreadable(why) => Err(refused(&why.to_string())),
        Verdict::NotExempt(Lapse::None | Lapse::OtherContainers) | Verdict::Partly { .. } => {
            Err(refused("it would not cover its own containers"))
        }
        // The object alone says nothing of families that are exempt for good.
        Verdict::Exempt(Basis::Family) => Err(refused("it would rest on something else")),
    }
}

/// Until when what is there holds.
fn held_until(found: &Found, now: Timestamp) -> Option<Timestamp> {
    let Found::Object { text, .. } = found else { return None };
    let containers = Exemption::read(text).ok()?.containers;
    match of_object(&containers, found, now) {
        Verdict::Exempt(Basis::Until(end)) => Some(end),
        Verdict::Exempt(Basis::Family) | Verdict::NotExempt(_) | Verdict::Partly { .. } | Verdict::Unreadable(_) => {
            None
        }
    }
}

/// An end that somebody typed: a time, or a day, which then counts to its end in UTC.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Until(Timestamp);

impl std::str::FromStr for Until {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let of_day = |day: Date| TimeZone::UTC.to_timestamp(day.at(23, 59, 59, 0)).ok();
        let time = text.parse().ok().or_else(|| of_day(text.parse().ok()?));
        time.map(Self).ok_or("not a day like 2027-01-31 or a time like 2027-01-31T18:00:00Z")
    }
}

/// For the arguments.
pub(crate) fn family(text: &str) -> Result<Family, String> {
    text.parse().map_err(|why: ecs_privileged_guard::domain::arn::ArnError| why.to_string())
}
