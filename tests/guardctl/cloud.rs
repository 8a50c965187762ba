//! An account with a guard, over HTTP and with every signature verified: ECS, S3 and SNS are those of `tests/it`, guard,
//! sweep and backout the built functions. Beside it stand the four calls that nothing else needs: `DescribeStacks`,
//! `GetFunctionConfiguration`, `Invoke`, `GetCallerIdentity`; and what `doctor` asks besides, in `pipe`.
//!
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html>,
//! <https://docs.aws.amazon.com/lambda/latest/api/API_GetFunctionConfiguration.html>,
//! <https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html>,
//! <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html>

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::account::http::{Request, Response, pairs};
use super::account::sigv4::{self, Key};
use super::account::wire::Server;
use super::account::{BACKOUT, OPERATOR, PIPELINE};
use super::pipe::{CENTRAL, Pipe};
use super::runtime_api::{Failure, Function};
use super::shell::{Said, Shell};
use super::story::{BUCKET, Story};

/// The address of a machine that nobody has, for what must not be reached.
pub(crate) const NOWHERE: &str = "http://127.0.0.1:9";

/// An account, its guard, and a prompt whose operator may speak to both.
pub(crate) struct Cloud {
    pub(crate) story: Story,
    pub(crate) shell: Shell,
    environment: Vec<(String, String)>,
    _beside: Server,
}

/// What answers beside the account.
struct Beside {
    pipe: Pipe,
    key: Key,
    region: String,
    account: String,
    settings: Vec<(String, String)>,
    backout: Mutex<Function>,
    /// Where alerts go: `doctor` asks about the topic here, so whoever publishes comes here too.
    account_itself: Box<dyn Fn(&Request) -> Response + Send + Sync>,
}

impl Cloud {
    /// An account in which a guard in this mode has just begun.
    pub(crate) async fn begin(name: &str, mode: &'static str) -> Self {
        Self::with(name, mode, &[]).await
    }

    /// The same, deployed with `ApplyRoles=operator`.
    pub(crate) async fn where_operators_apply(name: &str, mode: &'static str) -> Self {
        Self::with(name, mode, &[("APPLY_ROLES", "operator")]).await
    }

    /// The same with more settings, or others.
    pub(crate) async fn with(name: &str, mode: &'static str, settled: &[(&str, &str)]) -> Self {
        let story = Story::with(mode, settled).await;
        let topic = story.account.state().topic("alerts");
        let settings = [
            ("ENFORCEMENT_MODE", mode),
            ("BACKUP_BUCKET", BUCKET),
            ("ALERT_TOPIC_ARN", topic.as_str()),
            ("GUARD_ROLES", "guard-role,sweep-role"),
            ("BACKOUT_FUNCTION", "backout"),
        ];
        // The last of a name counts.
        let settings = settings.iter().chain(settled).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let settings: Vec<_> = settings.collect();
        let mut environment = story.account.environment(BACKOUT);
        environment.extend(settings.iter().cloned());
        let mut backout = Function::start(env!("CARGO_BIN_EXE_backout"), &environment).await;
        backout.invoked_as(&story.account.state().home.arn("lambda", "function:backout"));
        let (key, home) = {
            let state = story.account.state();
            (state.key_of(OPERATOR).clone(), state.home.clone())
        };
        let pipe = Pipe { key: key.clone(), region: home.region.clone(), account: home.account.clone() };
        let (region, account, backout) = (home.region, home.account, Mutex::new(backout));
        let account_itself = Box::new(story.account.door());
        let beside = Beside { pipe, key, region, account, settings, backout, account_itself };
        let beside = Arc::new(beside);
        let server = Server::start(move |request| {
            let beside = Arc::clone(&beside);
            async move { Some(beside.answer(&request).await) }
        })
        .await;
        let url = format!("http://{}", server.address());
        let shell = Shell::new(name);
        let mut environment = story.account.environment(OPERATOR);
        environment.extend(
            [
                ("AWS_ENDPOINT_URL_CLOUDFORMATION", url.as_str()),
                ("AWS_ENDPOINT_URL_LAMBDA", &url),
                ("AWS_ENDPOINT_URL_STS", &url),
                ("AS_A_USER", &format!("{url}/as-a-user")),
                ("AWS_ENDPOINT_URL_CLOUDTRAIL", &url),
                ("AWS_ENDPOINT_URL_EVENTBRIDGE", &url),
                ("AWS_ENDPOINT_URL_SQS", &url),
                ("AWS_ENDPOINT_URL_SNS", &url),
                ("AWS_ENDPOINT_URL_CLOUDWATCH", &url),
                ("BESIDE", &url),
                ("ENDPOINT", story.account.endpoint()),
                ("NOWHERE", NOWHERE),
                ("AWS_EC2_METADATA_DISABLED", "true"),
                ("HOME", &shell.directory.to_string_lossy()),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned())),
        );
        Self { story, shell, environment, _beside: server }
    }

    /// The operator types a line.
    pub(crate) fn run(&self, line: &str) -> Said {
        let environment: Vec<_> =
            self.environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        // The account answers meanwhile.
        let said = tokio::task::block_in_place(|| self.shell.run_today(line, &environment));
        let plain = |text: String| timeless(&text.replace(self.story.account.endpoint(), "$ENDPOINT"));
        Said { stdout: plain(said.stdout), stderr: plain(said.stderr), exit: said.exit }
    }

    /// A family with one privileged container of that name; what the pipeline registered.
    pub(crate) fn register(&mut self, family: &str, container: &str, more: &str) -> String {
        let input = format!(
            r#"{{"family":"{family}","taskRoleArn":"arn:aws:iam::111122223333:role/{family}","containerDefinitions":[{{"name":"{container}","image":"app:1","privileged":true,"memory":128,"environment":[{{"name":"A","value":"CANARY"}}],"linuxParameters":{{"capabilities":{{"add":["SYS_ADMIN"],"drop":[]}}}}}}]{more}}}"#
        );
        self.story.register(&input)
    }

    /// The same, and the guard hears of it.
    pub(crate) async fn remedy(&mut self, family: &str, container: &str, more: &str) -> Value {
        let id = self.register(family, container, more);
        self.story.deliver(&id).await
    }

    pub(crate) fn exempt(&self, family: &str, container: &str, ends_in: SignedDuration) {
        let end = self.now() + ends_in;
        let exemption = json!({
            "containers": [container],
            "reason": "needs the host's devices",
            "approvedBy": "jane@example.com",
            "expiresAt": end,
        });
        self.story.put(&format!("exemptions/111122223333/eu-west-1/{family}.json"), &exemption.to_string());
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.story.account.state().now
    }

    /// A service that runs the copy of `web:1`, and that ECS is done with moving back when it was looked at so often.
    pub(crate) fn serve_the_copy(&self, looks: usize) {
        let mut state = self.story.account.state();
        state.create_service(PIPELINE, "prod", "web", "web:2");
        state.complete_deployment("prod", "web");
        let calls = super::account::Calls::of("DescribeServices").by(OPERATOR).starting_at(looks);
        state.before(calls, |state| {
            state.complete_deployment("prod", "web");
        });
    }
}

impl Beside {
    async fn answer(&self, request: &Request) -> Response {
        if let Some(answer) = self.pipe.answer(request) {
            return answer;
        }
        if String::from_utf8_lossy(&request.body).contains("Action=Publish&") {
            return (self.account_itself)(request);
        }
        let is_lambda = request.path.starts_with("/2015-03-31/functions/");
        let is_sts = String::from_utf8_lossy(&request.body).contains("Action=GetCallerIdentity");
        let service = match (is_lambda, is_sts) {
            (true, _) => "lambda",
            (false, true) => "sts",
            (false, false) => "cloudformation",
        };
        if sigv4::verify(request, service, &self.region, std::slice::from_ref(&self.key)).is_err() {
            return match is_lambda {
                true => lambda_error(403, "InvalidSignatureException"),
                false => query_error(403, "SignatureDoesNotMatch", "no"),
            };
        }
        match (is_lambda, is_sts) {
            (true, _) => self.lambda(request).await,
            (false, true) => self.who(request.path.starts_with("/as-a-user")),
            (false, false) => self.stack(request),
        }
    }

    /// Who has signed, or a user in that one's place.
    fn who(&self, is_user: bool) -> Response {
        let account = &self.account;
        let user = format!("arn:aws:iam::{account}:user/alice");
        let arn = if is_user { &user } else { OPERATOR };
        let body = format!(
            "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
             <Arn>{arn}</Arn><UserId>AROA:alice</UserId><Account>{account}</Account></GetCallerIdentityResult>\
             <ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
        );
        Response::new(200, body).with("content-type", "text/xml")
    }

    /// One stack has what the template's has, and others are what their names say.
    fn stack(&self, request: &Request) -> Response {
        let form = pairs(&String::from_utf8_lossy(&request.body));
        let value = |name: &str| form.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let name = value("StackName").unwrap_or_default();
        let status = if name == "sick" { "UPDATE_ROLLBACK_COMPLETE" } else { "UPDATE_COMPLETE" };
        let topic = if name == "sick" { "unconfirmed" } else { "alerts" };
        let topic = match name {
            "central" => CENTRAL.to_owned(),
            _ => format!("arn:aws:sns:{}:{}:{topic}", self.region, self.account),
        };
        let outputs = match (value("Action"), name) {
            (Some("DescribeStacks"), "ecs-privileged-guard" | "sick" | "unlisted" | "central") => vec![
                ("AlertTopic", topic.as_str()),
                ("RedriveCommand", "./redrive.sh eu-west-1 guard RULE-QUEUE FAILURE-QUEUE"),
                ("StateBucket", BUCKET),
                ("GuardFunction", "guard"),
                ("BackoutFunction", "backout"),
                (
                    "SweepCommand",
                    "aws lambda invoke --region eu-west-1 --function-name sweep --invocation-type Event /dev/stdout",
                ),
            ],
            (Some("DescribeStacks"), "slow") => vec![("StateBucket", BUCKET), ("BackoutFunction", "slow")],
            (Some("DescribeStacks"), "denied-functions") => {
                vec![("StateBucket", BUCKET), ("GuardFunction", "denied"), ("BackoutFunction", "denied")]
            }
            (Some("DescribeStacks"), "failing") => vec![("StateBucket", BUCKET), ("BackoutFunction", "failing")],
            (Some("DescribeStacks"), "lost") => vec![("StateBucket", "lost-state")],
            (Some("DescribeStacks"), "website") => vec![("Url", "https://example.com")],
            (Some("DescribeStacks"), "denied") => {
                let message = "User: x is not authorized to perform: cloudformation:DescribeStacks";
                return query_error(403, "AccessDenied", message);
            }
            (Some("DescribeStacks"), "expired") => return query_error(403, "ExpiredToken", "The token is expired"),
            (_, _) => {
                return query_error(400, "ValidationError", &format!("Stack with id {name} does not exist"));
            }
        };
        let outputs = outputs.iter().fold(String::new(), |xml, (key, value)| {
            xml + &format!("<member><OutputKey>{key}</OutputKey><OutputValue>{value}</OutputValue></member>")
        });
        let (region, account) = (&self.region, &self.account);
        Response::new(
            200,
            format!(
                "<DescribeStacksResponse xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\"><DescribeStacksResult>\
                 <Stacks><member><StackName>{name}</StackName><StackStatus>{status}</StackStatus>\
                 <CreationTime>2026-01-15T12:00:00Z</CreationTime>\
                 <StackId>arn:aws:cloudformation:{region}:{account}:stack/{name}/0f1e2d3c</StackId>\
                 <Outputs>{outputs}</Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>"
            ),
        )
        .with("content-type", "text/xml")
    }

    async fn lambda(&self, request: &Request) -> Response {
        let path: Vec<&str> = request.path.split('/').collect();
        match (request.method.as_str(), path.as_slice()) {
            (_, ["", _, _, "denied", _]) => lambda_error(403, "AccessDeniedException"),
            ("GET", ["", _, _, name @ ("guard" | "sweep" | "stopped" | "backout"), "configuration"]) => {
                let variables: Value =
                    self.settings.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
                let configuration = json!({
                    "FunctionName": name,
                    "State": "Active",
                    "LastUpdateStatus": "Successful",
                    "Environment": {"Variables": variables},
                });
                Response::new(200, configuration.to_string())
            }
            // Its variables are under a key that whoever asks may not use.
            ("GET", ["", _, _, "sealed", "configuration"]) => {
                let error = json!({"ErrorCode": "AccessDeniedException", "Message": "no kms:Decrypt"});
                let configuration = json!({"FunctionName": "sealed", "Environment": {"Error": error}});
                Response::new(200, configuration.to_string())
            }
            ("POST", ["", _, _, "slow", "invocations"]) => {
                tokio::time::sleep(Duration::from_secs(30)).await;
                Response::new(200, "{}")
            }
            ("POST", ["", _, _, "failing", "invocations"]) => {
                let error =
                    json!({"errorType": "alert_not_published", "errorMessage": "the alert could not be published"});
                Response::new(200, error.to_string()).with("x-amz-function-error", "Unhandled")
            }
            ("POST", ["", _, _, "backout", "invocations"]) => {
                match self.backout.lock().await.invoke(&request.body).await {
                    Ok(answer) => Response::new(200, answer),
                    Err(Failure::Error(error)) => Response::new(200, error).with("x-amz-function-error", "Unhandled"),
                    Err(failure) => Response::new(500, format!("{failure:?}")),
                }
            }
            (_, _) => lambda_error(404, "ResourceNotFoundException"),
        }
    }
}

fn query_error(status: u16, code: &str, message: &str) -> Response {
    let body = format!(
        "<ErrorResponse xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\"><Error><Type>Sender</Type>\
         <Code>{code}</Code><Message>{message}</Message></Error><RequestId>r-1</RequestId></ErrorResponse>"
    );
    Response::new(status, body).with("content-type", "text/xml").with("x-amzn-requestid", "r-1")
}

fn lambda_error(status: u16, code: &str) -> Response {
    let body = json!({"Type": "User", "Message": "no"}).to_string();
    Response::new(status, body).with("x-amzn-errortype", code).with("x-amzn-requestid", "r-1")
}

/// Times and hashes of what was stored differ from run to run: their shape stays, so that columns do.
pub(crate) fn timeless(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("20") {
        let (before, from) = rest.split_at(at);
        plain += before;
        let length = from.find(|c: char| !(c.is_ascii_digit() || "-:.TZ".contains(c))).unwrap_or(from.len());
        let length = from[..length].trim_end_matches([':', '.']).len();
        let token = &from[..length];
        match token.parse::<Timestamp>() {
            Ok(_) if token.contains('.') => plain += "YYYY-MM-DDTHH:MM:SS.FZ",
            Ok(_) => plain += "YYYY-MM-DDTHH:MM:SSZ",
            Err(_) => {
                plain += &from[..2];
                rest = &from[2..];
                continue;
            }
        }
        rest = &from[length..];
    }
    plain += rest;
    let ago = |text: String, words: &str| text.replace(words, "a moment ago");
    ["less than a minute ago", "a minute ago", "1 minute ago", "2 minutes ago", "3 minutes ago", "4 minutes ago"]
        .into_iter()
        .fold(plain, ago)
}
