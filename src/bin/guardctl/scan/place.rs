//! A file that is there as a whole, or as it was before: it is written beside its place, and takes it only then.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::exit::Exit;
use crate::trouble::Trouble;

/// Where a file is to be.
pub(super) struct Place {
    path: PathBuf,
    beside: PathBuf,
}

impl Place {
    /// One that can be written: nobody wants to hear at the end of an hour that it cannot.
    pub(super) fn that_can_be_written(path: &Path) -> Result<Self, Trouble> {
        // The page takes the place of what is there: a device, or what a link leads to, must not be lost by that.
        let is_special = fs::metadata(path).is_ok_and(|there| !there.is_file() && !there.is_dir());
        let name = path
            .file_name()
            .filter(|name| *name != "-" && !is_special && !path.as_os_str().as_encoded_bytes().ends_with(b"/"));
        let name = name.ok_or_else(|| {
            let what = format!("{} is not the name of a file", path.display());
            Trouble::new(Exit::Usage, what).hint("the page goes to a file, and stdout has the table: --html page.html")
        })?;
        let mut beside = OsString::from(".");
        beside.push(name);
        beside.push(format!(".{}", std::process::id()));
        let place = Self { path: path.to_owned(), beside: path.with_file_name(beside) };
        let tried = match (path.is_dir(), path.is_symlink()) {
            (true, _) => Err(io::ErrorKind::IsADirectory.into()),
            (false, true) => Err(io::Error::other("it is a link: name what it leads to")),
            (false, false) => File::create_new(&place.beside).and_then(|_| fs::remove_file(&place.beside)),
        };
        tried.map_err(|error| place.trouble(&error))?;
        Ok(place)
    }

    /// Writes it.
    pub(super) fn write(&self, text: &str) -> Result<(), Trouble> {
        let written = self.put(text);
        if written.is_err() {
            // Nobody looks for what is left beside it.
            let _ = fs::remove_file(&self.beside);
        }
        written.map_err(|error| self.trouble(&error))
    }

    fn put(&self, text: &str) -> io::Result<()> {
        let mut file = File::create_new(&self.beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&self.beside, &self.path)
    }

    fn trouble(&self, error: &io::Error) -> Trouble {
        Trouble::new(Exit::Failed, format!("{} could not be written", self.path.display())).because(error)
    }

    /// For people.
    pub(super) fn name(&self) -> String {
        self.path.display().to_string()
    }
}
