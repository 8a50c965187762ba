//! The files that are looked at: those that were named, and those in directories that were named, in order of their names.

use std::fs::{self, DirEntry};
use std::io;
use std::path::{Path, PathBuf};

use super::report::Unread;
use crate::input::{Input, is_utf16};

/// Ten times the largest plan that anybody was heard of. What is larger would use up the memory.
pub(super) const LENGTH_MAX: u64 = 512 << 20;

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

/// What there is where somebody said to look.
pub(super) enum There {
    /// A file to be looked at.
    File(Input, Origin),
    /// What should be looked at, and cannot be.
    Unread(Unread),
    /// A link to a directory, by its name. It may lead round in a circle, so it is not followed: whoever means it names it.
    Link(String),
}

/// All that were named, `-` being stdin.
pub(super) fn find(named: &[PathBuf]) -> Vec<There> {
    let mut found = Vec::new();
    for path in named {
        let input = Input::typed(path);
        match input.path.as_deref().is_some_and(Path::is_dir) {
            true => walk(path, &mut found),
            false => found.push(There::File(input, Origin::Named)),
        }
    }
    found
}

/// Hidden directories and `node_modules` are left out.
fn walk(directory: &Path, found: &mut Vec<There>) {
    let read = fs::read_dir(directory).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let mut entries = match read {
        Ok(entries) => entries,
        Err(error) => return found.push(unread(directory, &error)),
    };
    entries.sort_by_key(DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && is_hidden(&path) => {}
            Ok(kind) if kind.is_dir() => walk(&path, found),
            Ok(kind) => found.extend(of(&path, kind.is_symlink())),
            Err(error) => found.push(unread(&path, &error)),
        }
    }
}

/// What a file comes to, or a link, by its name and by what it leads to.
fn of(path: &Path, is_link: bool) -> Option<There> {
    let is_ours = path.extension().is_some_and(|end| ENDS.iter().any(|ours| end.eq_ignore_ascii_case(ours)));
    let may_be_a_directory = is_link && !is_hidden(path);
    if !is_ours && !may_be_a_directory {
        return None;
    }
    match fs::metadata(path) {
        Ok(there) if there.is_dir() => may_be_a_directory.then(|| There::Link(name_of(path))),
        // What is neither, like a pipe, need not have an end.
        Ok(there) => (is_ours && there.is_file()).then(|| There::File(Input::file(path), Origin::Walked)),
        // A link that leads nowhere, and is not called like a file of ours, leaves out nothing.
        Err(error) if !is_ours && error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => Some(unread(path, &error)),
    }
}

fn is_hidden(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    name.as_encoded_bytes().starts_with(b".") || name == "node_modules"
}

fn name_of(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn unread(path: &Path, error: &io::Error) -> There {
    There::Unread(Unread::of(&name_of(path), None, error, None))
}

/// What the name of a file says.
pub(super) fn called(input: &Input) -> Called {
    let end = input.path.as_deref().and_then(Path::extension).unwrap_or_default();
    match end.to_ascii_lowercase().to_str() {
        Some("json") => Called::Json,
        Some("yaml" | "yml") => Called::Yaml,
        Some(_) | None => Called::Either,
    }
}

/// Whether these bytes, whatever they are, seem to be about task definitions.
pub(super) fn seems_ours(bytes: &[u8]) -> bool {
    // UTF-16 of what is plain is that with zeros between.
    let plain: Vec<u8>;
    let bytes = match is_utf16(bytes) {
        true => {
            plain = bytes.iter().copied().filter(|byte| *byte != 0).collect();
            &plain
        }
        false => bytes,
    };
    SAYS.iter().any(|says| bytes.windows(says.len()).any(|window| window == *says))
}
