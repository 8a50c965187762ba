//! The files that are looked at: those that were named, and those in directories that were named, in order of their names.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::report::Unread;

/// Ten times the largest plan that anybody was heard of. What is larger would use up the memory.
const LENGTH_MAX: u64 = 512 << 20;

/// The ends of names that are read in a directory; `cdk.out` holds `NAME.template.json`.
const ENDS: [&str; 4] = ["json", "yaml", "yml", "template"];

/// What only a file that is about us says. A broken file in a directory is somebody else's if it says none of it.
const SAYS: [&[u8]; 4] =
    [b"ECS::TaskDefinition", b"ECS::DaemonTaskDefinition", b"ontainerDefinition", b"container_definition"];

/// Whether somebody said that it is to be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// It was named, so it must be one of ours.
    Named,
    /// It lay in a directory.
    Walked,
}

/// What a file's name says that it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Called {
    Json,
    Yaml,
    /// Nothing, or what may be either.
    Either,
}

/// A file to be looked at.
pub(super) struct Input {
    /// As it was named.
    pub(super) name: String,
    pub(super) origin: Origin,
    /// Nothing is stdin.
    path: Option<PathBuf>,
}

/// All that were named, `-` being stdin.
pub(super) fn inputs(named: &[PathBuf]) -> Vec<Result<Input, Unread>> {
    let mut inputs = Vec::new();
    for path in named {
        if path.as_os_str() == "-" {
            inputs.push(Ok(Input { name: "stdin".to_owned(), origin: Origin::Named, path: None }));
        } else if path.is_dir() {
            walk(path, &mut inputs);
        } else {
            inputs.push(Ok(Input::named(path)));
        }
    }
    inputs
}

/// Hidden directories, `node_modules` and links to directories are left out.
fn walk(directory: &Path, inputs: &mut Vec<Result<Input, Unread>>) {
    let read = fs::read_dir(directory).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let mut entries = match read {
        Ok(entries) => entries,
        Err(error) => {
            let name = directory.to_string_lossy();
            return inputs.push(Err(Unread::of(&name, None, &error, None)));
        }
    };
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let (path, name) = (entry.path(), entry.file_name());
        let is_hidden = name.as_encoded_bytes().starts_with(b".") || name == "node_modules";
        let is_ours = path.extension().is_some_and(|end| ENDS.iter().any(|ours| end.eq_ignore_ascii_case(ours)));
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && !is_hidden => walk(&path, inputs),
            // What a link leads to counts.
            Ok(kind) if is_ours && !kind.is_dir() && path.is_file() => {
                inputs.push(Ok(Input::at(path, Origin::Walked)));
            }
            Ok(_) | Err(_) => {}
        }
    }
}

impl Input {
    fn at(path: PathBuf, origin: Origin) -> Self {
        Self { name: path.to_string_lossy().into_owned(), origin, path: Some(path) }
    }

    /// One that must be ours.
    pub(super) fn named(path: &Path) -> Self {
        Self::at(path.to_owned(), Origin::Named)
    }

    /// What is in it.
    pub(super) fn read(&self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let bounded = LENGTH_MAX + 1;
        match &self.path {
            Some(path) => File::open(path)?.take(bounded).read_to_end(&mut bytes)?,
            None => io::stdin().lock().take(bounded).read_to_end(&mut bytes)?,
        };
        match bytes.len() as u64 > LENGTH_MAX {
            true => Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it is larger than {LENGTH_MAX} bytes"))),
            false => Ok(bytes),
        }
    }

    /// What its name says.
    pub(super) fn called(&self) -> Called {
        let end = self.path.as_deref().and_then(Path::extension).unwrap_or_default();
        match end.to_ascii_lowercase().to_str() {
            Some("json") => Called::Json,
            Some("yaml" | "yml") => Called::Yaml,
            Some(_) | None => Called::Either,
        }
    }
}

/// Whether these bytes, whatever they are, seem to be about task definitions.
pub(super) fn seems_ours(bytes: &[u8]) -> bool {
    // UTF-16 of what is plain is that with zeros between.
    let plain: Vec<u8>;
    let bytes = match bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        true => {
            plain = bytes.iter().copied().filter(|byte| *byte != 0).collect();
            &plain
        }
        false => bytes,
    };
    SAYS.iter().any(|says| bytes.windows(says.len()).any(|window| window == *says))
}
