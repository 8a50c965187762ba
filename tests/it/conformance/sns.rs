//! SNS: what it refuses, and who gets what.

use aws_sdk_sns::types::MessageAttributeValue;

use super::super::account::{Account, GUARD};
use super::{Clients, refusal};

async fn account_with_topic() -> (Account, aws_sdk_sns::Client, String) {
    let account = Account::start().await;
    let topic = account.state().topic("alerts");
    let sns = Clients::of(&account, GUARD).sns;
    (account, sns, topic)
}

fn text(value: &str) -> MessageAttributeValue {
    MessageAttributeValue::builder().data_type("String").string_value(value).build().unwrap()
}

/// <https://docs.aws.amazon.com/sns/latest/dg/sns-message-attributes.html> (note on `MessageStructure`)
#[tokio::test]
async fn a_structured_message_has_a_body_for_each_protocol_and_delivers_no_attributes() {
    let (account, sns, topic) = account_with_topic().await;
    let bodies = r#"{"default":"for all","sqs":"{\"a\":1}","other":7}"#;
    let publish = || sns.publish().topic_arn(&topic).subject("Hello").message_attributes("outcome", text("failed"));
    publish().message(bodies).message_structure("json").send().await.unwrap();
    publish().message("plain + simple & more").send().await.unwrap();

    let state = account.state();
    let [structured, plain] = state.sns.messages() else { panic!("two messages") };
    assert_eq!(structured.delivery("sqs").body, r#"{"a":1}"#);
    assert_eq!(structured.delivery("email").body, "for all");
    assert!(structured.delivery("sqs").attributes.is_empty());
    assert_eq!(structured.attributes["outcome"].1, "failed", "it was published all the same");
    assert_eq!(plain.delivery("sqs").body, "plain + simple & more");
    assert_eq!(plain.delivery("sqs").attributes["outcome"], "failed");
    assert_eq!(plain.delivery("email").subject.as_deref(), Some("Hello"));
}

/// <https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>
#[tokio::test]
async fn what_sns_does_not_accept_is_refused() {
    let (account, sns, topic) = account_with_topic().await;
    let publish = || sns.publish().topic_arn(&topic).message("m");
    for subject in ["", "two\nlines", "Grüße", &"s".repeat(100)] {
        assert_eq!(refusal(publish().subject(subject).send().await).0, "InvalidParameter", "{subject}");
    }
    publish().subject("s".repeat(99)).send().await.unwrap();

    let large = "m".repeat(262_140);
    let attributed = |value: &str| publish().message(&large).message_attributes("k", text(value));
    assert_eq!(refusal(attributed("v").send().await).0, "InvalidParameter", "attributes count too");
    publish().message(&large).send().await.unwrap();

    for structured in ["not json", "[]", r#"{"sqs":"x"}"#, r#"{"default":7}"#, r#"{"default":"a","default":"b"}"#] {
        let result = publish().message(structured).message_structure("json").send().await;
        assert_eq!(refusal(result).0, "InvalidParameter", "{structured}");
    }
    assert_eq!(refusal(publish().message_attributes("k", text("")).send().await).0, "ParameterValueInvalid");
    let unknown = sns.publish().topic_arn(format!("{topic}-2")).message("m").send().await;
    assert!(unknown.unwrap_err().into_service_error().is_not_found_exception());
    assert_eq!(account.state().sns.messages().len(), 2);
}
