//! The directory that keeps profile photos (source line 909: `./uploads/profiles/`).
//!
//! A photo lies at `profiles/<tenant>/<SHA-256 of its bytes>.<jpg|png>`, written to a temporary file first, so that a name
//! always stands for a whole picture and one picture is kept once. Each step down is taken by the handle of the directory
//! above and never through a symbolic link; no name that somebody sends is ever part of a path.

use super::photo::{Kind, Photo};
use crate::{Error, Result, Tenant, TenantId};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, fstat, fsync, mkdirat, openat, renameat, statat, unlinkat};
use rustix::io::Errno;
use sha2::{Digest as _, Sha256};
use std::fs::{DirBuilder, File};
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;
use uuid::Uuid;

const PROFILES: &str = "profiles";
const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Where a photo is kept, below the directory of uploads: what `profile_photo_url` holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhotoPath {
    tenant: TenantId,
    /// SHA-256 of the kept bytes, in lower-case hexadecimal.
    hash: String,
    kind: Kind,
}

impl PhotoPath {
    fn of(tenant: TenantId, photo: &Photo) -> Self {
        let hash = Sha256::digest(&photo.bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        Self { tenant, hash, kind: photo.kind }
    }

    /// Whose photo it is.
    #[must_use]
    pub const fn tenant(&self) -> TenantId {
        self.tenant
    }

    fn file(&self) -> String {
        format!("{}.{}", self.hash, self.kind.extension())
    }
}

impl std::fmt::Display for PhotoPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{PROFILES}/{}/{}", self.tenant, self.file())
    }
}

impl std::str::FromStr for PhotoPath {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let parsed = || {
            let (tenant, file) = text.strip_prefix(PROFILES)?.strip_prefix('/')?.split_once('/')?;
            let (hash, extension) = file.split_once('.')?;
            let kind = Kind::ALL.into_iter().find(|kind| kind.extension() == extension)?;
            let is_hash = hash.len() == 64 && hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
            let path = is_hash.then(|| Some(Self { tenant: tenant.parse().ok()?, hash: hash.to_owned(), kind }))??;
            // An id can be written in several ways; only ours is a path.
            (path.to_string() == text).then_some(path)
        };
        parsed().ok_or_else(|| Error::invalid("photo", "must be the path of a kept photo"))
    }
}

/// The directory of uploads. It need not exist before the first photo is kept.
#[derive(Debug, Clone)]
pub struct Uploads {
    dir: PathBuf,
}

impl Uploads {
    /// The uploads in this directory; `uploads` of the working directory in the source. Symbolic links on the way to it are
    /// the operator's choice, and followed; below it none is.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// Makes what somebody uploaded a photo of ours: at most [`Photo::SIDE`] pixels a side, upright, and without anything but
    /// its pixels. What it is, its bytes say and nothing else. The largest take some seconds of CPU and some hundred megabytes
    /// of memory, so bound how many run at once.
    ///
    /// # Errors
    /// [`Error::Invalid`] of `photo` when it has more than [`Photo::LARGEST`] bytes, is no JPEG, PNG or WebP picture, is
    /// damaged, or has more than 8,192 pixels a side or 40 million in all.
    pub fn prepare(&self, upload: &[u8]) -> Result<Photo> {
        Photo::prepare(upload)
    }

    /// Keeps a photo: when this returns it is on disk, whole, and stays through a crash. Twice is once. Call it through
    /// [`super::set_photo`], which holds the lock that [`Self::remove`] needs.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the directory can't be written; then nothing is left of it.
    pub fn keep(&self, tenant: &Tenant, photo: &Photo) -> Result<PhotoPath> {
        let path = PhotoPath::of(tenant.id(), photo);
        self.write(&path, &photo.bytes).map_err(|error| self.fault("photos can't be kept right now", &error))?;
        Ok(path)
    }

    /// A kept photo and its media type. Whatever the path says, nothing is read but photos of this tenant.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none, or it is another tenant's; [`Error::Unavailable`] when it can't be read.
    pub fn open(&self, tenant: &Tenant, path: &str) -> Result<(Vec<u8>, &'static str)> {
        const MISSING: Error = Error::NotFound { entity: "photo" };
        let path: PhotoPath = path.parse().map_err(|_| MISSING)?;
        if path.tenant != tenant.id() {
            return Err(MISSING);
        }
        match self.read(&path) {
            Ok(Some(bytes)) => Ok((bytes, path.kind.media_type())),
            Ok(None) => Err(MISSING),
            Err(error) if is_missing(&error) => Err(MISSING),
            Err(error) => Err(self.fault("photos can't be read right now", &error)),
        }
    }

    /// Removes a photo that no profile names any more. Twice is once. Call it through [`super::forget_photo`], which makes
    /// sure of that, and that nobody keeps the same picture meanwhile.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is another tenant's; [`Error::Unavailable`] when it can't be removed.
    pub fn remove(&self, tenant: &Tenant, path: &PhotoPath) -> Result<()> {
        if path.tenant != tenant.id() {
            return Err(Error::NotFound { entity: "photo" });
        }
        let removed = self.folder(path.tenant).and_then(|folder| Ok(unlinkat(&folder, path.file(), AtFlags::empty())?));
        match removed {
            Err(error) if !is_missing(&error) => Err(self.fault("photos can't be removed right now", &error)),
            _ => Ok(()),
        }
    }

    fn write(&self, path: &PhotoPath, bytes: &[u8]) -> std::io::Result<()> {
        let (folder, file) = (self.made_folder(path.tenant)?, path.file());
        if let Ok(known) = statat(&folder, &file, AtFlags::SYMLINK_NOFOLLOW)
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
            .and_then(|()| Ok(renameat(&folder, &temporary, &folder, &file)?));
        if written.is_err()
            && let Err(error) = unlinkat(&folder, &temporary, AtFlags::empty())
        {
            tracing::warn!(%error, "an unfinished photo stays behind");
        }
        written?;
        Ok(fsync(&folder)?)
    }

    /// `None` for what is no file of ours.
    fn read(&self, path: &PhotoPath) -> std::io::Result<Option<Vec<u8>>> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = openat(self.folder(path.tenant)?, path.file(), flags, Mode::empty())?;
        let is = fstat(&file)?;
        let size = usize::try_from(is.st_size).unwrap_or(usize::MAX);
        if FileType::from_raw_mode(is.st_mode) != FileType::RegularFile || size > Photo::LARGEST {
            return Ok(None);
        }
        let mut bytes = Vec::with_capacity(size);
        File::from(file).take(is.st_size.unsigned_abs()).read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }

    /// The tenant's folder.
    fn folder(&self, tenant: TenantId) -> std::io::Result<OwnedFd> {
        let profiles = openat(self.base()?, PROFILES, FOLDER, Mode::empty())?;
        Ok(openat(profiles, tenant.to_string(), FOLDER, Mode::empty())?)
    }

    /// The tenant's folder, made if it is missing.
    fn made_folder(&self, tenant: TenantId) -> std::io::Result<OwnedFd> {
        DirBuilder::new().recursive(true).mode(0o750).create(&self.dir)?;
        let mut folder = self.base()?;
        for name in [PROFILES, &tenant.to_string()] {
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

    /// The directory is for the log alone.
    fn fault(&self, what: &'static str, error: &std::io::Error) -> Error {
        Error::unavailable(what, format!("{}: {error}", self.dir.display()))
    }
}

/// Nothing there, or in its place something that is not ours.
fn is_missing(error: &std::io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::NOENT | Errno::NOTDIR | Errno::LOOP))
}
