//! Text from outside, made harmless for one sink each. Nothing from outside reaches a sink without passing here.

/// Longer than any name of AWS, short enough for a line or two.
const LENGTH_MAX: usize = 256;

/// For mail, terminals and logs: printable ASCII stays; all else (line breaks, escape sequences, marks that turn the
/// direction of text, look-alike letters) is shown as `\u{…}`; too long a text is cut.
#[must_use]
pub fn plain(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len().min(LENGTH_MAX));
    for c in text.chars() {
        if escaped.len() >= LENGTH_MAX {
            escaped.push_str("...");
            break;
        }
        match c {
            ' '..='~' => escaped.push(c),
            _ => escaped.extend(c.escape_unicode()),
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
        for text in ["<!channel>", "<@U123>", "<https://x|y>", "`code`", "*bold*", "@here", "[a](b)"] {
            let shown = chat(text);
            assert!(!shown.contains(['<', '>', '@', '`', '*', '|', '[', ']']), "{shown}");
        }
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
