//! Text from outside, made harmless for one sink each. Nothing from outside reaches a sink without passing here.

use std::fmt::Write as _;

/// Longer than any name of AWS with its number (a family has up to 255 characters), short enough for a line or two.
const LENGTH_MAX: usize = 272;
/// Of a sentence: a name may be long, a mail may not.
const WORDS_MAX: usize = 50;
/// An ARN that is cut names something else: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
const ARN_LENGTH_MAX: usize = 2_048;

/// For mail, terminals and logs: printable ASCII stays; all else (line breaks, escape sequences, marks that turn the
/// direction of text, look-alike letters) is shown as `\u{…}`; too long a text is cut.
#[must_use]
pub fn plain(text: &str) -> String {
    spelled(text, LENGTH_MAX, |c| matches!(c, ' '..='~'))
}

/// For a statement to paste: as [`plain`], and as long as an ARN can be.
#[must_use]
pub fn arn(text: &str) -> String {
    spelled(text, ARN_LENGTH_MAX, |c| matches!(c, ' '..='~'))
}

/// For a sentence of our own with names from outside in it: as [`plain`], name by name, since the whole may be longer than
/// what is let through of one. Of words there are so many at most, too.
#[must_use]
pub fn phrase(text: &str) -> String {
    let name = |word: &str| arn(&word.split('/').map(plain).collect::<Vec<_>>().join("/"));
    let mut words = text.split(' ');
    let mut kept = words.by_ref().take(WORDS_MAX).map(name).collect::<Vec<_>>();
    kept.extend(words.next().map(|_| "...".to_owned()));
    kept.join(" ")
}

/// For a file that is read as UTF-8 (JSON, whose quoting is left to `serde_json`): letters and digits of every script
/// stay too, since a reason is written in the language of whoever wrote it. What is invisible, or changes its
/// neighbours, is spelled out as in [`plain`].
#[must_use]
pub fn unicode(text: &str) -> String {
    spelled(text, LENGTH_MAX, is_seen)
}

fn is_seen(c: char) -> bool {
    // Hangul fillers are letters by category, and nothing to the eye.
    let is_blank = matches!(c, '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}');
    matches!(c, ' '..='~') || (c.is_alphanumeric() && !is_blank)
}

/// For a line on a terminal: as [`unicode`], and as long as an ARN can be, since what is cut cannot be found.
#[must_use]
pub fn line(text: &str) -> String {
    spelled(text, ARN_LENGTH_MAX, is_seen)
}

/// For JSON that is written, and may be shown by a terminal: what [`unicode`] spells out becomes JSON's own escape, so that
/// every text still means the same. Below U+0020 `serde_json` escapes all in a text, so what is left there is layout.
#[must_use]
pub fn json(written: &str) -> String {
    let mut escaped = String::with_capacity(written.len());
    for c in written.chars() {
        match c < ' ' || is_seen(c) {
            true => escaped.push(c),
            false => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(escaped, "\\u{unit:04x}");
                }
            }
        }
    }
    escaped
}

/// For HTML, as text or in a quoted attribute: as [`unicode`], and no character is markup. It does not isolate what is
/// written from right to left: put it into `<bdi>`.
#[must_use]
pub fn html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len().min(LENGTH_MAX));
    for c in unicode(text).chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '`' => escaped.push_str("&#96;"),
            _ => escaped.push(c),
        }
    }
    escaped
}

fn spelled(text: &str, length_max: usize, is_kept: impl Fn(char) -> bool) -> String {
    let mut escaped = String::with_capacity(text.len().min(length_max));
    for c in text.chars() {
        if escaped.len() >= length_max {
            escaped.push_str("...");
            break;
        }
        match is_kept(c) {
            true => escaped.push(c),
            false => escaped.extend(c.escape_unicode()),
        }
    }
    escaped
}

/// For chat markup (Slack, Teams by Amazon Q Developer): what is harmless in plain text, without the characters that
/// mention people, make links or set type. <https://docs.slack.dev/messaging/formatting-message-text/>
#[must_use]
pub fn chat(text: &str) -> String {
    plain(text)
        .chars()
        .map(|c| match c {
            '<' => '\u{2039}',
            '>' => '\u{203a}',
            '&' => '+',
            '*' | '_' | '~' | '`' | '|' | '[' | ']' | '#' => '\u{b7}',
            '@' => '\u{ff20}',
            _ => c,
        })
        .collect()
}

/// For the subject of a mail: printable ASCII, at most `max` characters.
#[must_use]
pub fn subject(text: &str, max: usize) -> String {
    let line = plain(text);
    match line.len() <= max {
        true => line,
        // Printable ASCII: a character is a byte.
        false => format!("{}...", line.get(..max.saturating_sub(3)).unwrap_or_default()),
    }
}

/// For a POSIX shell: one word, whatever stands in it. What is not printable is shown spelled out first.
#[must_use]
pub fn shell(text: &str) -> String {
    let text = plain(text);
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    match !text.is_empty() && text.chars().all(is_plain) {
        true => text,
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_arn_is_not_cut_and_anything_longer_is() {
        let longest = format!("arn:aws:ecs:eu-west-1:111122223333:task-definition/{}:*", "f".repeat(255));
        assert_eq!(arn(&longest), longest);
        assert!(plain(&longest).ends_with("..."));
        assert_eq!(arn(&"x".repeat(3_000)).len(), ARN_LENGTH_MAX + 3);
    }

    #[test]
    fn what_could_steer_a_terminal_or_a_mail_is_spelled_out() {
        for (text, shown) in [
            ("web", "web"),
            ("a\r\nBcc: x", "a\\u{d}\\u{a}Bcc: x"),
            ("\u{1b}[31m", "\\u{1b}[31m"),
            ("\u{202e}txt", "\\u{202e}txt"),
        ] {
            assert_eq!(plain(text), shown);
        }
        assert!(plain(&"x".repeat(10_000)).len() <= LENGTH_MAX + 3);
    }

    #[test]
    fn nobody_is_pinged_and_nothing_is_linked() {
        assert_eq!(chat("a & b"), "a + b");
        for text in ["<!channel>", "<@U123>", "<https://x|y>", "`code`", "*bold*", "@here", "[a](b)"] {
            let shown = chat(text);
            assert!(!shown.contains(['<', '>', '@', '`', '*', '|', '[', ']']), "{shown}");
        }
    }

    #[test]
    fn a_page_gets_letters_of_every_script_and_no_markup() {
        for (text, shown) in [
            ("<b>&\"'`", "&lt;b&gt;&amp;&quot;&#39;&#96;"),
            (
                "J\u{fc}rgen, \u{627}\u{644}\u{639}, \u{7530}\u{4e2d}",
                "J\u{fc}rgen, \u{627}\u{644}\u{639}, \u{7530}\u{4e2d}",
            ),
            ("a\u{202e}b\u{200b}c\u{2028}d\u{3164}", "a\\u{202e}b\\u{200b}c\\u{2028}d\\u{3164}"),
            ("\u{0}\u{1b}[2J\n", "\\u{0}\\u{1b}[2J\\u{a}"),
        ] {
            assert_eq!(html(text), shown);
        }
        assert!(unicode(&"\u{7530}".repeat(10_000)).len() <= LENGTH_MAX + 6);
    }

    #[test]
    fn a_sentence_keeps_its_end_however_long_its_names_are() {
        let family = "f".repeat(255);
        let text =
            format!("ecs:X on arn:aws:ecs:eu-west-1:111122223333:task-definition/{family}:* failed, request r-1");
        assert_eq!(phrase(&text), text);
        assert_eq!(phrase(&format!("{family} a\u{202e}b/{family}")), format!("{family} a\\u{{202e}}b/{family}"));
        let long = format!("{} {}", "x".repeat(10_000), "w ".repeat(10_000));
        assert!(phrase(&long).len() < 400 && phrase(&long).ends_with("w ..."), "{}", phrase(&long));
    }

    #[test]
    fn a_line_is_not_cut_where_a_name_would_be() {
        for (text, shown) in [("J\u{fc}rgen", "J\u{fc}rgen"), ("a\u{1b}[2J\nb\u{3164}", "a\\u{1b}[2J\\u{a}b\\u{3164}")]
        {
            assert_eq!(line(text), shown);
        }
        assert_eq!(line(&"x".repeat(1_000)).len(), 1_000);
        assert_eq!(line(&"x".repeat(3_000)).len(), ARN_LENGTH_MAX + 3);
    }

    #[test]
    fn json_means_the_same_and_steers_nothing() {
        for (text, written) in [
            ("J\u{fc}rgen \u{7530}", "\"J\u{fc}rgen \u{7530}\""),
            ("\u{9b}31m\u{7f}\u{202e}txt", r#""\u009b31m\u007f\u202etxt""#),
            ("a\u{3164}\u{1f600}\n\u{1b}", r#""a\u3164\ud83d\ude00\n\u001b""#),
        ] {
            let escaped = json(&serde_json::Value::from(text).to_string());
            assert_eq!(escaped, written);
            assert_eq!(serde_json::from_str::<String>(&escaped).unwrap(), text);
        }
        let indented = "{\n\t\"a\": 1\r\n}";
        assert_eq!(json(indented), indented);
    }

    #[test]
    fn a_shell_gets_one_word() {
        for (text, word) in [
            ("web-1", "web-1"),
            ("", "''"),
            ("a b", "'a b'"),
            ("$(id)", "'$(id)'"),
            ("a'b", r"'a'\''b'"),
            ("a\nb", r"'a\u{a}b'"),
        ] {
            assert_eq!(shell(text), word);
        }
    }

    #[test]
    fn a_subject_fits() {
        assert_eq!(subject(&"x".repeat(300), 99).len(), 99);
        assert_eq!(subject("a\nb", 99), "a\\u{a}b");
    }
}
