//! Profile photos in the directory of uploads (`./uploads/profiles/`): each at
//! `profiles/<tenant>/<SHA-256 of its bytes>.<jpg|png>`, so that one picture is kept once.

use super::photo::{Kind, Photo};
use crate::uploads::{Place, Uploads, hash_of, is_hash, is_missing};
use crate::{Error, Result, Tenant, TenantId};

const PROFILES: &str = "profiles";

/// The path of a photo below the directory of uploads, which `profile_photo_url` holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhotoPath {
    tenant: TenantId,
    /// SHA-256 of the kept bytes, in lower-case hexadecimal.
    hash: String,
    kind: Kind,
}

impl PhotoPath {
    fn of(tenant: TenantId, photo: &Photo) -> Self {
        Self { tenant, hash: hash_of(&photo.bytes), kind: photo.kind }
    }

    /// The tenant whose photo it is.
    #[must_use]
    pub const fn tenant(&self) -> TenantId {
        self.tenant
    }

    fn file(&self) -> String {
        format!("{}.{}", self.hash, self.kind.extension())
    }

    fn place(&self) -> Place {
        Place { folder: PROFILES, tenant: self.tenant, name: self.file() }
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
            let path = is_hash(hash).then(|| Some(Self { tenant: tenant.parse().ok()?, hash: hash.to_owned(), kind }))??;
            // An id can be written in several ways; only ours is a path.
            (path.to_string() == text).then_some(path)
        };
        parsed().ok_or_else(|| Error::invalid("photo", "must be the path of a kept photo"))
    }
}

impl Uploads {
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
        self.write(&path.place(), &photo.bytes).map_err(|error| self.fault("photos can't be kept right now", &error))?;
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
        match self.read(&path.place(), Photo::LARGEST) {
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
        self.delete(&path.place()).map_err(|error| self.fault("photos can't be removed right now", &error))
    }
}
