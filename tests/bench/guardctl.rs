//! What `guardctl` costs: how soon it starts, whether `scan` keeps the pace that it is given, and whether its memory grows
//! with the number of revisions.

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use super::account::{OPERATOR, PIPELINE};
use super::{account, peak_memory_of};

const STARTS: usize = 50;
const START_MS_MAX: f64 = 30.0;
const FAMILIES: usize = 60;
/// A scan of the larger one takes ten minutes: five reads a second.
const REVISIONS: [usize; 2] = [5, 50];
/// The pace of a sweep: reads a second, and how many at once.
const PACE: f64 = 5.0;
const BURST: f64 = 10.0;
/// By how much a scan may be slower than its pace.
const SLOWER_MAX: f64 = 1.05;
/// What 2,700 revisions more may cost.
const GROWTH_MIB_MAX: f64 = 0.5;

/// Measures it all; a failure where a bar is not met.
pub(crate) async fn measure(binary: &Path) -> ExitCode {
    let start = slowest_start(binary);
    println!("starts in {start:.1} ms, the slowest of {STARTS}");
    let mut met = start < START_MS_MAX;
    let mut peaks = Vec::new();
    for revisions in REVISIONS {
        let scan = scan(binary, revisions).await;
        let allowed = (scan.reads - BURST) / PACE;
        let slower = scan.took.as_secs_f64() / allowed;
        println!(
            "scan of {} revisions: {} reads in {:.1} s where its pace allows {allowed:.1} s ({slower:.3}), peak memory {:.2} MiB",
            FAMILIES * revisions,
            scan.reads,
            scan.took.as_secs_f64(),
            scan.peak
        );
        met &= slower < SLOWER_MAX;
        peaks.push(scan.peak);
    }
    met &= peaks[1] - peaks[0] < GROWTH_MIB_MAX;
    if met { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn slowest_start(binary: &Path) -> f64 {
    let start = || {
        let began = Instant::now();
        let status = Command::new(binary).args(["help", "exit-codes"]).stdout(Stdio::null()).status().unwrap();
        assert!(status.success(), "{status}");
        began.elapsed().as_secs_f64() * 1000.0
    };
    (0..STARTS).map(|_| start()).fold(0.0, f64::max)
}

struct Scan {
    reads: f64,
    took: Duration,
    peak: f64,
}

/// Of an account in which one family is privileged.
async fn scan(binary: &Path, revisions: usize) -> Scan {
    let (account, _) = account(None).await;
    {
        let mut state = account.state();
        let at = state.now - Duration::from_hours(24);
        for number in 0..FAMILIES {
            let privileged = number == 0;
            let input =
                format!(r#"{{"containerDefinitions":[{{"name":"app","image":"a","privileged":{privileged}}}]}}"#);
            state.ecs.fill(&format!("team-service-{number:05}"), revisions, &input, PIPELINE, at);
        }
    }
    let arguments = ["scan", "-q", "-o", "csv", "--bucket", "guard-state", "--account", "012345678912"];
    let began = Instant::now();
    let mut command = Command::new(binary);
    command.args(arguments).envs(account.environment(OPERATOR)).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut peak = 0.0;
    while child.try_wait().unwrap().is_none() {
        peak = peak_memory_of(child.id()).unwrap_or(peak);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let took = began.elapsed();
    let output = child.wait_with_output().unwrap();
    let found = String::from_utf8(output.stdout).unwrap().lines().skip(1).count();
    assert!(output.status.success() && found == revisions, "{}: {found}", output.status);
    let reads = account
        .state()
        .calls()
        .iter()
        .filter(|call| call.operation.ends_with("TaskDefinitions") || call.operation == "DescribeTaskDefinition")
        .count();
    Scan { reads: reads as f64, took, peak }
}
