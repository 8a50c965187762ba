//! The page that a scan writes: what is on it, and that nothing is which the scan does not know.

use std::fs;

use jiff::SignedDuration;
use serde_json::json;

use super::account::{Calls, Fault, Kind, OPERATOR, PIPELINE};
use super::cloud::Cloud;
use super::guarded::swept;
use super::sessions::session_with;

const MARKUP: &str = "<img src=x onerror=alert(1)>\u{202e}";

fn page(cloud: &Cloud) -> String {
    fs::read_to_string(cloud.shell.directory.join("page.html")).unwrap()
}

/// What the page says of a family.
fn row<'a>(page: &'a str, family: &str) -> &'a str {
    let row = page.split_once(&format!("<th scope=\"row\">{family}</th>")).unwrap_or_else(|| panic!("no {family}")).1;
    row.split_once("</tr>").unwrap().0
}

fn put_record(cloud: &Cloud, family: &str, text: &str) {
    cloud.story.put(&format!("records/111122223333/eu-west-1/{family}/1.json"), text);
}

/// The files that are there besides those of every prompt.
fn left(cloud: &Cloud) -> Vec<String> {
    let names = fs::read_dir(&cloud.shell.directory).unwrap().map(|entry| entry.unwrap().file_name());
    names.map(|name| name.into_string().unwrap()).filter(|name| name.contains("page")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_on_the_page_of_a_scan() {
    let cloud = swept("scan-page").await;
    session_with("scan-page", |line| cloud.run(line));
    let state = cloud.story.account.state();
    assert!(!state.calls().iter().any(|call| call.principal == OPERATOR && call.is_write()));
}

/// A record is about the day on which it was written, and others can write it: it counts where what is seen bears it out.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_record_says_counts_as_far_as_it_is_so() {
    let mut cloud = Cloud::with("page-records", "remediate", &[("EXEMPT_FAMILIES", "datadog-*")]).await;
    cloud.exempt("ended", "app", SignedDuration::from_hours(6));
    for family in ["copied", "ended", "unread"] {
        cloud.remedy(family, "app", "").await;
    }
    for family in ["datadog-agent", "future", "lost", "no-record", "unheard-of"] {
        cloud.register(family, "app", "");
    }
    cloud.exempt("ended", "app", SignedDuration::from_hours(-6));
    put_record(&cloud, "unread", "{}");
    put_record(&cloud, "unheard-of", &json!({"schemaVersion": 1, "outcome": MARKUP, "copy": MARKUP}).to_string());
    put_record(&cloud, "future", r#"{"schemaVersion":1,"outcome":"alerted","reason":"the_moon"}"#);
    put_record(&cloud, "lost", r#"{"schemaVersion":1,"outcome":"remediated","copy":"lost:2"}"#);
    let said = cloud.run("guardctl scan --html page.html");
    assert_eq!(said.exit, Some(1), "{}", said.stderr);
    let unread = "error: the record of unread:1, s3://guard-state/records/111122223333/eu-west-1/unread/1.json, could not be read";
    assert!(said.stderr.contains(unread), "{}", said.stderr);
    let page = page(&cloud);
    assert!(page.contains("<bdi>the record of unread:1 could not be read</bdi>"), "{page}");
    assert!(page.contains("could not see all of it"), "{page}");
    for (family, state, why) in [
        ("copied", "remediated", "by its record: the copy was proven equal but for the flag"),
        ("copied", "remediated", "revision 2"),
        ("datadog-agent", "exempt", "for good (EXEMPT_FAMILIES)"),
        ("ended", "reported_only", "it was exempt, and is not now"),
        ("future", "reported_only", "by its record <bdi>alerted (the_moon)</bdi>, which this version does not know"),
        ("lost", "reported_only", "a copy followed, and none is in force now"),
        ("lost", "reported_only", "<td>None</td>"),
        ("no-record", "reported_only", "no look at it is known: it has no record"),
        ("unheard-of", "reported_only", "by its record <bdi>&lt;img src=x onerror=alert(1)&gt;\\u{202e}</bdi>"),
        ("unread", "reported_only", "its record could not be read"),
    ] {
        let row = row(&page, family);
        assert!(row.contains(&format!("<span class=\"state {state}\">")) && row.contains(why), "{family}: {row}");
    }
    assert!(page.contains("<strong class=\"bad\">Expired</strong>"), "{page}");
}

/// The table and the exit code know what the page knows; and whoever has no guard yet can look all the same.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_exempt_for_good_is_by_the_functions_settings() {
    let mut cloud = Cloud::with("scan-exempt", "remediate", &[("EXEMPT_FAMILIES", "datadog-*")]).await;
    cloud.register("datadog-agent", "agent", "");
    session_with("scan-exempt", |line| cloud.run(line));
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_others_wrote_is_text_on_the_page() {
    let mut cloud = Cloud::begin("page-hostile", "remediate").await;
    cloud.register("web", "app", "");
    let end = cloud.now() + SignedDuration::from_hours(24);
    let exemption = json!({"containers": ["app"], "reason": MARKUP, "approvedBy": MARKUP, "expiresAt": end});
    cloud.story.put("exemptions/111122223333/eu-west-1/web.json", &exemption.to_string());
    let said = cloud.run("guardctl scan --html page.html");
    assert_eq!(said.exit, Some(0), "{}", said.stderr);
    let page = page(&cloud);
    assert!(row(&page, "web").contains("<span class=\"state exempt\">Exempt</span><small>until <time"), "{page}");
    assert_eq!(page.matches("<bdi>&lt;img src=x onerror=alert(1)&gt;\\u{202e}</bdi>").count(), 2, "{page}");
    assert!(!page.contains("<img") && !page.contains('\u{202e}'), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn how_far_a_move_has_come_is_on_the_page() {
    let mut cloud = Cloud::begin("page-moves", "enforce").await;
    cloud.register("web", "app", "");
    cloud.register("web", "app", "");
    cloud.story.account.state().create_service(PIPELINE, "prod", "web", "web:1");
    let key = "moves/111122223333/eu-west-1/prod/web.json";
    let held = |original: &str| json!({"schemaVersion": 1, "original": original, "copy": null, "state": "rolled_back", "since": "2026-01-15T12:00:00Z"});
    for (text, says, exit) in [
        (held("web:1").to_string(), true, 0),
        // Of another revision.
        (held("web:2").to_string(), false, 0),
        ("{}".to_owned(), false, 1),
    ] {
        cloud.story.put(key, &text);
        let said = cloud.run("guardctl scan --html page.html");
        assert_eq!(said.exit, Some(exit), "{text}: {}", said.stderr);
        let page = page(&cloud);
        assert_eq!(page.contains("went back, so it is not moved again"), says, "{text}: {page}");
        let unread = "the move of the service prod/web could not be read";
        assert_eq!(page.contains(unread), exit == 1, "{text}: {page}");
        assert_eq!(said.stderr.contains("the move of the service prod/web, s3://"), exit == 1, "{}", said.stderr);
    }
}

/// What could not be seen is on the page; where nothing can be said, the page that was there stays as it was.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_whole_or_as_it_was_and_says_what_was_not_seen() {
    let cloud = swept("page-blind").await;
    let deny = |operation, action| {
        let denied = Fault::always(Kind::AccessDenied(action), Calls::of(operation).by(OPERATOR));
        cloud.story.account.state().inject(denied);
    };
    cloud.shell.write("page.html", "as it was");
    for (operation, action) in
        [("ListObjectsV2", "s3:ListBucket"), ("DescribeTaskDefinition", "ecs:DescribeTaskDefinition")]
    {
        deny(operation, action);
        let said = cloud.run("guardctl scan --html page.html");
        cloud.story.account.state().heal();
        assert_eq!((said.exit, page(&cloud).as_str()), (Some(4), "as it was"), "{operation}: {}", said.stderr);
        assert_eq!(left(&cloud), ["page.html"], "{operation}");
    }
    deny("ListServices", "ecs:ListServices");
    let said = cloud.run("guardctl scan --html page.html");
    cloud.story.account.state().heal();
    assert_eq!(said.exit, Some(4), "{}", said.stderr);
    let page = page(&cloud);
    assert!(page.contains("This could not be read,") && page.contains("ListServices"), "{page}");
    assert!(page.contains("could not see all of it") && page.ends_with("</html>\n"), "{page}");
    assert_eq!(left(&cloud), ["page.html"]);
}
