//! Hostile texts in every field that comes from outside, through every sink that there is: mail, subject, chat, the
//! flat JSON, the page and the document of a sweep's evidence, its digest.

use ecs_privileged_guard::domain::alert::{Message, Setting, message};
use ecs_privileged_guard::domain::arn::Home;
use ecs_privileged_guard::domain::document::{Described, OutputOnly};
use ecs_privileged_guard::domain::event::{Event, parse};
use ecs_privileged_guard::domain::observation::{Observation, Original, Run, Starter, Usage};
use ecs_privileged_guard::domain::outcome::{Outcome, Reason};
use ecs_privileged_guard::domain::plan::plan;
use ecs_privileged_guard::domain::policy::{FamilyGlobs, Mode, Policy};
use ecs_privileged_guard::domain::report::{Finding, Report};
use ecs_privileged_guard::domain::sweep::evidence;
use serde_json::{Value, json};

use super::backout_alerts;
use super::digests::of_all_at_once;
use super::evidence::everything;
use super::figures::reached;
use super::move_alerts;

/// Texts that steer something somewhere.
fn hostile() -> Vec<String> {
    let mut texts: Vec<String> = [
        "a\rb",
        "a\nb",
        "a\r\nBcc: evil@example.com",
        "a\n\nUNDO\n  rm -rf /",
        "a\u{85}b",
        "a\u{2028}b",
        "a\u{2029}b",
        "a\u{b}b",
        "a\u{c}b",
        "\u{1b}[31mred",
        "\u{1b}]0;title\u{7}",
        "\u{1b}[2J",
        "\u{9b}31m",
        "\u{8}\u{8}\u{8}",
        "\u{7f}",
        "\u{0}",
        "\u{202e}txt.exe",
        "\u{202d}",
        "\u{2066}x\u{2069}",
        "\u{200f}",
        "\u{200b}",
        "\u{feff}",
        "раураl",
        "ａｐｐ",
        "🦀",
        "e\u{301}",
        "<!channel>",
        "<!here>",
        "<@U024BE7LH>",
        "<#C024BE7LR>",
        "<https://evil.example|click>",
        "[click](https://evil.example)",
        "![x](https://evil.example/x.png)",
        "`code`",
        "```\nblock\n```",
        "*bold*",
        "_it_",
        "~gone~",
        "> quote",
        "# heading",
        "@here",
        "@channel",
        "&lt;script&gt;",
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "\"><svg/onload=1>",
        "=1+1",
        "=HYPERLINK(\"http://x\")",
        "+1",
        "-1",
        "@SUM(1)",
        "\t=1",
        "$(reboot)",
        "`reboot`",
        "; reboot",
        "'; reboot #",
        "\" && reboot",
        "%0aUNDO",
        "{{7*7}}",
        "${jndi:ldap://x}",
        "\\u0000",
        "a|b|c",
        "a\\b",
    ]
    .map(str::to_owned)
    .to_vec();
    texts.push("x".repeat(10_000));
    texts.push("\u{202e}".repeat(5_000));
    texts
}

fn home() -> Home {
    Home::new("eu-west-1", "111122223333").unwrap()
}

/// A report in which every field that comes from outside is this text.
fn report(text: &str) -> Report {
    let policy = Policy {
        mode: Mode::Alert,
        remediate_families: FamilyGlobs::new(["*"]).unwrap(),
        makes_copies: true,
        remediate_existing: false,
        exempt_families: FamilyGlobs::default(),
        output_only: OutputOnly::default(),
        owner_tag_keys: vec!["team".into()],
        guard_roles: vec!["guard".parse().unwrap()],
        apply_roles: Vec::new(),
        settle: jiff::SignedDuration::from_mins(60),
    };
    let container = json!({
        "name": text, "privileged": true, "user": text, "mountPoints": [{ "sourceVolume": "v" }],
        "linuxParameters": {
            "capabilities": { "add": ["SYS_ADMIN", text], "drop": [text] }, "devices": [{ "hostPath": text }],
        },
    });
    let described = json!({
        "taskDefinition": {
            "taskDefinitionArn": "arn:aws:ecs:eu-west-1:111122223333:task-definition/web:1", "family": "web", "revision": 1,
            "status": "ACTIVE", "registeredBy": text, "networkMode": text, "pidMode": text,
            "volumes": [{ "name": "v", "host": { "sourcePath": text } }], "containerDefinitions": [container],
        },
        "tags": [{ "key": "team", "value": text }],
    });
    let event = json!({
        "detail-type": "AWS API Call via CloudTrail", "source": "aws.ecs", "detail": {
            "eventSource": "ecs.amazonaws.com", "eventName": "RegisterTaskDefinition", "eventID": text, "userAgent": text,
            "sourceIPAddress": text, "userIdentity": { "type": text, "userName": text, "invokedBy": text, "arn": text },
            "responseElements": { "taskDefinition": {
                "taskDefinitionArn": "arn:aws:ecs:eu-west-1:111122223333:task-definition/web:1",
            } },
        },
    });
    let Event::Look { provenance, .. } = parse(&event.to_string(), &home()).unwrap() else { panic!("a revision") };
    let original = Described::parse(&described.to_string()).unwrap();
    let revision = original.id().revision;
    let run = |starter| Run { cluster: text.to_owned(), starter, revision, tasks: 1 };
    let seen = Observation::of(original.id().clone(), Original::Described(Box::new(original)));
    let seen = Observation {
        usage: Usage {
            runs: vec![
                run(Starter::Service { name: text.to_owned(), is_express: false }),
                run(Starter::Other(text.to_owned())),
            ],
            ..Usage::default()
        },
        ..seen
    };
    let plan = plan(&seen, &policy, "2026-11-24T08:00:00Z".parse().unwrap());
    Report {
        id: seen.id.clone(),
        is_daemon: false,
        mode: Mode::Alert,
        outcome: Outcome::Alerted,
        reason: Some(Reason::AlertMode),
        copy: None,
        differences: Vec::new(),
        failure: None,
        made: Vec::new(),
        backup_sha256: None,
        daemon_containers: Vec::new(),
        provenance,
        finding: Some(Finding { seen, plan }),
    }
}

fn alert(text: &str) -> Message {
    let home = home();
    let report = report(text);
    let setting = Setting {
        mode: "remediate",
        home: &home,
        bucket: "b",
        runbook_url: None,
        backout_function: None,
        roles: &[],
        owner_tag_keys: &["team".to_owned()],
    };
    message(&report, &setting)
}

/// Every alert that the text can be in.
fn alerts(text: &str) -> Vec<Message> {
    let of_backout = backout_alerts::cases(text, text, text).into_iter().map(|(_, message)| message);
    let of_moves = move_alerts::cases(text).into_iter().map(|(_, message)| message);
    [alert(text), of_all_at_once(text)].into_iter().chain(of_backout).chain(of_moves).collect()
}

/// Every text in a JSON document.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(list) => list.iter().flat_map(texts).collect(),
        Value::Object(object) => object.values().flat_map(texts).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}

#[test]
fn there_are_sixty_of_them() {
    assert!(hostile().len() >= 60, "{}", hostile().len());
}

#[test]
fn a_mail_stays_plain_and_keeps_its_headings() {
    let headings = |message: &Message| {
        let lines = message.text.lines().map(str::to_owned);
        lines
            .filter(|line| !line.is_empty() && line.chars().all(|c| c.is_ascii_uppercase() || c == ' '))
            .collect::<Vec<_>>()
    };
    let expected: Vec<_> = alerts("app").iter().map(headings).collect();
    for (text, message, expected) in hostile().iter().flat_map(|text| {
        alerts(text).into_iter().zip(&expected).map(move |(message, expected)| (text, message, expected))
    }) {
        assert!(message.text.bytes().all(|byte| byte == b'\n' || (b' '..=b'~').contains(&byte)), "{text:.40?}");
        assert_eq!(headings(&message), *expected, "{text:.40?}");
        assert!(message.text.lines().count() <= 60, "{text:.40?}: {} lines", message.text.lines().count());
        assert!(message.subject.len() < 100 && message.subject.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
    }
}

#[test]
fn a_chat_is_never_steered() {
    for text in hostile() {
        for shown in alerts(&text).iter().flat_map(|alert| texts(&alert.json["content"])) {
            // Our own words hold brackets around the product's name, underscores in names, and quotes.
            let shown = shown.replace("[ECS privileged guard]", "");
            for mark in ["<", ">", "`", "*", "~", "@", "|", "](", "&", "\u{1b}", "\r", "\u{202e}"] {
                assert!(!shown.contains(mark), "{mark:?} of {text:.40?}: {shown:.200}");
            }
        }
    }
}

#[test]
fn the_flat_fields_and_the_whole_message_stay_bounded_and_printable() {
    for (text, message) in hostile().iter().flat_map(|text| alerts(text).into_iter().map(move |it| (text, it))) {
        for shown in texts(&message.json) {
            assert!(!shown.contains(|c: char| c.is_control() && c != '\n'), "{text:.40?}: {shown:.100?}");
        }
        assert!(message.by_protocol().len() < 100_000, "{text:.40?}: {}", message.by_protocol().len());
    }
    reached("bad inputs tried/texts", hostile().len());
}

/// The tags of a page, each up to its first space or its end.
fn tags(page: &str) -> Vec<&str> {
    page.split('<').skip(1).map(|rest| rest.split([' ', '>', '\n']).next().unwrap()).collect()
}

#[test]
fn a_page_keeps_its_markup_and_shows_nothing_that_is_invisible() {
    let expected = evidence::html(&everything("app"));
    for text in hostile() {
        let page = evidence::html(&everything(&text));
        assert_eq!(tags(&page), tags(&expected), "{text:.40?}");
        // Quotes would end an attribute.
        assert_eq!(page.matches('"').count(), expected.matches('"').count(), "{text:.40?}");
        let is_shown = |c: char| c == '\n' || matches!(c, ' '..='~' | '\u{2013}') || c.is_alphanumeric();
        assert!(page.chars().all(is_shown), "{text:.40?}");
        assert!(page.len() < expected.len() + 30_000, "{text:.40?}: {}", page.len());
    }
}

#[test]
fn a_document_of_evidence_stays_one_document() {
    let lines = evidence::json(&everything("app")).lines().count();
    for text in hostile() {
        let document = evidence::json(&everything(&text));
        assert_eq!(document.lines().count(), lines, "{text:.40?}");
        let parsed: Value = serde_json::from_str(&document).unwrap();
        for shown in texts(&parsed) {
            let is_shown = |c: char| matches!(c, ' '..='~') || c.is_alphanumeric();
            assert!(shown.chars().all(is_shown), "{text:.40?}: {shown:.100?}");
        }
    }
}
