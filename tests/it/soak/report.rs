//! What a soak tells of itself, on the way and at the end, as a person reads it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use super::Soak;
use super::flat::Quarters;
use super::ledger::{Ledger, Row};
use super::memory::Series;
use super::stack::Watched;

/// How long things took, in milliseconds.
#[derive(Debug, Default)]
pub(super) struct Times(BTreeMap<&'static str, Vec<u32>>);

impl Times {
    pub(super) fn add(&mut self, of: &'static str, time: Duration) {
        self.0.entry(of).or_default().push(u32::try_from(time.as_millis()).unwrap_or(u32::MAX));
    }

    fn table(&self) -> String {
        let mut text = String::new();
        for (of, times) in &self.0 {
            let mut times = times.clone();
            times.sort_unstable();
            let at = |percent: usize| times[(times.len() * percent / 100).min(times.len() - 1)];
            let (count, most) = (times.len(), times[times.len() - 1]);
            let _ = writeln!(text, "  {of}: p50 {} ms, p99 {} ms, most {most} ms, of {count}", at(50), at(99));
        }
        text
    }
}

/// All of it.
pub(super) struct Report<'a> {
    pub(super) ledger: &'a Ledger,
    pub(super) took: &'a Times,
    pub(super) waited: &'a Times,
    pub(super) faults: &'a BTreeMap<&'static str, usize>,
    pub(super) faults_left: usize,
    pub(super) privileged: &'a BTreeMap<String, usize>,
    pub(super) services: &'a BTreeMap<String, usize>,
    pub(super) watched: &'a [Watched],
    /// This test itself, with both accounts in it. It is shown, and not judged.
    pub(super) own: &'a Series,
    pub(super) more: &'a [(&'static str, u64)],
    pub(super) findings: &'a [String],
}

impl Report<'_> {
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        let _ = writeln!(text, "Events offered, and what each came to:");
        for Row { kind, count, ends } in self.ledger.table() {
            let ends: Vec<String> = ends.iter().map(|(end, count)| format!("{end} {count}")).collect();
            let _ = writeln!(text, "  {kind} {count}: {}", ends.join(", "));
        }
        let (offered, retries, dead) = (self.ledger.offered(), self.ledger.retries(), self.ledger.dead());
        let _ = writeln!(text, "  all {offered}; tried again {retries}; dead letters {dead}");
        let _ = writeln!(text, "Tries that failed: {:?}", self.ledger.failures());
        let _ = writeln!(text, "Privileged revisions, by their records: {:?}", self.privileged);
        let _ = writeln!(text, "Services, by their moves: {:?}", self.services);
        let planned: usize = self.faults.values().sum();
        let _ = writeln!(text, "Faults planned {planned}, not met {}: {:?}", self.faults_left, self.faults);
        let _ = write!(text, "Invocations:\n{}", self.took.table());
        let _ = write!(text, "Waits for a sandbox:\n{}", self.waited.table());
        let _ = writeln!(
            text,
            "Memory in KiB, threads and open files of each process, as start / least of each quarter / medians / end / most:"
        );
        let shown_of = |series: &Series| {
            let shown = |of: Option<Quarters>| match of {
                Some(Quarters { first, least, medians, last, most }) => {
                    let four = |of: [u64; 4]| of.map(|it| it.to_string()).join(" ");
                    format!("{first} / {} / {} / {last} / {most}", four(least), four(medians))
                }
                None => "too few readings".to_owned(),
            };
            let memory = shown(series.of_readings(|it| it.resident));
            let threads = series.of_readings(|it| it.threads).map_or(0, |it| it.most);
            let files = shown(series.of_readings(|it| it.files));
            format!("  {}: {memory}; threads {threads}; files {files}", series.name)
        };
        for Watched { series, handled, .. } in self.watched {
            let _ = writeln!(text, "{}; invocations {handled}, begun anew {}", shown_of(series), series.restarts);
        }
        let _ = writeln!(text, "{}", shown_of(self.own));
        for (what, number) in self.more {
            let _ = writeln!(text, "{what}: {number}");
        }
        let _ = writeln!(text, "Findings: {}", self.findings.len());
        for finding in self.findings.iter().take(40) {
            let _ = writeln!(text, "  - {finding:.2000}");
        }
        text
    }
}

/// What only the accounts know.
pub(super) struct InAccounts {
    calls: u64,
    faults_left: usize,
}

impl Soak {
    /// Each as soon as it is found.
    pub(super) fn show_findings(&mut self) {
        for finding in &self.findings[self.shown..] {
            println!("finding: {finding:.4000}");
        }
        self.shown = self.findings.len();
    }

    /// A line a minute, and all of it every ten: whoever is stopped half-way has shown something.
    pub(super) fn say_when_due(&mut self) {
        if Instant::now() < self.next_word {
            return;
        }
        self.next_word += Duration::from_mins(1);
        self.words += 1;
        if self.words.is_multiple_of(10) {
            println!("{}", self.report(self.began.elapsed(), &self.in_accounts()));
        }
        let resident = self.watched.iter().filter_map(|watched| watched.series.resident());
        let (least, most) = resident.fold((u64::MAX, 0), |(least, most), it| (least.min(it), most.max(it)));
        let families: usize = self.stacks.iter().map(|stack| stack.families.len()).sum();
        println!(
            "{:.0} s: offered {}, open {}, on the bus {}, tried again {}, dead letters {}, killed {}, families {families}, judged {}, memory {least} to {most} KiB, findings {}",
            self.began.elapsed().as_secs_f64(),
            self.ledger.offered(),
            self.ledger.open(),
            self.stacks.iter().map(|stack| stack.bus.len()).sum::<usize>(),
            self.ledger.retries(),
            self.ledger.dead(),
            self.killed,
            self.retired,
            self.findings.len(),
        );
    }

    pub(super) fn report(&self, lasted: Duration, in_accounts: &InAccounts) -> String {
        let more = [
            ("Families judged", self.retired as u64),
            ("Calls to the accounts", in_accounts.calls),
            ("Alerts", self.alerts),
            ("Sweeps that were complete", self.complete_sweeps),
            ("Processes killed on purpose", self.killed as u64),
            ("Seconds", lasted.as_secs()),
        ];
        let report = Report {
            ledger: &self.ledger,
            took: &self.took,
            waited: &self.waited,
            faults: &self.faults,
            faults_left: in_accounts.faults_left,
            privileged: &self.tally.privileged,
            services: &self.tally.services,
            watched: &self.watched,
            own: &self.own,
            more: &more,
            findings: &self.findings,
        };
        report.text()
    }

    pub(super) fn in_accounts(&self) -> InAccounts {
        let states = || self.stacks.iter().map(|stack| stack.account.state());
        InAccounts {
            calls: states().map(|state| state.requests()).sum(),
            faults_left: states().map(|state| state.faults_left()).sum(),
        }
    }
}
