//! A story: an account, the built guard as Lambda runs it, and a pipeline that registers. It tells what came of it.

#![allow(dead_code, reason = "each test target tells other stories")]

use std::time::SystemTime;

use jiff::Timestamp;
use serde_json::Value;

use super::account::{Account, BACKOUT, GUARD, PIPELINE, SWEEP, State};
use super::paste::Lambda;
use super::runtime_api::{Failure, Function};

pub(crate) const BUCKET: &str = "guard-state";

pub(crate) struct Story {
    pub(crate) account: Account,
    pub(crate) guard: Function,
    settings: Vec<(String, String)>,
    /// Started when it is asked for something first.
    backout: Option<Function>,
}

/// A family named `web` with one privileged container, an environment and tags.
pub(crate) const PRIVILEGED: &str = r#"{"family":"web","taskRoleArn":"arn:aws:iam::111122223333:role/web","containerDefinitions":[{"name":"app","image":"app:1","privileged":true,"memory":128,"environment":[{"name":"A","value":"1"},{"name":"B","value":"2"}]}],"tags":[{"key":"team","value":"core"}]}"#;
/// The same without privilege.
pub(crate) const CLEAN: &str = r#"{"family":"web","taskRoleArn":"arn:aws:iam::111122223333:role/web","containerDefinitions":[{"name":"app","image":"app:1","privileged":false,"memory":128,"environment":[{"name":"B","value":"2"},{"name":"A","value":"1"}]}],"tags":[{"key":"team","value":"core"}]}"#;
/// A newer version of the application.
pub(crate) const NEWER: &str =
    r#"{"family":"web","containerDefinitions":[{"name":"app","image":"app:2","memory":128}]}"#;

/// Of an invocation that must fail.
fn category(ended: Result<String, Failure>) -> String {
    match ended {
        Err(Failure::Error(error)) => {
            let error: Value = serde_json::from_str(&error).unwrap();
            error["errorType"].as_str().unwrap().to_owned()
        }
        other => panic!("the invocation should fail: {other:?}"),
    }
}

impl Story {
    /// An account with the guard in a mode.
    pub(crate) async fn begin(mode: &str) -> Self {
        Self::with(mode, &[]).await
    }

    /// The same with more settings.
    pub(crate) async fn with(mode: &str, settings: &[(&str, &str)]) -> Self {
        Self::set_in(State::default(), mode, settings).await
    }

    /// The same in an account of one's own.
    pub(crate) async fn set_in(mut state: State, mode: &str, settings: &[(&str, &str)]) -> Self {
        state.now = now();
        state.s3.bucket(BUCKET);
        state.mode = Some(mode.to_owned());
        let topic = state.topic("alerts");
        let account = Account::serve(state).await;
        let contract = [
            ("ENFORCEMENT_MODE", mode),
            ("BACKUP_BUCKET", BUCKET),
            ("ALERT_TOPIC_ARN", &topic),
            ("GUARD_ROLES", "guard-role,sweep-role"),
        ];
        let settings = contract.iter().chain(settings);
        let settings: Vec<_> = settings.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let guard = function(&account, env!("CARGO_BIN_EXE_guard"), GUARD, &settings).await;
        Self { account, guard, settings, backout: None }
    }

    /// Lambda's Invoke API in front of backout, under this name.
    pub(crate) async fn lambda(&self, name: &'static str) -> Lambda {
        let backout = function(&self.account, env!("CARGO_BIN_EXE_backout"), BACKOUT, &self.settings).await;
        let state = self.account.state().clone();
        Lambda::serve(name, backout, &state).await
    }

    /// An operator asks backout for something, and it answers.
    pub(crate) async fn back_out(&mut self, request: &str) -> Value {
        let answer = self.invoke_backout(request).await.expect("an answer");
        serde_json::from_str(&answer).unwrap()
    }

    /// The same, whatever comes of it.
    pub(crate) async fn invoke_backout(&mut self, request: &str) -> Result<String, Failure> {
        let backout = match self.backout.take() {
            Some(backout) => backout,
            None => function(&self.account, env!("CARGO_BIN_EXE_backout"), BACKOUT, &self.settings).await,
        };
        self.backout.insert(backout).invoke(request.as_bytes()).await
    }

    /// One sweep by the built function, with more settings: its answer and all that it logged.
    pub(crate) async fn sweep(&self, more: &[(&str, &str)]) -> (Value, String) {
        let more = more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let settings: Vec<_> = self.settings.iter().cloned().chain(more).collect();
        let mut sweep = function(&self.account, env!("CARGO_BIN_EXE_sweep"), SWEEP, &settings).await;
        let answer = sweep.invoke(b"{\"time\":\"whatever\"}").await.expect("an answer");
        (serde_json::from_str(&answer).unwrap(), sweep.stop().await)
    }

    /// All that backout has logged; it ends with that.
    pub(crate) async fn log_of_backout(&mut self) -> String {
        match self.backout.take() {
            Some(backout) => backout.stop().await,
            None => String::new(),
        }
    }

    /// The pipeline registers over the trail, so that there is an event.
    pub(crate) fn register(&mut self, input: &str) -> String {
        self.account.state().register(PIPELINE, input)
    }

    /// The event of a revision, as CloudTrail sends it.
    pub(crate) fn event_of(&self, revision: &str) -> String {
        let arn = format!(":task-definition/{revision}\"");
        let state = self.account.state();
        let of_revision = |event: &&String| event.contains(&arn) && event.contains("\"RegisterTaskDefinition\"");
        state.trail().iter().find(of_revision).expect("an event of the revision").clone()
    }

    /// Lambda hands the revision's event to the guard.
    pub(crate) async fn deliver(&mut self, revision: &str) -> Value {
        let event = self.event_of(revision);
        self.hand_over(&event).await
    }

    /// Lambda hands an event to the guard, which must answer.
    pub(crate) async fn hand_over(&mut self, event: &str) -> Value {
        let answer = self.guard.invoke(event.as_bytes()).await.expect("an answer");
        serde_json::from_str(&answer).unwrap()
    }

    /// The same where the invocation must fail: the category.
    pub(crate) async fn fail(&mut self, revision: &str) -> String {
        let event = self.event_of(revision);
        category(self.guard.invoke(event.as_bytes()).await)
    }

    /// The same of a sweep.
    pub(crate) async fn fail_to_sweep(&self) -> String {
        let mut sweep = function(&self.account, env!("CARGO_BIN_EXE_sweep"), SWEEP, &self.settings).await;
        category(sweep.invoke(b"{}").await)
    }

    pub(crate) fn active(&self) -> Vec<usize> {
        self.account.state().ecs.active("web")
    }

    pub(crate) fn alerts(&self) -> usize {
        self.account.state().sns.messages().len()
    }

    /// The text of the last alert, as a mail.
    pub(crate) fn mail(&self) -> String {
        self.account.state().sns.messages().last().expect("an alert").delivery("email").body
    }

    pub(crate) fn object(&self, key: &str) -> Option<Value> {
        let state = self.account.state();
        state.s3.object(BUCKET, key).map(|body| serde_json::from_slice(body).unwrap())
    }

    pub(crate) fn record(&self, revision: &str) -> Option<Value> {
        self.object(&format!("records/111122223333/eu-west-1/{}.json", revision.replace(':', "/")))
    }

    pub(crate) fn exemption(&self) -> Option<Value> {
        self.object("exemptions/111122223333/eu-west-1/web.json")
    }

    pub(crate) fn backup_key(revision: &str) -> String {
        format!("backups/111122223333/eu-west-1/{}.json", revision.replace(':', "/"))
    }

    pub(crate) fn exempt(&self, containers: &str, ends: &str) {
        let text = format!(r#"{{"containers":[{containers}],"reason":"r","approvedBy":"a","expiresAt":"{ends}"}}"#);
        self.put("exemptions/111122223333/eu-west-1/web.json", &text);
    }

    pub(crate) fn put(&self, key: &str, text: &str) {
        self.account.state().put_object(PIPELINE, BUCKET, key, text.as_bytes());
    }

    /// What the guard wrote to ECS.
    pub(crate) fn writes(&self) -> Vec<String> {
        let state = self.account.state();
        let writes = state.calls().iter().filter(|call| call.is_write() && call.action().starts_with("ecs:"));
        writes.map(|call| call.operation.clone()).collect()
    }
}

async fn function(account: &Account, binary: &str, principal: &str, settings: &[(String, String)]) -> Function {
    let mut environment = account.environment(principal);
    environment.extend_from_slice(settings);
    let mut function = Function::start(binary, &environment).await;
    function.invoked_as(&account.state().home.arn("lambda", "function:function"));
    function
}

#[expect(clippy::disallowed_methods, reason = "the built guard uses the machine's clock, so the account must too")]
fn now() -> Timestamp {
    SystemTime::now().try_into().unwrap()
}

/// `outcome reason copy alert` of an answer, what is null left out.
pub(crate) fn in_words(answer: &Value) -> String {
    let words = ["outcome", "reason", "copy", "alert"].iter().filter_map(|name| answer[name].as_str());
    words.collect::<Vec<_>>().join(" ")
}
