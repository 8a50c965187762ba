//! How long a soak lasts, how fast it is, and how much time things are given in it. It does nothing.

use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long and how fast, and with what binaries.
pub(super) struct Plan {
    pub(super) length: Duration,
    pub(super) rate: f64,
    pub(super) seed: u64,
    pub(super) binaries: PathBuf,
    pub(super) life: Life,
}

/// The times that a soak of seconds and one of an hour do not have in common.
pub(super) struct Life {
    /// How long people work at a family, at the longest about.
    pub(super) young: Duration,
    /// How long a family is left alone before the last looks.
    pub(super) calm: Duration,
    /// The same in mode `enforce`: what died with a move begun is taken up after 45 seconds.
    pub(super) calm_of_services: Duration,
    /// Lambda's waits before it tries an event again.
    pub(super) retries: [Duration; 2],
    /// Between two sweeps, and how long one may take.
    pub(super) sweeps: (Duration, Duration),
    pub(super) readings: Duration,
    /// Whether there is time to take up what a killed process leaves, and for what is tried for half a minute each time.
    pub(super) is_long: bool,
    /// How long the end may take.
    pub(super) end: Duration,
}

impl Plan {
    pub(super) fn of_seconds() -> Self {
        let guard = Path::new(env!("CARGO_BIN_EXE_guard"));
        Self {
            length: Duration::from_secs(6),
            rate: 20.0,
            seed: 1,
            binaries: guard.parent().expect("a folder").to_owned(),
            life: Life {
                young: Duration::from_secs(2),
                calm: Duration::from_millis(300),
                calm_of_services: Duration::from_millis(300),
                retries: [Duration::from_millis(300); 2],
                sweeps: (Duration::from_secs(3), Duration::from_secs(35)),
                readings: Duration::from_millis(200),
                is_long: false,
                end: Duration::from_mins(2),
            },
        }
    }

    /// What `make soak` says.
    pub(super) fn of_the_environment() -> Self {
        #[expect(clippy::disallowed_methods, reason = "switches of the test, not settings of the product")]
        let read = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
        let number = |name: &str, default: f64| read(name).map_or(default, |text| text.parse().expect(name));
        Self {
            length: Duration::from_secs_f64(60.0 * number("SOAK_MINUTES", 60.0)),
            rate: number("SOAK_RATE", 20.0),
            seed: read("SOAK_SEED").map_or_else(|| std::process::id().into(), |text| text.parse().expect("a seed")),
            binaries: read("SOAK_BINARIES").map_or_else(|| Self::of_seconds().binaries, PathBuf::from),
            life: Life {
                young: Duration::from_secs(40),
                calm: Duration::from_secs(5),
                calm_of_services: Duration::from_secs(50),
                retries: [Duration::from_mins(1), Duration::from_mins(2)],
                sweeps: (Duration::from_secs(150), Duration::from_secs(90)),
                readings: Duration::from_secs(5),
                is_long: true,
                end: Duration::from_mins(15),
            },
        }
    }
}
