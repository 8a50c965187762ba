//! What a process holds, by the kernel's word: memory, threads, open files.

use std::fs;

use super::flat::{self, Quarters};

/// What is read, and how much more of it in the last quarter than in the second is no leak.
type Kind = (&'static str, fn(&Reading) -> u64, u64);

const KINDS: [Kind; 3] = [
    // In half an hour, thousands of events a process: what loses 100 bytes an event is found out.
    ("memory in KiB", |it| it.resident, 256),
    ("threads", |it| it.threads, 0),
    // Connections that the account broke are still being closed when the next is open.
    ("open files", |it| it.files, 4),
];

/// One reading.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading {
    /// What is in memory of it, in KiB.
    pub(super) resident: u64,
    pub(super) threads: u64,
    pub(super) files: u64,
}

/// Reads what a process holds; nothing if it is gone.
pub(super) fn read(process: u32) -> Option<Reading> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let number = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse().ok()
    };
    let files = fs::read_dir(format!("/proc/{process}/fd")).ok()?.count() as u64;
    Some(Reading { resident: number("VmRSS:")?, threads: number("Threads:")?, files })
}

/// The readings of one process.
#[derive(Debug, Default)]
pub(super) struct Series {
    pub(super) name: String,
    process: Option<u32>,
    readings: Vec<Reading>,
    /// How often it is another process than before.
    pub(super) restarts: usize,
}

impl Series {
    pub(super) fn of(name: String) -> Self {
        Self { name, ..Self::default() }
    }

    /// Reads once more. Another process begins another series.
    pub(super) fn read(&mut self, process: u32) {
        if self.process.is_some_and(|before| before != process) {
            self.readings.clear();
            self.restarts += 1;
        }
        self.process = Some(process);
        self.readings.extend(read(process));
    }

    /// What was in memory at the last reading, in KiB.
    pub(super) fn resident(&self) -> Option<u64> {
        self.readings.last().map(|reading| reading.resident)
    }

    pub(super) fn of_readings(&self, what: fn(&Reading) -> u64) -> Option<Quarters> {
        flat::quarters(&self.readings.iter().map(what).collect::<Vec<_>>())
    }

    /// What grows. A process that was not there all the time is not judged.
    pub(super) fn judge(&self) -> Vec<String> {
        let verdict = |(what, reading, slack): &Kind| {
            let grows = flat::judge(&self.of_readings(*reading)?, *slack).err()?;
            Some(format!("{}, {what}: {grows}", self.name))
        };
        if self.restarts > 0 { Vec::new() } else { KINDS.iter().filter_map(verdict).collect() }
    }
}

#[test]
fn this_very_process_can_be_read() {
    let reading = read(std::process::id()).unwrap();
    assert!(reading.resident > 1000 && reading.threads >= 1 && reading.files >= 3, "{reading:?}");
    assert!(read(u32::MAX).is_none());
}
