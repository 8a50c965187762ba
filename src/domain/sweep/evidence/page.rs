//! The evidence for people, as one file without script or outside reference: `latest.html` of a sweep, or what
//! `guardctl scan` was asked for. It cuts what is long and says so, and where all of it is. Everything that came from
//! outside passes `words`.
//!
//! In the order of the page: `top` (what may be wrong with it, the totals), `bar`, `families`, `exemptions`, `controls`.

mod bar;
mod controls;
mod exemptions;
mod families;
mod top;

use jiff::Timestamp;

use super::super::super::escape;
use super::super::super::words::{counted, number};
use super::standing::Totals;
use super::{Evidence, Looker};

/// Rows of one table: nobody reads on, and a browser on a phone has to hold them.
const ROWS_MAX: usize = 2_000;
/// Bytes of one table's rows: long names, or hostile ones, do not make the page grow without bound.
const BYTES_MAX: usize = 2_000_000;

/// The evidence as a page.
#[must_use]
pub fn html(evidence: &Evidence) -> String {
    let totals = Totals::of(evidence);
    let home = format!("account {}, Region {}", evidence.home.account(), evidence.home.region());
    let head = format!(
        "<!doctype html>\n\
         <html lang=\"en\">\n\
         <head>\n\
         <meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" \
         content=\"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>Privileged Amazon ECS containers: {home}, {}</title>\n\
         <style>\n{}</style>\n\
         </head>\n",
        evidence.at.strftime("%Y-%m-%d"),
        include_str!("page/page.css"),
    );
    let sections = [
        top::caveats(evidence),
        top::totals(evidence, &totals),
        bar::bar(evidence, &totals),
        families::table(evidence),
        families::running(evidence),
        exemptions::section(evidence),
        controls::section(&totals, &evidence.looker),
    ];
    let (header, footer) = (top::header(evidence), top::footer(&evidence.looker));
    format!("{head}<body>\n{header}<main>\n{}</main>\n{footer}</body>\n</html>\n", sections.concat())
}

/// Text from outside: harmless, and whatever its direction is, its neighbours keep theirs.
fn words(text: &str) -> String {
    format!("<bdi>{}</bdi>", escape::html(text))
}

/// Some of a list, each on a line of its own; nothing of an empty one.
fn list(items: impl ExactSizeIterator<Item = String>, max: usize) -> String {
    match items.len() {
        0 => String::new(),
        _ => format!("<ul><li>{}</ul>", some(items, max, "<li>")),
    }
}

/// Some of a list, and how many more there are.
fn some(items: impl ExactSizeIterator<Item = String>, max: usize, between: &str) -> String {
    let more = items.len().saturating_sub(max);
    let shown = items.take(max).collect::<Vec<_>>().join(between);
    match more {
        0 => shown,
        more => format!("{shown}{between}and {} more", number(more)),
    }
}

/// The body of a table, bounded, and a sentence if rows were left out.
fn rows(rows: impl ExactSizeIterator<Item = String>, looker: &Looker) -> (String, String) {
    let total = rows.len();
    let (mut shown, mut text) = (0, String::new());
    for row in rows.take(ROWS_MAX) {
        if text.len() + row.len() > BYTES_MAX {
            break;
        }
        text.push_str(&row);
        shown += 1;
    }
    let cut = match shown == total {
        true => String::new(),
        false => format!(
            "<p class=\"cut\"><strong>Cut:</strong> {} of {} rows are shown; {}.</p>\n",
            number(shown),
            number(total),
            match looker {
                Looker::Sweep { .. } => "<code>latest.json</code> has all of them",
                Looker::Scan { .. } => {
                    "<code>guardctl scan -o json</code> and <code>guardctl exempt list</code> show all of them"
                }
            }
        ),
    };
    (text, cut)
}

fn time(at: Timestamp) -> String {
    format!("<time datetime=\"{at}\">{}</time>", at.strftime("%Y-%m-%d %H:%M UTC"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_is_said() {
        let scan = Looker::Scan { latest_only: false };
        let (text, cut) = rows((0..2_001).map(|_| "x".to_owned()), &scan);
        assert_eq!(text.len(), ROWS_MAX);
        assert!(cut.contains("2,000 of 2,001 rows"), "{cut}");
        let (text, cut) = rows((0..3).map(|_| "x".repeat(BYTES_MAX / 2)), &scan);
        assert!(text.len() <= BYTES_MAX && cut.contains("2 of 3 rows"), "{cut}");
        assert_eq!(rows((0..2_000).map(|_| "x".to_owned()), &scan).1, "");
    }

    #[test]
    fn a_long_list_ends_with_how_much_longer_it_is() {
        let names = || ["a", "b", "c"].map(str::to_owned).into_iter();
        assert_eq!(some(names(), 3, ", "), "a, b, c");
        assert_eq!(some(names(), 1, ", "), "a, and 2 more");
    }
}
