//! What a command reads that reads a file: a file, or stdin, as text and of a bounded length.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// A file, or stdin.
pub(crate) struct Input {
    /// As it was named.
    pub(crate) name: String,
    /// Nothing is stdin.
    pub(crate) path: Option<PathBuf>,
}

/// Why bytes are no text.
#[derive(Debug, Clone, Copy, thiserror::Error)]
pub(crate) enum TextError {
    /// Windows' shells write so.
    #[error("it is UTF-16")]
    Utf16,
    /// An image, a program, …
    #[error("it is not text (UTF-8)")]
    Binary,
}

impl TextError {
    /// What to do about it.
    pub(crate) fn hint(self) -> Option<&'static str> {
        match self {
            Self::Utf16 => Some("write it as UTF-8; in PowerShell: ... | Out-File -Encoding utf8 FILE"),
            Self::Binary => None,
        }
    }
}

impl Input {
    /// What was typed: `-` is stdin.
    pub(crate) fn typed(path: &Path) -> Self {
        match path.as_os_str() == "-" {
            true => Self { name: "stdin".to_owned(), path: None },
            false => Self::file(path),
        }
    }

    /// A file, whatever it is called.
    pub(crate) fn file(path: &Path) -> Self {
        Self { name: path.to_string_lossy().into_owned(), path: Some(path.to_owned()) }
    }

    /// What is in it. What is longer than anything meant would use up the memory.
    pub(crate) fn read(&self, length_max: u64) -> io::Result<Vec<u8>> {
        match &self.path {
            Some(path) => bounded(File::open(path)?, length_max),
            None => bounded(io::stdin().lock(), length_max),
        }
    }
}

fn bounded(from: impl Read, length_max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(length_max + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > length_max {
        true => Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it is larger than {length_max} bytes"))),
        false => Ok(bytes),
    }
}

/// Whether the bytes begin as UTF-16 does.
pub(crate) fn is_utf16(bytes: &[u8]) -> bool {
    matches!(bytes, [0xff, 0xfe, ..] | [0xfe, 0xff, ..])
}

/// Their text, without its mark: Windows' tools write one.
pub(crate) fn text_of(bytes: &[u8]) -> Result<&str, TextError> {
    if is_utf16(bytes) {
        return Err(TextError::Utf16);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| TextError::Binary)?;
    match text.contains('\0') {
        true => Err(TextError::Binary),
        false => Ok(text.strip_prefix('\u{feff}').unwrap_or(text)),
    }
}
