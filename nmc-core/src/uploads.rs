//! The directory of uploads: how files are kept in it.
//!
//! A file lies at `<folder>/<tenant>/<name>`, written to a temporary file first, so that a name always stands for whole bytes.
//! Each step down is taken by the handle of the directory above and never through a symbolic link; no name that somebody sends
//! is ever part of a path.

use crate::{Error, TenantId};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, fstat, fsync, mkdirat, openat, renameat, statat, unlinkat};
use rustix::io::Errno;
use sha2::{Digest as _, Sha256};
use std::fs::{DirBuilder, File};
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;
use uuid::Uuid;

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// The directory of uploads. It need not exist before the first file is kept.
#[derive(Debug, Clone)]
pub struct Uploads {
    dir: PathBuf,
}

/// The place of a file below the directory of uploads. The names are ours, never somebody's.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) folder: &'static str,
    pub(crate) tenant: TenantId,
    pub(crate) name: String,
}

/// SHA-256 in lower-case hexadecimal: what kept files are named by.
pub(crate) fn hash_of(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether a text could be such a hash.
pub(crate) fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

impl Uploads {
    /// The uploads in this directory; `uploads` of the working directory in the source. Symbolic links on the way to it are
    /// the operator's choice, and followed; below it none is.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// Keeps a file: when this returns it is on disk, whole, and stays through a crash. Twice is once.
    pub(crate) fn write(&self, place: &Place, bytes: &[u8]) -> std::io::Result<()> {
        let (folder, file) = (self.made_folder(place)?, place.name.as_str());
        if let Ok(known) = statat(&folder, file, AtFlags::SYMLINK_NOFOLLOW)
            && FileType::from_raw_mode(known.st_mode) == FileType::RegularFile
            && usize::try_from(known.st_size) == Ok(bytes.len())
        {
            // Whoever put it there may have died before it was certain to stay.
            return Ok(fsync(&folder)?);
        }
        let temporary = format!(".{}.tmp", Uuid::new_v4());
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut draft = File::from(openat(&folder, &temporary, flags, Mode::from_raw_mode(0o640))?);
        let written = draft
            .write_all(bytes)
            .and_then(|()| draft.sync_all())
            .and_then(|()| Ok(renameat(&folder, &temporary, &folder, file)?));
        if written.is_err()
            && let Err(error) = unlinkat(&folder, &temporary, AtFlags::empty())
        {
            tracing::warn!(%error, "an unfinished upload stays behind");
        }
        written?;
        Ok(fsync(&folder)?)
    }

    /// The bytes of a kept file; `None` for what is no file of ours, or has more than `longest` bytes.
    pub(crate) fn read(&self, place: &Place, longest: usize) -> std::io::Result<Option<Vec<u8>>> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = openat(self.folder(place)?, place.name.as_str(), flags, Mode::empty())?;
        let is = fstat(&file)?;
        let size = usize::try_from(is.st_size).unwrap_or(usize::MAX);
        if FileType::from_raw_mode(is.st_mode) != FileType::RegularFile || size > longest {
            return Ok(None);
        }
        let mut bytes = Vec::with_capacity(size);
        File::from(file).take(is.st_size.unsigned_abs()).read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }

    /// Removes a file. Twice is once.
    pub(crate) fn delete(&self, place: &Place) -> std::io::Result<()> {
        match self.folder(place).and_then(|folder| Ok(unlinkat(&folder, place.name.as_str(), AtFlags::empty())?)) {
            Err(error) if is_missing(&error) => Ok(()),
            result => result,
        }
    }

    /// The tenant's folder.
    fn folder(&self, place: &Place) -> std::io::Result<OwnedFd> {
        let folder = openat(self.base()?, place.folder, FOLDER, Mode::empty())?;
        Ok(openat(folder, place.tenant.to_string(), FOLDER, Mode::empty())?)
    }

    /// The tenant's folder, made if it is missing.
    fn made_folder(&self, place: &Place) -> std::io::Result<OwnedFd> {
        DirBuilder::new().recursive(true).mode(0o750).create(&self.dir)?;
        let mut folder = self.base()?;
        for name in [place.folder, &place.tenant.to_string()] {
            match mkdirat(&folder, name, Mode::from_raw_mode(0o750)) {
                Ok(()) => fsync(&folder)?,
                Err(Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
            folder = openat(&folder, name, FOLDER, Mode::empty())?;
        }
        Ok(folder)
    }

    fn base(&self) -> std::io::Result<OwnedFd> {
        Ok(rustix::fs::open(&self.dir, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?)
    }

    /// Insists that this place's folder is there: an empty directory stands where a disk of others' is not mounted.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub(crate) fn must_have_folder(&self, place: &Place) -> crate::Result<()> {
        let missing = |error| self.fault("the directory of uploads is not here, where the pictures are", &error);
        self.folder(place).map(drop).map_err(missing)
    }

    /// A fault of the directory, which is for the log alone.
    pub(crate) fn fault(&self, what: &'static str, error: &std::io::Error) -> Error {
        Error::unavailable(what, format!("{}: {error}", self.dir.display()))
    }
}

/// Whether nothing is there, or in its place something that is not ours.
pub(crate) fn is_missing(error: &std::io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::NOENT | Errno::NOTDIR | Errno::LOOP))
}
