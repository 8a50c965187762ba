//! Everything that is read from outside, each through one door, and what it came to in words. What is taken must keep what
//! its kind promises, whatever the text was. The files of bad inputs, random texts and the fuzzer (which compiles this
//! file as it is) use the same doors.

use ecs_privileged_guard::config::Settings;
use ecs_privileged_guard::domain::arn::{Family, Home, TaskDefinitionArn};
use ecs_privileged_guard::domain::backout::request::Request;
use ecs_privileged_guard::domain::backup::{Stored, judge};
use ecs_privileged_guard::domain::daemon;
use ecs_privileged_guard::domain::document::{Described, OutputOnly, RegisterInput};
use ecs_privileged_guard::domain::event::{self, Event, Occasion, Subject};
use ecs_privileged_guard::domain::exemption::{Basis, Exemption, Found, Verdict, of_object};
use ecs_privileged_guard::domain::fidelity::{Tags, differences};
use ecs_privileged_guard::domain::hints::hints;
use ecs_privileged_guard::domain::moves::Move;
use ecs_privileged_guard::domain::record::Record;
use ecs_privileged_guard::domain::residual::{access, capabilities};
use ecs_privileged_guard::domain::service::ServiceId;
use ecs_privileged_guard::domain::sweep::watermark::Watermark;
use jiff::Timestamp;
use serde_json::Value;

/// Stands in inputs where a value may be a secret; so it may stand in no error.
pub(crate) const CANARY: &str = "CANARY";
/// Longer than this no error is: it goes into a log line, a mail, an answer.
const ERROR_MAX: usize = 600;

/// One door.
pub(crate) struct Reader {
    /// Its name, and that of its folders.
    pub(crate) name: &'static str,
    /// What a text came to: what was taken, or the error.
    pub(crate) read: fn(&str) -> Result<String, String>,
    /// What must hold of a text that was taken.
    holds: fn(&str),
}

pub(crate) const READERS: [Reader; 12] = [
    Reader { name: "arn", read: arn, holds: an_arn_is_written_as_it_was_read },
    Reader { name: "daemon", read: daemon_definition, holds: |_| {} },
    Reader { name: "definition", read: definition, holds: a_copy_is_clean_and_nothing_else_differs },
    Reader { name: "event", read: event, holds: what_is_privileged_is_looked_at },
    Reader { name: "exemption", read: exemption, holds: an_exemption_is_read_as_it_is_written },
    Reader { name: "input", read: input, holds: a_backup_is_itself },
    Reader { name: "move", read: a_move, holds: a_move_is_read_as_it_is_written },
    Reader { name: "record", read: record, holds: a_record_is_read_as_it_is_written },
    Reader { name: "request", read: request, holds: a_request_means_what_it_says },
    Reader { name: "service-arn", read: service_arn, holds: a_services_arn_is_written_as_it_was_read },
    Reader { name: "settings", read: settings, holds: |_| {} },
    Reader { name: "watermark", read: watermark, holds: a_watermark_is_read_as_it_is_written },
];

impl Reader {
    /// What the text came to. Whatever it was, an error is one line for people, and shows nothing of what may be secret;
    /// what was taken keeps its promises.
    pub(crate) fn answer(&self, text: &str) -> Result<String, String> {
        let said = (self.read)(text);
        match &said {
            Ok(_) => (self.holds)(text),
            Err(error) => {
                let is_line = (10..=ERROR_MAX).contains(&error.len()) && !error.contains(char::is_control);
                assert!(is_line, "{}: not a line for people: {error:?}", self.name);
                // A person's misspelled member is named: that is how it is found.
                let is_name = ["is not a member of a request", "is not one of these members"];
                let is_name = is_name.iter().any(|says| error.contains(says));
                assert!(is_name || !error.contains(CANARY), "{}: shows what it may not: {error}", self.name);
            }
        }
        said
    }
}

/// Where the function runs that reads: where those of `events/` are from.
pub(crate) fn home() -> Home {
    Home::new("us-east-1", "012345678912").unwrap()
}

fn now() -> Timestamp {
    "2026-11-24T08:00:00Z".parse().unwrap()
}

fn text_of(error: impl std::fmt::Display) -> String {
    error.to_string()
}

// Events --------------------------------------------------------------------------------------------------------------

/// What an event asks for.
pub(crate) fn asks(event: &Event) -> String {
    match event {
        Event::FailedCall { task_definition, .. } => {
            format!("failed call {}", task_definition.as_deref().unwrap_or("of what is not named"))
        }
        Event::NotOurs { .. } => "not ours".to_owned(),
        Event::Compliant { id, .. } => format!("compliant {id}"),
        Event::Look { subject, .. } => match subject {
            Subject::Revision(id) => format!("look {id}"),
            Subject::LatestOf(family) => format!("look latest of {family}"),
            Subject::Daemon(daemon) => {
                format!("look daemon {}, privileged {}", daemon.id, daemon.privileged_by_event.join(", "))
            }
            Subject::Service { id, occasion: Occasion::Call } => format!("look at {id}"),
            Subject::Service { id: of, occasion: Occasion::Deployment { id } } => {
                format!("look at {of} for {}", id.as_deref().unwrap_or("a deployment that is not named"))
            }
        },
    }
}

fn event(text: &str) -> Result<String, String> {
    event::parse(text, &home()).map(|event| asks(&event)).map_err(text_of)
}

/// By another parser's word, which of two values takes the last one.
fn what_is_privileged_is_looked_at(text: &str) {
    let Ok(Event::Compliant { .. }) = event::parse(text, &home()) else { return };
    let Ok(event) = serde_json::from_str::<Value>(text) else { return };
    let detail = &event["detail"];
    for list in [
        &detail["requestParameters"]["containerDefinitions"],
        &detail["responseElements"]["taskDefinition"]["containerDefinitions"],
    ] {
        let mut containers = list.as_array().into_iter().flatten();
        assert!(containers.all(|container| container["privileged"] != true), "called compliant: {text}");
    }
}

// Definitions ---------------------------------------------------------------------------------------------------------

fn definition(text: &str) -> Result<String, String> {
    let described = Described::parse(text).map_err(text_of)?;
    let (all, privileged) = (described.containers().len(), described.privileged_containers().len());
    Ok(format!("{}, {privileged} of {all} containers privileged", described.id()))
}

fn a_copy_is_clean_and_nothing_else_differs(text: &str) {
    let described = Described::parse(text).unwrap();
    let original = described.register_input(&OutputOnly::default());
    let read = RegisterInput::parse(original.as_str()).unwrap();
    let privileged = described.privileged_containers();
    assert_eq!(read.privileged_containers(), privileged);
    // What is only shown must not stop the remedy.
    let _ = (access(&described, privileged), capabilities(&described, privileged), hints(&described, privileged));
    a_backup_is_itself(original.as_str());
}

/// What lies where the backup of a small definition should.
fn input(text: &str) -> Result<String, String> {
    let original = RegisterInput::parse(r#"{"family":"web","containerDefinitions":[{"name":"web"}]}"#).unwrap();
    let is_genuine = matches!(judge(text, &original, &OutputOnly::default(), None), Stored::Genuine { .. });
    let input = RegisterInput::parse(text).map_err(text_of)?;
    let (all, privileged) = (input.containers().len(), input.privileged_containers().len());
    Ok(format!("{}, {privileged} of {all} containers privileged, genuine {is_genuine}", input.family()))
}

fn a_backup_is_itself(text: &str) {
    let original = RegisterInput::parse(text).unwrap();
    assert!(matches!(judge(text, &original, &OutputOnly::default(), None), Stored::Genuine { .. }));
    let copy = original.without_privilege();
    let differing = differences(&original, &copy, Tags::Compared);
    assert_eq!(differing.is_empty(), original.privileged_containers().is_empty(), "{differing:?}");
    let copy = RegisterInput::parse(copy.as_str()).unwrap();
    assert!(copy.privileged_containers().is_empty());
    if let Ok(copy) = serde_json::from_str::<Value>(copy.as_str()) {
        let mut containers = copy["containerDefinitions"].as_array().into_iter().flatten();
        assert!(containers.all(|container| container["privileged"] != true));
    }
}

fn daemon_definition(text: &str) -> Result<String, String> {
    daemon::privileged_containers(text)
        .map(|privileged| format!("{} containers privileged", privileged.len()))
        .map_err(text_of)
}

// What lies in the bucket ---------------------------------------------------------------------------------------------

/// What it means for a container named `agent`.
fn exemption(text: &str) -> Result<String, String> {
    let found = Found::Object { text: text.to_owned(), written_at: Some(now()) };
    match of_object(&["agent".to_owned()], &found, now()) {
        Verdict::NotExempt(lapse) => Ok(format!("not exempt: {lapse:?}")),
        Verdict::Exempt(Basis::Until(end)) => Ok(format!("exempt until {end}")),
        Verdict::Exempt(Basis::Family) | Verdict::Partly { .. } => panic!("one container, and no glob"),
        Verdict::Unreadable(why) => Err(why.to_string()),
    }
}

fn an_exemption_is_read_as_it_is_written(text: &str) {
    let read = Exemption::read(text).unwrap();
    assert_eq!(Exemption::read(&read.to_json()).as_ref(), Ok(&read));
}

fn record(text: &str) -> Result<String, String> {
    let record = Record::parse(text).map_err(text_of)?;
    let (made, standing) = (record.copies.len(), record.standing_copies().len());
    Ok(format!("of {:?}, outcome {:?}, {made} copies made, {standing} stand", record.task_definition, record.outcome))
}

fn a_record_is_read_as_it_is_written(text: &str) {
    let read = Record::parse(text).unwrap();
    let written = read.to_json().unwrap();
    if !has_fraction(&serde_json::from_str(&written).unwrap()) {
        assert_eq!(Record::parse(&written), Ok(read.clone()));
    }
    assert!(Record::merged(Some(read.clone()), read.clone(), true).says_the_same_as(&read) || !is_plain(&read));
}

/// Of a fraction in a member of the future `serde_json` may change the last of 16 digits, each time that it is read.
fn has_fraction(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.is_f64(),
        Value::Array(elements) => elements.iter().any(has_fraction),
        Value::Object(members) => members.values().any(has_fraction),
        Value::Null | Value::Bool(_) | Value::String(_) => false,
    }
}

/// Whether no copy is named twice: merging makes one of two.
fn is_plain(record: &Record) -> bool {
    record.copies.windows(2).all(|pair| pair[0].revision < pair[1].revision)
}

fn a_move(text: &str) -> Result<String, String> {
    let entry = Move::parse(text).map_err(text_of)?;
    Ok(format!("{} from {} since {}", entry.state.as_str(), entry.original, entry.since))
}

fn a_move_is_read_as_it_is_written(text: &str) {
    let read = Move::parse(text).unwrap();
    let written = read.to_json().unwrap();
    if !has_fraction(&serde_json::from_str(&written).unwrap()) {
        assert_eq!(Move::parse(&written), Ok(read));
    }
}

fn watermark(text: &str) -> Result<String, String> {
    match Watermark::read(text, now()) {
        (mark, None) => {
            let missed = mark.missed(now()).count();
            let (families, privileged) = (mark.families.len(), mark.privileged.len());
            Ok(format!("since {}, {families} families, {privileged} privileged, {missed} missed", mark.created_at))
        }
        (mark, Some(why)) => Err(format!("begun anew, since {}: {why}", mark.created_at)),
    }
}

/// When a revision was registered that existed before the first run is not written: nobody asks for it.
fn a_watermark_is_read_as_it_is_written(text: &str) {
    let (read, _) = Watermark::read(text, now());
    let written = read.to_json();
    let (again, why) = Watermark::read(&written, now());
    assert_eq!((again.to_json(), why), (written, None));
}

// Names ---------------------------------------------------------------------------------------------------------------

fn arn(text: &str) -> Result<String, String> {
    text.parse::<TaskDefinitionArn>().map(|arn| format!("{} in {}", arn.id, arn.home.region())).map_err(text_of)
}

fn an_arn_is_written_as_it_was_read(text: &str) {
    assert_eq!(text.parse::<TaskDefinitionArn>().unwrap().to_string(), text);
}

fn service_arn(text: &str) -> Result<String, String> {
    ServiceId::of_arn(text).map(|(home, id)| format!("{id} in {}", home.region())).map_err(text_of)
}

fn a_services_arn_is_written_as_it_was_read(text: &str) {
    let (home, id) = ServiceId::of_arn(text).unwrap();
    assert_eq!(id.arn(&home), text);
}

// People --------------------------------------------------------------------------------------------------------------

fn request(text: &str) -> Result<String, String> {
    match Request::read(text, &home()) {
        Err(error) => Err(format!("no request: {error}")),
        Ok(Err(refused)) => Err(format!("{}: {}", refused.why.as_str(), refused.message)),
        Ok(Ok(request)) => {
            let Request { named, days, replace, dry_run, .. } = request;
            Ok(format!("{named} for {days} days, replace {replace}, dry run {dry_run}"))
        }
    }
}

/// By another parser's word.
fn a_request_means_what_it_says(text: &str) {
    let request = Request::read(text, &home()).unwrap().unwrap();
    let says: Value = serde_json::from_str(text).unwrap();
    assert_eq!((request.replace, request.dry_run), (says["replace"] == true, says["dryRun"] == true));
    assert_eq!(Request::asks_for_a_dry_run(text), request.dry_run);
    assert_eq!(says["reason"].as_str().map(str::trim), Some(request.reason.as_str()));
    assert!((1..=90).contains(&request.days));
}

/// What a start needs, and lines like `NAME=value` in its place.
fn settings(text: &str) -> Result<String, String> {
    const GOOD: [(&str, &str); 5] = [
        ("ENFORCEMENT_MODE", "remediate"),
        ("BACKUP_BUCKET", "guard-state"),
        ("ALERT_TOPIC_ARN", "arn:aws:sns:us-east-1:012345678912:alerts"),
        ("GUARD_ROLES", "guard-role,sweep-role"),
        ("AWS_REGION", "us-east-1"),
    ];
    let given: Vec<(&str, &str)> = text.lines().filter_map(|line| line.split_once('=')).collect();
    let settings = Settings::read(|name| {
        let value = given.iter().chain(&GOOD).find(|(key, _)| *key == name);
        value.map(|(_, value)| (*value).to_owned())
    });
    let settings = settings.map_err(text_of)?;
    // The worst name that there can be.
    let family: Family = "a".repeat(255).parse().unwrap();
    let policy = &settings.policy;
    let is_exempt = policy.exempt_families.match_family(&family);
    let in_scope = policy.remediate_families.match_family(&family);
    Ok(format!("mode {}, exempt {is_exempt}, in scope {in_scope}", policy.mode.as_str()))
}
