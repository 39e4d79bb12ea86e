//! The pictures, sounds and documents of texts, and their kept bytes.

use super::MediaKind;
use crate::error::found;
use crate::schema::message_media as media;
use crate::store::{Scope, TenantTx, stamped};
use crate::telephony::NewMedia;
use crate::types::clip;
use crate::uploads::{Place, Uploads, hash_of, is_hash, is_missing};
use crate::{Error, LeaseId, MediaId, MediaStatus, MessageId, Result, Tenant, TenantId};
use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;

/// One picture, sound or document of a text.
#[derive(Debug, Clone, PartialEq, HasQuery)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
#[diesel(table_name = media, check_for_backend(Pg))]
#[expect(missing_docs, reason = "the columns are documented in the schema")]
pub struct Media {
    pub id: MediaId,
    pub tenant_id: TenantId,
    pub message_id: MessageId,
    pub position: i16,
    pub media_url: String,
    pub content_type: Option<String>,
    pub size_bytes: Option<i32>,
    pub content_hash: Option<String>,
    pub status: MediaStatus,
    pub error_message: Option<String>,
    pub attempts: i32,
    pub next_attempt_at: Option<DateTime<Utc>>,
    pub lease_owner: Option<LeaseId>,
    pub lease_expires_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// The bytes of a picture that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
pub struct KeptMedia {
    /// The kind of the file.
    pub kind: MediaKind,
    /// The bytes of the file.
    pub bytes: Vec<u8>,
}

/// The most that is kept of one picture, in bytes: what WhatsApp lets through, and three times what carriers do.
pub(super) const LARGEST: usize = 16 << 20;

/// The pictures of a tenant's texts.
pub struct MessageMedia<'a>(pub(super) Scope<'a>);

impl TenantTx<'_> {
    /// The pictures of the tenant's texts.
    pub const fn message_media(&mut self) -> MessageMedia<'_> {
        MessageMedia(self.0.reborrow())
    }
}

impl MessageMedia<'_> {
    /// The picture at this position of a text, from 0, if it is there.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Internal`].
    pub fn find(&mut self, message: MessageId, position: i16) -> Result<Option<Media>> {
        Ok(Media::query()
            .filter(media::tenant_id.eq(self.0.tenant))
            .filter(media::message_id.eq(message))
            .filter(media::position.eq(position))
            .first(self.0.conn)
            .optional()?)
    }

    /// The picture at this position of a text, from 0.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn get(&mut self, message: MessageId, position: i16) -> Result<Media> {
        found(self.find(message, position)?, "picture")
    }

    /// The pictures of these texts, text by text, in their order.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn list(&mut self, of: &[MessageId]) -> Result<Vec<Media>> {
        if of.is_empty() {
            return Ok(Vec::new());
        }
        Ok(Media::query()
            .filter(media::tenant_id.eq(self.0.tenant))
            .filter(media::message_id.eq_any(of))
            .order((media::message_id, media::position))
            .load(self.0.conn)?)
    }

    /// The files of these texts' pictures that no other text of the business has.
    pub(crate) fn files_of_only(&mut self, texts: &[MessageId]) -> Result<Vec<MediaFile>> {
        let kept = media::table
            .filter(media::tenant_id.eq(self.0.tenant))
            .filter(media::status.eq(MediaStatus::Kept))
            .select((media::content_hash.assume_not_null(), media::content_type));
        let files: Vec<(String, Option<String>)> = kept.filter(media::message_id.eq_any(texts)).load(self.0.conn)?;
        let hashes: Vec<&str> = files.iter().map(|(hash, _)| hash.as_str()).collect();
        let others: Vec<(String, Option<String>)> = if hashes.is_empty() {
            Vec::new()
        } else {
            kept.filter(media::content_hash.eq_any(hashes)).filter(media::message_id.ne_all(texts)).load(self.0.conn)?
        };
        let own = files.into_iter().filter(|(hash, _)| !others.iter().any(|(other, _)| other == hash));
        Ok(own.map(|(hash, content_type)| MediaFile { hash, content_type }).collect())
    }

    /// Notes the pictures of a text that has just been recorded: they are fetched from now on.
    pub(crate) fn insert(&mut self, message: MessageId, new: &[NewMedia]) -> Result<()> {
        let rows: Vec<_> = (0_i16..)
            .zip(new.iter().filter_map(|new| Some((clip(Some(&new.url), 2_048)?, clip(new.content_type.as_deref(), 100)))))
            .map(|(position, (url, content_type))| {
                (
                    media::message_id.eq(message),
                    media::position.eq(position),
                    media::media_url.eq(url),
                    media::content_type.eq(content_type),
                    media::next_attempt_at.eq(self.0.now()),
                    stamped!(media, self.0, MediaId::new(self.0.moment.id())),
                )
            })
            .collect();
        if !rows.is_empty() {
            diesel::insert_into(media::table).values(rows).execute(self.0.conn)?;
        }
        Ok(())
    }
}

impl KeptMedia {
    /// The name of its file: the same bytes are one file.
    pub(super) fn hash(&self) -> String {
        hash_of(&self.bytes)
    }
}

impl Uploads {
    /// Keeps the bytes of a picture at `media/<tenant>/<SHA-256>.<extension>`: when this returns they are on disk, whole, and
    /// stay through a crash. The same bytes twice are one file.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the directory can't be written; then nothing is left of them.
    pub(super) fn keep_media(&self, tenant: &Tenant, media: &KeptMedia) -> Result<()> {
        let place = place(tenant, &media.hash(), media.kind);
        self.write(&place, &media.bytes).map_err(|error| self.fault("pictures can't be kept right now", &error))
    }

    /// The bytes of a picture of this tenant's.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is not kept, or another tenant's; [`Error::Unavailable`] when it can't be read.
    pub fn open_media(&self, tenant: &Tenant, media: &Media) -> Result<KeptMedia> {
        const MISSING: Error = Error::NotFound { entity: "picture" };
        let kind = media.content_type.as_deref().and_then(MediaKind::of_type);
        let (Some(hash), Some(kind), MediaStatus::Kept) = (&media.content_hash, kind, media.status) else { return Err(MISSING) };
        if media.tenant_id != tenant.id() || !is_hash(hash) {
            return Err(MISSING);
        }
        match self.read(&place(tenant, hash, kind), LARGEST) {
            Ok(Some(bytes)) => Ok(KeptMedia { kind, bytes }),
            Ok(None) => Err(MISSING),
            Err(error) if is_missing(&error) => Err(MISSING),
            Err(error) => Err(self.fault("pictures can't be read right now", &error)),
        }
    }

    /// Removes the bytes of a picture for good. Twice is once.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the directory can't be written.
    pub(crate) fn forget_media(&self, tenant: &Tenant, file: &MediaFile) -> Result<()> {
        let Some(kind) = file.content_type.as_deref().and_then(MediaKind::of_type).filter(|_| is_hash(&file.hash)) else {
            return Ok(());
        };
        let deleted = self.delete(&place(tenant, &file.hash, kind));
        deleted.map_err(|error| self.fault("pictures can't be removed right now", &error))
    }

    /// Insists that the business's pictures are kept here.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub(crate) fn must_have_media(&self, tenant: &Tenant) -> Result<()> {
        self.must_have_folder(&in_folder(tenant, String::new()))
    }
}

/// The file of a picture that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MediaFile {
    hash: String,
    content_type: Option<String>,
}

fn place(tenant: &Tenant, hash: &str, kind: MediaKind) -> Place {
    in_folder(tenant, format!("{hash}.{}", kind.extension()))
}

const fn in_folder(tenant: &Tenant, name: String) -> Place {
    Place { folder: "media", tenant: tenant.id(), name }
}
