//! Inputs as big as Lambda and S3 let them be, made to hurt: every reader reads each, in a process of its own, within a
//! second of work and 64 MiB. (ECS allows a definition 64 KB; what lies in the bucket, whoever may write there has put.)

use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use nix::sys::resource::{UsageWho, getrusage};

use super::figures::reached;
use super::readers::READERS;

/// The most that an event may have: <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
const MIB: usize = 1 << 20;
const MEMORY_MAX_KIB: usize = 64 * 1024;
pub(crate) const MILLISECONDS_MAX: i64 = 1_000;
/// Tells the process which input is its.
const VARIABLE: &str = "BIG_INPUT";

/// Where a reader meets it.
enum Place {
    /// It is all that there is.
    Alone,
    /// It is the value of a member that the reader does not know, or only shows.
    Member,
    /// It is the list that decides.
    List,
}
use Place::{Alone, List, Member};

type Input = (&'static str, Place, fn() -> String);

const INPUTS: [Input; 37] = [
    ("opened lists", Alone, || "[".repeat(MIB)),
    ("opened objects", Alone, || r#"{"a":"#.repeat(MIB / 5)),
    ("lists in lists", Alone, || nested("[", "]")),
    ("objects in objects", Alone, || nested(r#"{"a":"#, "}")),
    ("a text", Alone, || quoted("x")),
    ("white space", Alone, || " ".repeat(MIB) + "{}"),
    ("NULs", Alone, || "\0".repeat(MIB)),
    ("colons and slashes", Alone, || ":/".repeat(MIB / 2)),
    ("a long family", Alone, || format!("arn:aws:ecs:us-east-1:012345678912:task-definition/{}:1", "w".repeat(MIB))),
    ("a long revision", Alone, || format!("arn:aws:ecs:us-east-1:012345678912:task-definition/w:{}", "1".repeat(MIB))),
    ("a long service", Alone, || format!("arn:aws:ecs:us-east-1:012345678912:service/{}", "a/".repeat(MIB / 2))),
    ("globs of many stars", Alone, || format!("EXEMPT_FAMILIES={}", ("*a".repeat(100) + "*b,").repeat(MIB / 203))),
    ("a long name", Alone, || format!("{{{}:1}}", quoted("x"))),
    ("100,000 members of one name", Alone, || format!("{{{}\"a\":1}}", "\"a\":1,".repeat(100_000))),
    ("100,000 members", Alone, || format!("{{{}\"a\":1}}", each(100_000, |n, s| write!(s, "\"a{n}\":1,")))),
    ("lists in lists", Member, || nested("[", "]")),
    ("objects in objects", Member, || nested(r#"{"a":"#, "}")),
    ("empty lists", Member, || format!("[{}[]]", "[],".repeat(MIB / 3))),
    ("numbers", Member, || format!("[{}0]", "0,".repeat(MIB / 2))),
    ("as many numbers as may be compared", Member, || format!("[{}0]", "0,".repeat(196_000))),
    ("100,000 members of one name", Member, || format!("{{{}\"a\":1}}", "\"a\":1,".repeat(100_000))),
    ("a text", Member, || quoted("x")),
    ("escapes", Member, || quoted(r"\u0041")),
    ("halves of surrogates", Member, || quoted(r"\ud800")),
    ("backslashes", Member, || quoted(r"\\")),
    ("quotes", Member, || quoted(r#"\""#)),
    ("a number of a million digits", Member, || "9".repeat(MIB)),
    ("an exponent of a million digits", Member, || format!("1e{}", "9".repeat(MIB))),
    ("a fraction of a million zeros", Member, || format!("0.{}1", "0".repeat(MIB))),
    ("100,000 containers", List, || list(100_000, |n, s| write!(s, r#"{{"name":"{n}"}}"#))),
    ("as many as may be compared", List, || list(22_000, |n, s| write!(s, r#"{{"name":"{n}"}}"#))),
    ("100,000 of one name", List, || list(100_000, |_, s| s.write_str(r#"{"name":"a","privileged":true}"#))),
    ("100,000 privileged", List, || list(100_000, |n, s| write!(s, r#"{{"name":"{n}","privileged":true}}"#))),
    ("100,000 names", List, || list(100_000, |n, s| write!(s, "\"{n}\""))),
    ("20,000 copies", List, || list(20_000, |n, s| write!(s, r#"{{"revision":{n},"at":"2026-11-24T08:00:00Z"}}"#))),
    ("30,000 mounts of volumes", Alone, || {
        let mounts = list(30_000, |n, s| write!(s, r#"{{"sourceVolume":"{n}"}}"#));
        let volumes = list(30_000, |n, s| write!(s, r#"{{"name":"{n}","host":{{"sourcePath":"/"}}}}"#));
        format!(
            r#"{{"family":"web","containerDefinitions":[{{"name":"a","mountPoints":{mounts}}}],"volumes":{volumes}}}"#
        )
    }),
    ("100,000 families", Alone, || {
        let families = each(100_000, |n, s| write!(s, "\"a{n}\":[2,1],"));
        format!(r#"{{"schemaVersion":1,"createdAt":"2026-01-01T00:00:00Z","families":{{{families}"a":[1,1]}}}}"#)
    }),
];

fn nested(open: &str, close: &str) -> String {
    let depth = MIB / (open.len() + close.len());
    open.repeat(depth) + "1" + &close.repeat(depth)
}

fn quoted(part: &str) -> String {
    format!("\"{}\"", part.repeat(MIB / part.len()))
}

fn each(count: usize, one: impl Fn(usize, &mut String) -> std::fmt::Result) -> String {
    let mut text = String::new();
    (0..count).for_each(|number| one(number, &mut text).unwrap());
    text
}

fn list(count: usize, one: fn(usize, &mut String) -> std::fmt::Result) -> String {
    let elements = each(count, |number, text| {
        text.push(if number == 0 { '[' } else { ',' });
        one(number, text)
    });
    elements + "]"
}

/// What each reader of JSON gets, good but for what stands at `LIST` or `MEMBER`; and what stands there else.
const AROUND: [(&str, &str, &str); 9] = [
    (
        "definition",
        r#"{"taskDefinition":{"taskDefinitionArn":"arn:aws:ecs:us-east-1:012345678912:task-definition/web:12","family":"web","status":"ACTIVE","containerDefinitions":LIST,"later":MEMBER}}"#,
        r#"[{"name":"a","privileged":true}]"#,
    ),
    ("input", r#"{"family":"web","containerDefinitions":LIST,"later":MEMBER}"#, r#"[{"name":"a","privileged":true}]"#),
    ("daemon", r#"{"daemonTaskDefinition":{"later":MEMBER,"containerDefinitions":LIST}}"#, "[]"),
    (
        "event",
        r#"{"detail-type":"AWS API Call via CloudTrail","source":"aws.ecs","detail":{"eventSource":"ecs.amazonaws.com","eventName":"RegisterTaskDefinition","userAgent":MEMBER,"responseElements":{"taskDefinition":{"taskDefinitionArn":"arn:aws:ecs:us-east-1:012345678912:task-definition/web:12","containerDefinitions":LIST}}}}"#,
        "[]",
    ),
    (
        "exemption",
        r#"{"containers":LIST,"reason":MEMBER,"approvedBy":"jane","expiresAt":"2026-12-24T08:00:00Z"}"#,
        r#"["agent"]"#,
    ),
    ("record", r#"{"schemaVersion":1,"later":MEMBER,"copies":LIST}"#, "[]"),
    (
        "move",
        r#"{"schemaVersion":1,"original":"web:12","copy":null,"state":"moved","since":"2026-11-24T08:00:00Z","later":MEMBER}"#,
        "[]",
    ),
    ("request", r#"{"taskDefinition":"web:12","reason":MEMBER,"approvedBy":"jane"}"#, "[]"),
    ("watermark", r#"{"schemaVersion":1,"createdAt":"2026-01-01T00:00:00Z","cleanInUse":LIST,"later":MEMBER}"#, "[]"),
];

fn text(reader: &str, place: &Place, value: String) -> Option<String> {
    let around = AROUND.iter().find(|(name, ..)| *name == reader);
    match (place, around) {
        (Alone, _) => Some(value),
        (Member, Some((_, around, list))) => Some(around.replace("LIST", list).replace("MEMBER", &value)),
        (List, Some((_, around, _))) => Some(around.replace("MEMBER", "null").replace("LIST", &value)),
        (Member | List, None) => None,
    }
}

#[test]
fn a_big_input_is_read_within_a_second_and_64_mib() {
    for (number, (name, ..)) in INPUTS.iter().enumerate() {
        let process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "big_inputs::in_a_process_of_its_own", "--nocapture", "--test-threads=1"])
            .env(VARIABLE, number.to_string())
            .output()
            .unwrap();
        let (said, failed) = (String::from_utf8_lossy(&process.stdout), String::from_utf8_lossy(&process.stderr));
        assert!(process.status.success() && said.contains("1 passed"), "{name}: {said}{failed}");
    }
    reached("bad inputs tried/big", INPUTS.len());
}

#[test]
#[expect(clippy::disallowed_methods, clippy::print_stdout, reason = "so the test above tells it, and hears of it")]
fn in_a_process_of_its_own() {
    let Some((name, place, value)) =
        std::env::var(VARIABLE).ok().map(|number| &INPUTS[number.parse::<usize>().unwrap()])
    else {
        return;
    };
    // What the program itself takes is no input's.
    let program = peak_kib();
    for reader in &READERS {
        let Some(text) = text(reader.name, place, value()) else { continue };
        // <https://man7.org/linux/man-pages/man5/proc_pid_clear_refs.5.html>: 5 resets the peak.
        fs::write("/proc/self/clear_refs", "5").unwrap();
        let began = milliseconds();
        let said = (reader.read)(&text).is_ok();
        let (took, peak) = (milliseconds() - began, peak_kib().saturating_sub(program));
        let line = format!("{}: {name}: {took} ms, peak {} MiB, taken: {said}", reader.name, peak / 1024);
        println!("{line}");
        assert!(took <= MILLISECONDS_MAX && peak <= MEMORY_MAX_KIB, "{line}");
    }
}

/// What this thread has worked, however busy the machine is.
pub(crate) fn milliseconds() -> i64 {
    let usage = getrusage(UsageWho::RUSAGE_THREAD).unwrap();
    [usage.user_time(), usage.system_time()].iter().map(|time| time.tv_sec() * 1_000 + time.tv_usec() / 1_000).sum()
}

/// The most memory that this process ever had, since the peak was reset.
fn peak_kib() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
