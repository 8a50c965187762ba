//! The Lambda Runtime API for one function: starts its binary, hands it events one by one, hears what becomes of each.
//! It does not limit memory, freeze between events, or retry.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

#![allow(dead_code, reason = "the stories of the functions use all of it; its own tests do not")]
#![allow(unreachable_pub, reason = "like the account, it is written to be shared by test targets")]
#![allow(clippy::expect_used, reason = "test code outside of a #[test]")]

use std::ffi::OsStr;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

use super::account::http::{Request, Response};
use super::account::wire::Server;

const VERSION: &str = "/2018-06-01/runtime";

/// A function that runs.
pub struct Function {
    /// What Lambda would allow one invocation; the function is told so, and is given up a while later.
    pub time_limit: Duration,
    child: Child,
    output: Arc<Mutex<Vec<u8>>>,
    readers: Vec<JoinHandle<()>>,
    events: UnboundedSender<(String, Vec<u8>)>,
    reports: UnboundedReceiver<Report>,
    deadline_ms: Arc<Mutex<u128>>,
    arn: Arc<Mutex<String>>,
    invocations: u64,
    _server: Server,
}

/// Why an event has no response.
#[derive(Debug)]
pub enum Failure {
    /// The function says so: `{"errorType": …, "errorMessage": …}`.
    Error(String),
    /// It could not start, and says why, in the same form.
    Init(String),
    /// It ended without a word.
    Exited(ExitStatus),
    /// It did neither in time.
    TimedOut,
}

/// What a function tells the API.
enum Report {
    Ready,
    Response { id: String, body: String },
    Error { id: String, body: String },
    Init(String),
}

impl Function {
    /// Starts a binary with these variables and those that Lambda itself sets, and no others.
    ///
    /// # Panics
    /// When it cannot be started at all.
    pub async fn start(binary: impl AsRef<OsStr>, environment: &[(String, String)]) -> Self {
        Self::start_with(binary, &[], environment).await
    }

    /// The same with arguments.
    ///
    /// # Panics
    /// When it cannot be started at all.
    pub async fn start_with(binary: impl AsRef<OsStr>, arguments: &[&str], environment: &[(String, String)]) -> Self {
        let (events, waiting) = unbounded_channel();
        let (report, reports) = unbounded_channel();
        let deadline_ms = Arc::new(Mutex::new(0));
        let arn = Arc::new(Mutex::new("arn:aws:lambda:eu-west-1:111122223333:function:function".to_owned()));
        let api = Arc::new(Api {
            events: tokio::sync::Mutex::new(waiting),
            report,
            deadline_ms: Arc::clone(&deadline_ms),
            arn: Arc::clone(&arn),
        });
        let server = Server::start(move |request| {
            let api = Arc::clone(&api);
            async move { api.answer(request).await }
        })
        .await;
        let mut child = Command::new(binary)
            .args(arguments)
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", server.address().to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", "function")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            .env("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/function")
            .env("AWS_LAMBDA_LOG_STREAM_NAME", "2026/01/15/[$LATEST]0")
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the binary can be started");
        let output = Arc::default();
        let readers = vec![
            collect(child.stdout.take().expect("a pipe"), Arc::clone(&output)),
            collect(child.stderr.take().expect("a pipe"), Arc::clone(&output)),
        ];
        let time_limit = Duration::from_mins(1);
        Self { time_limit, child, output, readers, events, reports, deadline_ms, arn, invocations: 0, _server: server }
    }

    /// The ARN under which Lambda invokes the function; unless told, one of the default account.
    pub fn invoked_as(&mut self, arn: &str) {
        arn.clone_into(&mut self.arn.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// The number of its process, while it runs.
    pub fn process(&self) -> Option<u32> {
        self.child.id()
    }

    /// Waits until the function asks for its first event.
    ///
    /// # Errors
    /// When it says that it cannot start, or ends, or does neither in time.
    pub async fn ready(&mut self) -> Result<(), Failure> {
        loop {
            match self.next_report().await? {
                Report::Ready => return Ok(()),
                Report::Init(body) => return Err(Failure::Init(body)),
                Report::Response { .. } | Report::Error { .. } => {}
            }
        }
    }

    /// Hands the function one event, byte for byte, and waits for what becomes of it.
    ///
    /// # Errors
    /// When that is not a response.
    pub async fn invoke(&mut self, event: &[u8]) -> Result<String, Failure> {
        self.invocations += 1;
        let this = format!("8476a536-e9f4-11e8-9739-{:012}", self.invocations);
        #[expect(clippy::disallowed_methods, reason = "a deadline is a time of the machine's clock, as on Lambda")]
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a clock after 1970");
        *self.deadline_ms.lock().unwrap_or_else(PoisonError::into_inner) = (now + self.time_limit).as_millis();
        // Nobody listens when the function has ended; then the next report says so.
        let _ = self.events.send((this.clone(), event.to_vec()));
        loop {
            match self.next_report().await? {
                Report::Response { id, body } if id == this => return Ok(body),
                Report::Error { id, body } if id == this => return Err(Failure::Error(body)),
                Report::Init(body) => return Err(Failure::Init(body)),
                Report::Ready | Report::Response { .. } | Report::Error { .. } => {}
            }
        }
    }

    /// Takes the whole lines that it has written so far, so that one that runs for hours keeps none.
    pub fn take_lines(&self) -> String {
        let mut output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        let whole = output.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let lines: Vec<u8> = output.drain(..whole).collect();
        String::from_utf8_lossy(&lines).into_owned()
    }

    /// Ends the function and answers all that it wrote to standard output and error.
    pub async fn stop(mut self) -> String {
        // An error means that it has ended already.
        let _ = self.child.kill().await;
        for reader in self.readers {
            let _ = reader.await;
        }
        String::from_utf8_lossy(&self.output.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }

    async fn next_report(&mut self) -> Result<Report, Failure> {
        let patience = tokio::time::sleep(self.time_limit + Duration::from_secs(5));
        tokio::select! {
            // A report counts even if the function ended right after it.
            biased;
            Some(report) = self.reports.recv() => Ok(report),
            status = self.child.wait() => match self.reports.try_recv() {
                Ok(report) => Ok(report),
                Err(_) => Err(Failure::Exited(status.expect("the child can be waited for"))),
            },
            () = patience => Err(Failure::TimedOut),
        }
    }
}

/// The server's side.
struct Api {
    events: tokio::sync::Mutex<UnboundedReceiver<(String, Vec<u8>)>>,
    report: UnboundedSender<Report>,
    deadline_ms: Arc<Mutex<u128>>,
    arn: Arc<Mutex<String>>,
}

impl Api {
    async fn answer(&self, request: Request) -> Option<Response> {
        let body = String::from_utf8_lossy(&request.body).into_owned();
        let path = request.path.strip_prefix(VERSION).unwrap_or_default();
        let report = match (request.method.as_str(), path.split('/').collect::<Vec<_>>().as_slice()) {
            ("GET", ["", "invocation", "next"]) => return self.next().await,
            ("POST", ["", "invocation", id, "response"]) => Report::Response { id: (*id).to_owned(), body },
            ("POST", ["", "invocation", id, "error"]) => Report::Error { id: (*id).to_owned(), body },
            ("POST", ["", "init", "error"]) => Report::Init(body),
            _ => return Some(Response::new(404, "")),
        };
        let _ = self.report.send(report);
        Some(Response::new(202, "{\"status\":\"OK\"}"))
    }

    async fn next(&self) -> Option<Response> {
        let _ = self.report.send(Report::Ready);
        // Lambda lets a function wait for ever too; without a sender the connection breaks.
        let (id, event) = self.events.lock().await.recv().await?;
        let deadline_ms = *self.deadline_ms.lock().unwrap_or_else(PoisonError::into_inner);
        let arn = self.arn.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Some(
            Response::new(200, event)
                .with("content-type", "application/json")
                .with("lambda-runtime-aws-request-id", id)
                .with("lambda-runtime-deadline-ms", deadline_ms.to_string())
                .with("lambda-runtime-invoked-function-arn", arn)
                .with("lambda-runtime-trace-id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0"),
        )
    }
}

fn collect(mut pipe: impl AsyncRead + Unpin + Send + 'static, output: Arc<Mutex<Vec<u8>>>) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut piece = vec![0; 8192];
        while let Ok(length @ 1..) = pipe.read(&mut piece).await {
            output.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&piece[..length]);
        }
    })
}

mod tests {
    use lambda_runtime::{Error, LambdaEvent, service_fn};
    use serde_json::{Value, json};

    use super::{Failure, Function};

    /// The function that the tests start: this very binary, with this test alone. Elsewhere it does nothing.
    #[tokio::test]
    async fn a_function_to_be_started_by_the_tests_beside() {
        #[expect(clippy::disallowed_methods, reason = "a program of its own, started by the tests beside")]
        let behaviour = std::env::var("BEHAVIOUR").unwrap_or_default();
        let answer = |event: LambdaEvent<Value>| async move {
            match event.payload["fail"].as_str() {
                Some(message) => Err(Error::from(message.to_owned())),
                None => Ok(json!({"echo": event.payload, "deadline": event.context.deadline})),
            }
        };
        if behaviour == "answer" {
            lambda_runtime::run(service_fn(answer)).await.unwrap();
        }
    }

    async fn function(behaviour: &str) -> Function {
        let name = "runtime_api::tests::a_function_to_be_started_by_the_tests_beside";
        let binary = std::env::current_exe().expect("the path of this binary");
        let environment = [("BEHAVIOUR".to_owned(), behaviour.to_owned())];
        Function::start_with(binary, &["--exact", name, "--nocapture"], &environment).await
    }

    /// <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html#runtimes-api-response>
    #[tokio::test]
    async fn each_event_has_its_own_response_or_error() {
        let mut function = function("answer").await;
        function.ready().await.unwrap();
        let response: Value = serde_json::from_str(&function.invoke(b"{\"n\": 1}").await.unwrap()).unwrap();
        assert_eq!(response["echo"], json!({"n": 1}));
        assert!(response["deadline"].as_u64().unwrap() > 1_700_000_000_000);
        for event in [&b"{\"fail\": \"no\"}"[..], b"not json"] {
            let Err(Failure::Error(error)) = function.invoke(event).await else { panic!("an error") };
            assert!(error.contains("errorType") && error.contains("errorMessage"), "{error}");
        }
        assert!(function.invoke(b"2").await.is_ok());
        assert!(function.stop().await.contains("running 1 test"));
    }

    /// <https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html>
    #[tokio::test]
    async fn a_function_that_ends_before_it_asks_is_noticed() {
        let mut function = function("end").await;
        let Err(Failure::Exited(status)) = function.ready().await else { panic!("an exit") };
        assert!(status.success());
        assert!(matches!(function.invoke(b"{}").await, Err(Failure::Exited(_))));
    }
}
