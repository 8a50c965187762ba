//! The trail: only CloudTrail tells of registrations, and EventBridge gets its events only where a trail logs management
//! events that write. The free event history is not enough.
//! <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html>

use super::super::arn::Home;
use super::super::escape;
use super::{Part, Place, Row, Seen, Typed};

/// A trail, of this Region, of all Regions, or of an organization.
#[derive(Debug, Clone)]
pub struct Trail {
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// Where it was made.
    pub home_region: String,
    /// Whether it logs every Region.
    pub is_multi_region: bool,
    /// Whether it logs now.
    pub is_logging: Seen<bool>,
    /// What it logs.
    pub selectors: Seen<Selectors>,
}

/// What a trail logs. It has selectors of one kind or the other; without any it logs all management events.
/// <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_GetEventSelectors.html>
#[derive(Debug, Clone, Default)]
pub struct Selectors {
    /// <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_EventSelector.html>
    pub simple: Vec<Selector>,
    /// Each a list of conditions that must all hold.
    /// <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_AdvancedEventSelector.html>
    pub advanced: Vec<Vec<Field>>,
}

/// A selector of the simple kind.
#[derive(Debug, Clone)]
pub struct Selector {
    /// Whether it takes management events at all.
    pub management: bool,
    /// `All`, `WriteOnly` or `ReadOnly`.
    pub read_write: String,
    /// Services that it leaves out.
    pub excluded: Vec<String>,
}

/// A condition on one field of an event: its value is one of the first, and none of the second.
/// <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_AdvancedFieldSelector.html>
#[derive(Debug, Clone, Default)]
pub struct Field {
    /// `eventCategory`, `readOnly` and the like.
    pub name: String,
    /// Texts that it may be; none: anything.
    pub equals: Vec<String>,
    /// Texts that it may not be.
    pub not_equals: Vec<String>,
    /// Whether it is compared in other ways, by its beginning or end.
    pub has_more: bool,
}

const ECS: &str = "ecs.amazonaws.com";

impl Selectors {
    /// Whether a registration of a task definition is logged, for all that is known: a condition that we do not know may
    /// leave it out.
    #[must_use]
    pub fn log_registrations(&self) -> bool {
        let is_bare = self.simple.is_empty() && self.advanced.is_empty();
        is_bare || self.simple.iter().any(Selector::takes) || self.advanced.iter().any(|all| takes(all))
    }
}

impl Selector {
    fn takes(&self) -> bool {
        let is_excluded = self.excluded.iter().any(|source| source == ECS);
        self.management && self.read_write != "ReadOnly" && !is_excluded
    }
}

fn takes(fields: &[Field]) -> bool {
    let is_management = fields.iter().any(|field| field.name == "eventCategory");
    is_management && fields.iter().all(Field::holds)
}

impl Field {
    fn holds(&self) -> bool {
        let value = match self.name.as_str() {
            "eventCategory" => "Management",
            "readOnly" => "false",
            "eventSource" => ECS,
            _ => return false,
        };
        let may_be = self.equals.is_empty() || self.equals.iter().any(|text| text == value);
        may_be && !self.has_more && !self.not_equals.iter().any(|text| text == value)
    }
}

impl Trail {
    fn covers(&self, home: &Home) -> bool {
        self.is_multi_region || self.home_region == home.region()
    }

    fn tells(&self) -> bool {
        let logs = self.selectors.as_ref().is_ok_and(Selectors::log_registrations);
        logs && self.is_logging.as_ref().is_ok_and(|is_logging| *is_logging)
    }

    /// Whether it would tell of registrations if it logged, for all that is known.
    fn may_log_them(&self) -> bool {
        self.selectors.as_ref().map_or(true, Selectors::log_registrations)
    }

    /// Whose it is, if that is not us: an organization's, of which we have a copy that only they can change.
    fn owner<'a>(&'a self, home: &Home) -> Option<&'a str> {
        self.arn.split(':').nth(4).filter(|account| *account != home.account())
    }

    /// A command of the AWS CLI about it: it is changed where it was made.
    fn command(&self, operation: &str, option: &str, typed: &Typed) -> String {
        let (region, arn) = (escape::shell(&self.home_region), escape::shell(&self.arn));
        typed.aws(&format!("cloudtrail {operation}"), &region, &format!("{option} {arn}"))
    }

    fn is_stopped(&self) -> bool {
        self.is_logging.as_ref().is_ok_and(|is_logging| !is_logging)
    }
}

pub(super) fn judge(trails: &Seen<Vec<Trail>>, place: Place<'_>) -> Row {
    let Place { home, typed } = place;
    let trails = match trails {
        Ok(trails) => trails,
        Err(failure) => return Row::not_seen(Part::Trail, "whether a trail logs registrations", failure),
    };
    let mut here: Vec<&Trail> = trails.iter().filter(|trail| trail.covers(home)).collect();
    // What can be put right here comes first.
    here.sort_by_key(|trail| trail.owner(home).is_some());
    if let Some(trail) = here.iter().find(|trail| trail.tells()) {
        return Row::ok(Part::Trail, format!("{} logs management events that write", trail.name));
    }
    for trail in here.iter().filter(|trail| trail.may_log_them() && !trail.is_stopped()) {
        if let Some(failure) = trail.is_logging.as_ref().err().or(trail.selectors.as_ref().err()) {
            return Row::not_seen(Part::Trail, &format!("whether {} logs registrations", trail.name), failure);
        }
    }
    let stopped = here.iter().find(|trail| trail.may_log_them());
    match (stopped, here.first()) {
        (Some(trail), _) => {
            let todo = match trail.owner(home) {
                Some(owner) => format!("it is account {owner}'s, which alone can start it; or create a trail here"),
                None => trail.command("start-logging", "--name", typed),
            };
            Row::broken(Part::Trail, format!("{} does not log: it is stopped", trail.name), todo)
        }
        (None, Some(trail)) => {
            let says = format!("no trail logs registrations: {} leaves out management events that write", trail.name);
            let todo = match trail.owner(home) {
                Some(owner) => format!("it is account {owner}'s, which alone can change it; or create a trail here"),
                None => {
                    let get = trail.command("get-event-selectors", "--trail-name", typed);
                    format!("let it log them: {get} shows what it logs, and put-event-selectors replaces all of that")
                }
            };
            Row::broken(Part::Trail, says, todo)
        }
        (None, None) => {
            let todo = "create a trail that logs management events that write, in this Region or in all: EventBridge \
                        hears of no registration without one";
            Row::broken(Part::Trail, "no trail logs this Region", todo)
        }
    }
}
