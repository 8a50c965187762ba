//! A prompt: a directory with the files, a shell without anything of the developer's own, and what a command says.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use jiff::{SignedDuration, Timestamp, Unit};

/// What stands in the files for what may not be said.
pub(crate) const CANARY: &str = "CANARY";

/// A directory of its own, with the files.
pub(crate) struct Shell {
    pub(crate) directory: PathBuf,
    dates: [(&'static str, String); 3],
}

/// What one command came to.
pub(crate) struct Said {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) exit: Option<i32>,
}

impl Shell {
    pub(crate) fn new(name: &str) -> Self {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("guardctl").join(name);
        let _ = fs::remove_dir_all(&directory);
        // The last is how a policy's statement is named.
        let (soon, late) = (in_days(30), in_days(120));
        let dates = [("IN_30_DAYS", soon.clone()), ("IN_120_DAYS", late), ("AT_30_DAYS", soon.replace(['-', ':'], ""))];
        let shell = Self { directory, dates };
        shell.copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/guardctl/files"), &shell.directory);
        shell
    }

    fn copy(&self, from: &Path, to: &Path) {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let (path, to) = {
                let entry = entry.unwrap();
                (entry.path(), to.join(entry.file_name()))
            };
            match fs::read_to_string(&path) {
                _ if path.is_dir() => self.copy(&path, &to),
                Ok(text) => {
                    let text = self.dates.iter().fold(text, |text, (name, date)| text.replace(name, date));
                    fs::write(to, text).unwrap();
                }
                Err(_) => _ = fs::copy(&path, to).unwrap(),
            }
        }
    }

    /// A line with its dates as they are today.
    pub(crate) fn dated(&self, line: &str) -> String {
        self.dates.iter().fold(line.to_owned(), |text, (name, date)| text.replace(name, date))
    }

    /// Writes a file, and says its name.
    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.directory.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// Runs a line as it would be typed. Whatever it comes to, nothing that may be secret is shown and nothing panics.
    pub(crate) fn run(&self, line: &str) -> Said {
        self.run_with(line, &[])
    }

    /// The same, with more in the environment.
    pub(crate) fn run_with(&self, line: &str, environment: &[(&str, &str)]) -> Said {
        let said = self.run_today(line, environment);
        let text = |text: String| self.dates.iter().fold(text, |text, (name, date)| text.replace(date, name));
        Said { stdout: text(said.stdout), stderr: text(said.stderr), exit: said.exit }
    }

    /// The same, with the dates as they are today.
    pub(crate) fn run_today(&self, line: &str, environment: &[(&str, &str)]) -> Said {
        let binary = Path::new(env!("CARGO_BIN_EXE_guardctl"));
        let path =
            format!("{}:{}:/usr/bin:/bin", binary.parent().unwrap().display(), self.directory.join("bin").display());
        let mut command = Command::new("/bin/bash");
        command.args(["-c", line]).current_dir(&self.directory).env_clear().env("PATH", path).env("COLUMNS", "80");
        let Output { status, stdout, stderr } = command.envs(environment.iter().copied()).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let said = Said { stdout: text(stdout), stderr: text(stderr), exit: status.code() };
        assert!(!said.stdout.contains(CANARY) && !said.stderr.contains(CANARY), "{line}: shows what it may not");
        assert!(!said.stderr.contains("panicked"), "{line}: {}", said.stderr);
        said
    }
}

#[expect(clippy::disallowed_methods, reason = "an exemption is judged by the time at which the binary runs")]
fn in_days(days: i64) -> String {
    let now = Timestamp::now().round(Unit::Second).unwrap();
    (now + SignedDuration::from_hours(24 * days)).to_string()
}
