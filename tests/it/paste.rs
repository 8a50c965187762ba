//! The command of an alert, pasted as a person would: a real AWS CLI v2 in a POSIX shell, against Lambda's Invoke API
//! in front of the built function. The CLI is told where that is by a wrapper on the PATH; the command stays as it is.
//!
//! <https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html>

#![allow(dead_code, reason = "shared by test targets")]
#![allow(clippy::expect_used, clippy::print_stderr, reason = "test code outside of a #[test]")]

use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::Arc;

use tokio::process::Command;
use tokio::sync::Mutex;

use super::account::http::{Request, Response};
use super::account::wire::Server;
use super::account::{OPERATOR, State, sigv4};
use super::runtime_api::{Failure, Function};

/// Lambda's Invoke API for one function.
pub(crate) struct Lambda {
    server: Server,
    environment: Vec<(&'static str, String)>,
}

impl Lambda {
    /// Serves the function under its name to the operator of the account, who signs each invocation.
    pub(crate) async fn serve(name: &'static str, function: Function, state: &State) -> Self {
        let key = state.key_of(OPERATOR).clone();
        let environment = vec![
            ("AWS_ACCESS_KEY_ID", key.id.clone()),
            ("AWS_SECRET_ACCESS_KEY", key.secret.clone()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ];
        let (function, region) = (Arc::new(Mutex::new(function)), state.home.region.clone());
        let server = Server::start(move |request| {
            let (function, key, region) = (Arc::clone(&function), key.clone(), region.clone());
            async move {
                if sigv4::verify(&request, "lambda", &region, &[key]).is_err() {
                    return Some(Response::new(403, r#"{"Message":"The signature does not match"}"#));
                }
                if request.path != format!("/2015-03-31/functions/{name}/invocations") || request.method != "POST" {
                    return Some(Response::new(404, r#"{"Message":"Function not found"}"#));
                }
                Some(invoke(&function, &request).await)
            }
        })
        .await;
        Self { server, environment }
    }

    /// Pastes a command into a shell, and answers what came of it.
    ///
    /// # Panics
    /// When there is no AWS CLI v2, or no shell.
    pub(crate) async fn paste(&self, command: &str) -> Output {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("paste-{}", self.server.address().port()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let wrapper = folder.join("aws");
        let real = aws_cli().expect("AWS CLI v2 (https://docs.aws.amazon.com/cli/latest/userguide/; on Debian awscli)");
        let script =
            format!("#!/bin/sh\nexec {} --endpoint-url http://{} \"$@\"\n", real.display(), self.server.address());
        std::fs::write(&wrapper, script).expect("a wrapper");
        std::fs::set_permissions(&wrapper, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("its mode");
        let output = Command::new("/bin/sh")
            .arg("-c")
            .arg(command)
            .env_clear()
            .env("PATH", format!("{}:/usr/bin:/bin", folder.display()))
            .env("HOME", &folder)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .output()
            .await
            .expect("a shell");
        let _ = std::fs::remove_dir_all(&folder);
        output
    }
}

async fn invoke(function: &Mutex<Function>, request: &Request) -> Response {
    let answer = function.lock().await.invoke(&request.body).await;
    match answer {
        Ok(answer) => Response::new(200, answer),
        Err(Failure::Error(error)) => Response::new(200, error).with("x-amz-function-error", "Unhandled"),
        Err(failure) => Response::new(500, format!("{failure:?}")),
    }
}

/// The AWS CLI, version 2: the first version does not know `--cli-binary-format`.
pub(crate) fn aws_cli() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = ["/usr/local/bin", "/usr/bin"].into_iter().map(PathBuf::from).chain(std::env::split_paths(&path));
    let is_v2 = |aws: &PathBuf| {
        let version = std::process::Command::new(aws).arg("--version").output();
        version.is_ok_and(|output| output.stdout.starts_with(b"aws-cli/2"))
    };
    folders.map(|folder| folder.join("aws")).filter(|aws| aws.is_file()).find(is_v2)
}
