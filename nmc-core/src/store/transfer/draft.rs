//! A file that gets its name when it is complete. Until then it has none where the system can do that: however its writer ends, nothing
//! is left.

use super::TransferError;
use rustix::fs::{AtFlags, CWD, Mode, OFlags};
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Seek as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// A file in the making, readable by its owner alone.
pub(super) struct Draft {
    file: File,
    path: PathBuf,
    overwrite: bool,
    /// The name of the draft for the time being, where it needs one; removed when dropped.
    part: Option<PathBuf>,
}

impl Draft {
    /// Makes it, in the folder where it will be.
    pub(super) fn create(path: &Path, overwrite: bool) -> Result<Self, TransferError> {
        let failed = |error: std::io::Error| failed(path, &error);
        match fs::symlink_metadata(path) {
            Ok(found) if !found.is_file() => {
                return Err(failed(std::io::Error::other("something that is no ordinary file has this name")));
            }
            Ok(_) if !overwrite => return Err(TransferError::AlreadyThere(path.to_owned())),
            _ => {}
        }
        if let Some(file) = nameless(folder(path)) {
            return Ok(Self { file, path: path.to_owned(), overwrite, part: None });
        }
        let part = part(path);
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&part).map_err(failed)?;
        Ok(Self { file, path: path.to_owned(), overwrite, part: Some(part) })
    }

    pub(super) const fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// The error of writing the draft.
    pub(super) fn failed(&self, error: &std::io::Error) -> TransferError {
        failed(&self.path, error)
    }

    /// The same file, opened to be read from its beginning.
    pub(super) fn read(&mut self) -> Result<File, TransferError> {
        let file = self.file.sync_all().and_then(|()| self.file.rewind()).and_then(|()| self.file.try_clone());
        file.map_err(|error| self.failed(&error))
    }

    /// Gives the draft its name.
    pub(super) fn publish(mut self) -> Result<(), TransferError> {
        let named = self.name();
        if let Err(error) = named {
            return Err(match error.kind() {
                ErrorKind::AlreadyExists => TransferError::AlreadyThere(self.path.clone()),
                _ => self.failed(&error),
            });
        }
        File::open(folder(&self.path)).and_then(|folder| folder.sync_all()).map_err(|error| self.failed(&error))
    }

    fn name(&mut self) -> std::io::Result<()> {
        let link = |to: &Path| {
            let from = format!("/proc/self/fd/{}", self.file.as_raw_fd());
            rustix::fs::linkat(CWD, from, CWD, to, AtFlags::SYMLINK_FOLLOW).map_err(std::io::Error::from)
        };
        match (&self.part, self.overwrite) {
            (None, false) => link(&self.path),
            (Some(part), false) => fs::hard_link(part, &self.path),
            (Some(part), true) => fs::rename(part, &self.path),
            (None, true) => {
                let part = part(&self.path);
                link(&part)?;
                let renamed = fs::rename(&part, &self.path);
                self.part = renamed.is_err().then_some(part);
                renamed
            }
        }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        let Some(part) = &self.part else { return };
        match fs::remove_file(part) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                tracing::warn!(file = %part.display(), %error, "an unfinished file is left behind");
            }
            _ => {}
        }
    }
}

fn failed(path: &Path, error: &std::io::Error) -> TransferError {
    TransferError::File { file: path.to_owned(), what: "written", reason: error.to_string() }
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn part(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}.part", std::process::id()))
}

/// A file without a name, where the system and the disk know such files.
#[cfg(target_os = "linux")]
fn nameless(folder: &Path) -> Option<File> {
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    let file = rustix::fs::open(folder, flags, Mode::RUSR | Mode::WUSR).map(File::from).ok()?;
    Path::new("/proc/self/fd").exists().then_some(file)
}

#[cfg(not(target_os = "linux"))]
fn nameless(_: &Path) -> Option<File> {
    None
}
