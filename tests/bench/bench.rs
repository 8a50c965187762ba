//! `make bench`: the guard against a Lambda that does nothing and against the same calls in Python, in interleaved
//! rounds on this machine, over TLS. It prints each bar with what was measured, and fails if one is not met.
//! `make package` has it count the instructions of the compliant path.
#![allow(clippy::print_stdout, reason = "showing is what it is for")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a bench that cannot go on has failed")]
#![allow(clippy::cast_precision_loss, reason = "figures for people, far below 2^52")]

#[path = "../it/account/mod.rs"]
mod account;
mod guardctl;
#[path = "../it/runtime_api.rs"]
#[allow(unused_imports, reason = "outside of a test target its own tests are not run here; `it` runs them")]
mod runtime_api;
mod table;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use account::{Account, GUARD, PIPELINE, SWEEP, State};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use runtime_api::{Failure, Function};
use table::{Bar, Row};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

const ROUNDS: usize = 15;
/// A compliant cold start takes 2 ms, so one of them says little.
const COMPLIANT_A_ROUND: u32 = 10;
const WARM_A_ROUND: usize = 40;
/// Events that are counted after the first; the count is per event.
const WARM_COUNTED: u64 = 10;
/// By how much the count may grow over the number kept.
const GROWTH_MAX: f64 = 1.10;
const KEPT: &str = "tests/bench/compliant_instructions.txt";

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["measure", folder] => measure(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).await,
        ["instructions", binary] => check_instructions(&Path::new(env!("CARGO_MANIFEST_DIR")).join(binary)).await,
        ["sweep", binary] => sweep(&Path::new(env!("CARGO_MANIFEST_DIR")).join(binary)).await,
        ["guardctl", binary] => guardctl::measure(&Path::new(env!("CARGO_MANIFEST_DIR")).join(binary)).await,
        _ => {
            println!("bench measure FOLDER | bench instructions BINARY | bench sweep BINARY | bench guardctl BINARY");
            ExitCode::FAILURE
        }
    }
}

/// A function to be measured.
struct Candidate {
    program: PathBuf,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
}

impl Candidate {
    async fn start(&self) -> Function {
        let arguments: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
        let mut function = Function::start_with(&self.program, &arguments, &self.environment).await;
        function.invoked_as("arn:aws:lambda:us-east-1:012345678912:function:guard");
        function.ready().await.expect("it starts");
        function
    }

    /// The same under callgrind, which writes to that file.
    fn counted(&self, valgrind: &Path, counts: &Path) -> Self {
        let mut arguments = vec!["--tool=callgrind".to_owned(), format!("--callgrind-out-file={}", counts.display())];
        arguments.push(self.program.display().to_string());
        arguments.extend(self.arguments.iter().cloned());
        Self { program: valgrind.to_owned(), arguments, environment: self.environment.clone() }
    }
}

/// One event, until the function asks for the next. Answers the seconds to the response.
async fn invoke(function: &mut Function, event: &[u8], outcome: Option<&str>) -> f64 {
    let began = Instant::now();
    let answer = function.invoke(event).await.expect("an answer");
    let took = began.elapsed().as_secs_f64();
    if let Some(outcome) = outcome {
        let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(answer["outcome"], outcome, "{answer}");
    }
    function.ready().await.expect("it asks for the next event");
    took
}

/// What one process cost from its start to its end.
struct Cost {
    cpu: f64,
    peak: f64,
}

async fn cold(candidate: &Candidate, event: &[u8], outcome: Option<&str>) -> Cost {
    let before = cpu_of_children();
    let mut function = candidate.start().await;
    invoke(&mut function, event, outcome).await;
    let peak = peak_memory(&function);
    function.stop().await;
    Cost { cpu: cpu_of_children() - before, peak }
}

/// CPU seconds, user and system, of all children that have ended; one runs at a time.
fn cpu_of_children() -> f64 {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap();
    let seconds = |seconds: i64, micros: i64| seconds as f64 + micros as f64 / 1e6;
    seconds(usage.user_time().tv_sec(), usage.user_time().tv_usec())
        + seconds(usage.system_time().tv_sec(), usage.system_time().tv_usec())
}

/// In MiB. `ru_maxrss` will not do: it starts with the memory of whoever started the process.
fn peak_memory(function: &Function) -> f64 {
    peak_memory_of(function.process().unwrap()).unwrap()
}

/// In MiB; none of a process that has ended.
fn peak_memory_of(process: u32) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(peak.trim().strip_suffix(" kB").unwrap().parse::<f64>().unwrap() / 1024.0)
}

fn compliant_event() -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("events/guard-compliant.json")).unwrap()
}

/// The account of the events, and the guard's environment in it.
async fn account(tls: Option<TlsAcceptor>) -> (Account, Vec<(String, String)>) {
    let mut state = State::new("us-east-1", "012345678912");
    state.now = now();
    state.s3.bucket("guard-state");
    state.ecs.cluster("production");
    let topic = state.topic("alerts");
    let account = match tls {
        Some(tls) => Account::serve_tls(state, tls).await,
        None => Account::serve(state).await,
    };
    let settings = [
        ("ENFORCEMENT_MODE", "remediate"),
        ("BACKUP_BUCKET", "guard-state"),
        ("ALERT_TOPIC_ARN", &topic),
        ("GUARD_ROLES", "guard-role,sweep-role"),
    ];
    let mut environment = account.environment(GUARD);
    environment.extend(settings.map(|(name, value)| (name.to_owned(), value.to_owned())));
    (account, environment)
}

/// A pipeline registers a family of its own with a privileged container; the event of that.
fn original(account: &Account, number: &mut u32) -> Vec<u8> {
    *number += 1;
    let mut state = account.state();
    state.now = now();
    state.register(PIPELINE, &include_str!("original.json").replace("FAMILY", &format!("web-{number}")));
    state.trail().last().unwrap().clone().into_bytes()
}

#[expect(clippy::disallowed_methods, reason = "the functions use the machine's clock, so the account must too")]
fn now() -> jiff::Timestamp {
    SystemTime::now().try_into().unwrap()
}

async fn measure(folder: &Path) -> ExitCode {
    let (account, mut environment) = account(Some(tls(folder))).await;
    let roots = folder.join("roots.pem").display().to_string();
    environment.extend(["SSL_CERT_FILE", "AWS_CA_BUNDLE"].map(|name| (name.to_owned(), roots.clone())));
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bench").display().to_string();
    environment.push(("PYTHONPATH".to_owned(), python));
    let candidate = |program: &str, arguments: &[&str]| Candidate {
        program: folder.join(program),
        arguments: arguments.iter().map(|argument| (*argument).to_owned()).collect(),
        environment: environment.clone(),
    };
    let (nothing, guard) = (candidate("nothing", &[]), candidate("guard", &[]));
    let boto3 = candidate("venv/bin/python", &["-m", "awslambdaric", "boto3_guard.handler"]);

    let compliant = compliant_event();
    let mut number = 0;
    same_calls(&account, &guard, &boto3, &mut number).await;
    let mut rows = [
        Row::new("compliant, cold: CPU", "ms", "nothing", Bar::Ratio(1.3)),
        Row::new("privileged, cold: CPU", "ms", "boto3", Bar::Ratio(1.0 / 30.0)),
        Row::new("privileged, warm: latency", "ms", "boto3", Bar::Ratio(0.5)),
        Row::new("privileged, warm: peak memory", "MiB", "boto3", Bar::Most(14.0)),
        Row::new("zip -9 of the binary", "MB", "", Bar::Most(4.0)),
        Row::new("compliant, cold: peak memory", "MiB", "nothing", Bar::None),
        Row::new("compliant, cold: CPU", "ms", "boto3", Bar::None),
    ];
    for _ in 0..ROUNDS {
        let (mut of_nothing, mut of_guard, mut peaks) = (0.0, 0.0, (0.0, 0.0));
        for _ in 0..COMPLIANT_A_ROUND {
            let cost = cold(&nothing, &compliant, None).await;
            (of_nothing, peaks.1) = (of_nothing + cost.cpu, cost.peak);
            let cost = cold(&guard, &compliant, Some("compliant")).await;
            (of_guard, peaks.0) = (of_guard + cost.cpu, cost.peak);
        }
        let each = 1e3 / f64::from(COMPLIANT_A_ROUND);
        rows[0].push(of_guard * each, of_nothing * each);
        rows[5].push(peaks.0, peaks.1);
        rows[6].push(of_guard * each, cold(&boto3, &compliant, Some("compliant")).await.cpu * 1e3);

        let ours = cold(&guard, &original(&account, &mut number), Some("remediated")).await;
        let theirs = cold(&boto3, &original(&account, &mut number), Some("remediated")).await;
        rows[1].push(ours.cpu * 1e3, theirs.cpu * 1e3);

        let (mut ours, mut theirs) = (guard.start().await, boto3.start().await);
        let (mut of_guard, mut of_boto3) = (Vec::new(), Vec::new());
        for _ in 0..=WARM_A_ROUND {
            of_guard.push(invoke(&mut ours, &original(&account, &mut number), Some("remediated")).await);
            of_boto3.push(invoke(&mut theirs, &original(&account, &mut number), Some("remediated")).await);
        }
        // The first event of each process is not warm.
        rows[2].push(table::median(&of_guard[1..]) * 1e3, table::median(&of_boto3[1..]) * 1e3);
        rows[3].push(peak_memory(&ours), peak_memory(&theirs));
        ours.stop().await;
        theirs.stop().await;
        account.state().forget_calls();
    }
    rows[4].push(zipped(folder), f64::NAN);

    println!("\nMedians of {ROUNDS} interleaved rounds; ratios pair by pair, median [min-max].\n");
    println!("{}", Row::HEAD);
    for row in &rows {
        println!("{row}");
    }
    println!();
    count_all(&account, &nothing, &guard, &compliant, &mut number).await;
    match rows.iter().all(Row::is_met) {
        true => ExitCode::SUCCESS,
        false => {
            println!("\nNot all bars are met.");
            ExitCode::FAILURE
        }
    }
}

/// One server for the three services' addresses, with a certificate that only our roots know.
fn tls(folder: &Path) -> TlsAcceptor {
    let certificates = CertificateDer::pem_file_iter(folder.join("leaf.pem")).unwrap().map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_file(folder.join("leaf.key")).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// Both make the same calls, and the compliant event none, or there is nothing to compare.
async fn same_calls(account: &Account, guard: &Candidate, boto3: &Candidate, number: &mut u32) {
    let mut made = Vec::new();
    for candidate in [guard, boto3] {
        account.state().forget_calls();
        cold(candidate, &compliant_event(), Some("compliant")).await;
        assert!(account.state().calls().is_empty(), "a compliant event needs no call");
        cold(candidate, &original(account, number), Some("remediated")).await;
        let mut calls: Vec<String> = account.state().calls().iter().map(account::Call::action).collect();
        println!("{}", calls.join(" "));
        calls.sort();
        made.push(calls);
    }
    assert_eq!(made[0], made[1], "the guard's calls and those of the Python function");
}

fn zipped(folder: &Path) -> f64 {
    const SCRIPT: &str = "import io, sys, zipfile
packed = io.BytesIO()
with zipfile.ZipFile(packed, 'w', zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
    archive.write(sys.argv[1], 'bootstrap')
print(packed.tell())";
    let mut python = std::process::Command::new(folder.join("venv/bin/python"));
    let output = python.args(["-c", SCRIPT]).arg(folder.join("guard")).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().parse::<f64>().unwrap() / 1e6
}

/// Instructions in user space, from the start of the process until it asks for what follows the last event.
async fn instructions(valgrind: &Path, candidate: &Candidate, events: &[Vec<u8>]) -> u64 {
    let counts = std::env::temp_dir().join(format!("callgrind.{}", std::process::id()));
    let mut function = candidate.counted(valgrind, &counts).start().await;
    for event in events {
        invoke(&mut function, event, None).await;
    }
    let process = Pid::from_raw(function.process().unwrap().try_into().unwrap());
    kill(process, Signal::SIGTERM).unwrap();
    assert!(matches!(function.ready().await, Err(Failure::Exited(_))), "callgrind ends with its function");
    let text = fs::read_to_string(&counts).unwrap();
    fs::remove_file(counts).unwrap();
    text.lines().find_map(|line| line.strip_prefix("totals: ")).unwrap().trim().parse().unwrap()
}

async fn count_all(account: &Account, nothing: &Candidate, guard: &Candidate, compliant: &[u8], number: &mut u32) {
    let Some(valgrind) = valgrind() else {
        println!("Instructions: not counted, valgrind is not installed.");
        return;
    };
    let compliant = [compliant.to_vec()];
    let of_nothing = instructions(&valgrind, nothing, &compliant).await;
    let of_guard = instructions(&valgrind, guard, &compliant).await;
    let first = instructions(&valgrind, guard, &[original(account, number)]).await;
    let events: Vec<_> = (0..=WARM_COUNTED).map(|_| original(account, number)).collect();
    let warm = (instructions(&valgrind, guard, &events).await - first) / WARM_COUNTED;
    println!("Instructions in user space (callgrind), million:");
    println!(
        "compliant, cold: {} (nothing: {}, ratio {:.2}); privileged, cold: {}; privileged, warm: {}",
        millions(of_guard),
        millions(of_nothing),
        of_guard as f64 / of_nothing as f64,
        millions(first),
        millions(warm),
    );
}

fn millions(count: u64) -> String {
    format!("{:.2}", count as f64 / 1e6)
}

fn valgrind() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join("valgrind")).find(|file| file.is_file())
}

/// Fails when a compliant event, from the start of the process on, takes more than the number kept.
async fn check_instructions(binary: &Path) -> ExitCode {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        println!("The compliant path's instructions are counted on x86_64 Linux only.");
        return ExitCode::SUCCESS;
    }
    let Some(valgrind) = valgrind() else {
        println!("valgrind is missing: install it (apt-get install valgrind), it counts instructions");
        return ExitCode::FAILURE;
    };
    let kept: u64 =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(KEPT)).unwrap().trim().parse().unwrap();
    let (_account, environment) = account(None).await;
    let guard = Candidate { program: binary.to_owned(), arguments: Vec::new(), environment };
    let counted = instructions(&valgrind, &guard, &[compliant_event()]).await;
    let change = (counted as f64 / kept as f64 - 1.0) * 100.0;
    println!("A compliant event, from the start on: {counted} instructions, {change:+.1} % of the {kept} kept");
    match counted as f64 > kept as f64 * GROWTH_MAX {
        false => ExitCode::SUCCESS,
        true => {
            println!("That is more than 10 % over {KEPT}: find out what came in, or keep the new number on purpose");
            ExitCode::FAILURE
        }
    }
}

/// Families and their revisions, of which a sweep is to need no more memory than Lambda's least.
const FAMILIES: usize = 20_000;
const REVISIONS: usize = 10;
const SWEEP_MIB_MAX: f64 = 128.0;
/// Listing alone takes 400 s at the pace of a sweep; then some time to describe.
const SWEEP_TIME: Duration = Duration::from_mins(9);

/// The peak memory of one sweep over a large account, in the time that it takes: most of its watermark is there, and each
/// family has one revision left to look at; one in fifty is privileged.
async fn sweep(binary: &Path) -> ExitCode {
    let (account, mut environment) = account(None).await;
    environment.extend(account.environment(SWEEP));
    let names: Vec<String> =
        (0..FAMILIES).map(|number| format!("team-{:02}-service-{number:05}", number % 37)).collect();
    {
        let mut state = account.state();
        let at = state.now - Duration::from_hours(2 * 365 * 24);
        for (number, family) in names.iter().enumerate() {
            let privileged = number % 50 == 0;
            let input =
                format!(r#"{{"containerDefinitions":[{{"name":"app","image":"a","privileged":{privileged}}}]}}"#);
            state.ecs.fill(family, REVISIONS, &input, PIPELINE, at);
        }
        let spans: Vec<String> = names.iter().map(|family| format!("\"{family}\":[{REVISIONS},2]")).collect();
        let (now, spans) = (state.now, spans.join(","));
        let mark = format!(r#"{{"schemaVersion":1,"createdAt":"{now}","families":{{{spans}}},"privileged":{{}}}}"#);
        state.put_object(SWEEP, "guard-state", "sweeps/012345678912/us-east-1.json", mark.as_bytes());
    }
    let candidate = Candidate { program: binary.to_owned(), arguments: Vec::new(), environment };
    let mut function = candidate.start().await;
    function.time_limit = SWEEP_TIME;
    let (cpu, began) = (cpu_of_children(), Instant::now());
    let answer = function.invoke(b"{}").await.expect("an answer");
    let (took, peak) = (began.elapsed().as_secs(), peak_memory(&function));
    let calls = account.state().calls().len();
    function.stop().await;
    println!("{answer}");
    println!("{calls} calls in {took} s, {:.1} s of CPU, peak memory {peak:.1} MiB", cpu_of_children() - cpu);
    if peak < SWEEP_MIB_MAX { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
