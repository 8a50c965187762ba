//! The document that programs and chats get: a custom notification of Amazon Q Developer in chat, within its limits, and
//! flat fields with a `schemaVersion` beside it.
//! <https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html>

use serde_json::{Map, Value, json};

/// The version of the flat fields.
const SCHEMA_VERSION: u32 = 1;
/// Limits of a custom notification, in characters.
const TITLE_MAX: usize = 250;
const DESCRIPTION_MAX: usize = 8_000;
pub(in crate::domain) const STEP_MAX: usize = 350;
const KEYWORD_MAX: usize = 75;

/// What a chat shows. All of it is harmless there already.
pub(in crate::domain) struct Notification<'a> {
    pub(in crate::domain) title: &'a str,
    pub(in crate::domain) description: String,
    pub(in crate::domain) next_steps: Vec<String>,
    pub(in crate::domain) keywords: Vec<&'a str>,
    /// What is about the same stands together.
    pub(in crate::domain) thread: &'a str,
    /// For programs that see the notification only: texts and nothing else.
    pub(in crate::domain) context: Map<String, Value>,
}

impl Notification<'_> {
    /// The document, with the flat fields.
    pub(in crate::domain) fn document(self, fields: impl IntoIterator<Item = (String, Value)>) -> Map<String, Value> {
        let Self { title, description, next_steps, keywords, thread, context } = self;
        let content = json!({
            "textType": "client-markdown",
            "title": cut(title, TITLE_MAX),
            "description": cut(&description, DESCRIPTION_MAX),
            "nextSteps": next_steps.iter().map(|step| cut(step, STEP_MAX)).collect::<Vec<_>>(),
            "keywords": keywords.iter().map(|keyword| cut(keyword, KEYWORD_MAX)).collect::<Vec<_>>(),
        });
        let metadata = json!({
            "threadId": thread,
            "summary": cut(title, TITLE_MAX),
            "additionalContext": context,
        });
        let own = [
            ("version", json!("1.0")),
            ("source", json!("custom")),
            ("content", content),
            ("metadata", metadata),
            ("schemaVersion", json!(SCHEMA_VERSION)),
        ];
        own.map(|(name, value)| (name.to_owned(), value)).into_iter().chain(fields).collect()
    }
}

/// Attributes of a message as members of its document.
pub(in crate::domain) fn members(attributes: &[(&'static str, String)]) -> Map<String, Value> {
    attributes.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect()
}

/// A step with a command that is to be pasted. Cut it would be another command, so a long one is left to the mail and to
/// the document's own fields.
pub(in crate::domain) fn command_step(name: &str, command: &str) -> String {
    let step = format!("{name}: {command}");
    match step.chars().count() <= STEP_MAX {
        true => step,
        false => in_the_mail(name),
    }
}

/// What stands in a step's place where its command cannot.
pub(in crate::domain) fn in_the_mail(name: &str) -> String {
    format!("{name}: with the command in the mail, or in the fields of this alert.")
}

fn cut(text: &str, max: usize) -> String {
    text.chars().take(max).collect()
}
