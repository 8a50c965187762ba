//! What a person takes out of a mail.

/// The command of a mail: from its first line to the first that does not go on.
pub(crate) fn command(mail: &str) -> String {
    let lines = mail.lines().skip_while(|line| !line.trim_start().starts_with("aws lambda invoke"));
    let mut command = Vec::new();
    for line in lines {
        command.push(line);
        if !line.ends_with('\\') {
            break;
        }
    }
    command.join("\n")
}
