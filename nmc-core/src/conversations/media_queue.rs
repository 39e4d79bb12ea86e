//! The pictures that are still to be fetched, as a queue: claimed in two steps, as [the outbox](super::Messages::claim) is.

use super::media::{KeptMedia, MessageMedia};
use crate::queue::{Lease, after};
use crate::schema::message_media as media;
use crate::store::{SystemTx, Tenant};
use crate::{LeaseId, MediaId, MediaStatus, MessageId, Result, StreamEventKind, TenantId};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;

/// The predicate of the queue's index, to the letter.
const WAITING_SQL: &str = "status = 'waiting'";

/// One picture that a worker holds under a lease.
#[derive(Debug, Clone)]
pub(crate) struct ClaimedMedia {
    pub(super) id: MediaId,
    pub(super) url: String,
    /// Attempts, with this one.
    pub(super) attempts: i32,
    /// The id of this claim; a later one of the same picture has another.
    pub(super) lease: LeaseId,
}

impl SystemTx<'_> {
    /// The tenants with pictures to fetch, the longest waiting first. A suspended one's are fetched, too: the provider does not
    /// keep them for ever, and they are lost otherwise.
    pub(super) fn tenants_with_due_media(&mut self, last: Option<TenantId>, limit: u16) -> Result<Vec<Tenant>> {
        let ids: Vec<TenantId> = media::table
            .filter(sql::<Bool>(WAITING_SQL))
            .filter(media::next_attempt_at.le(self.now()))
            .filter(media::tenant_id.gt(after(last)))
            .group_by(media::tenant_id)
            .order(media::tenant_id)
            .limit(limit.into())
            .select(media::tenant_id)
            .load(self.conn)?;
        Ok(ids.into_iter().map(Tenant::proven).collect())
    }
}

impl MessageMedia<'_> {
    /// Claims up to `limit` due pictures for `lease_for`. Until then no other worker sees them.
    pub(super) fn claim(&mut self, limit: u16, lease_for: TimeDelta) -> Result<Vec<ClaimedMedia>> {
        let lease = Lease::begin(&mut self.0, lease_for)?;
        let due: Vec<(MediaId, String, i32)> = media::table
            .filter(media::tenant_id.eq(self.0.tenant))
            .filter(sql::<Bool>(WAITING_SQL))
            .filter(media::next_attempt_at.le(self.0.now()))
            .order(media::next_attempt_at)
            .limit(limit.into())
            .for_update()
            .skip_locked()
            .select((media::id, media::media_url, media::attempts))
            .load(self.0.conn)?;
        if due.is_empty() {
            return Ok(Vec::new());
        }
        diesel::update(media::table)
            .filter(media::tenant_id.eq(self.0.tenant))
            .filter(media::id.eq_any(due.iter().map(|(id, ..)| *id).collect::<Vec<_>>()))
            .set((
                media::lease_owner.eq(lease.id),
                media::lease_expires_at.eq(lease.until),
                // Not due again before the lease ends: one comparison finds what is due.
                media::next_attempt_at.eq(lease.until),
                media::attempts.eq(media::attempts + 1),
                media::updated_at.eq(self.0.now()),
            ))
            .execute(self.0.conn)?;
        let claimed = |(id, url, attempts)| ClaimedMedia { id, url, attempts: attempts + 1, lease: lease.id };
        Ok(due.into_iter().map(claimed).collect())
    }

    /// Ends a claim: the bytes are kept. False when another worker has the picture by now.
    pub(super) fn mark_kept(&mut self, claimed: &ClaimedMedia, kept: &KeptMedia) -> Result<bool> {
        let size = i32::try_from(kept.bytes.len()).map_err(crate::Error::internal)?;
        let of: Option<MessageId> = diesel::update(held(self.0.tenant, claimed))
            .set((
                media::status.eq(MediaStatus::Kept),
                media::content_type.eq(kept.kind.media_type()),
                media::size_bytes.eq(size),
                media::content_hash.eq(kept.hash()),
                media::error_message.eq(None::<String>),
                ended(None),
                media::updated_at.eq(self.0.now()),
            ))
            .returning(media::message_id)
            .get_result(self.0.conn)
            .optional()?;
        Ok(self.note_updated(of))
    }

    /// Ends a claim for good: the bytes can't be kept.
    pub(super) fn mark_unavailable(&mut self, claimed: &ClaimedMedia, why: &str) -> Result<bool> {
        let of: Option<MessageId> = diesel::update(held(self.0.tenant, claimed))
            .set((
                media::status.eq(MediaStatus::Unavailable),
                media::error_message.eq(why),
                ended(None),
                media::updated_at.eq(self.0.now()),
            ))
            .returning(media::message_id)
            .get_result(self.0.conn)
            .optional()?;
        Ok(self.note_updated(of))
    }

    /// The text whose picture was touched, if one was, has changed with it; whether it was.
    fn note_updated(&self, text: Option<MessageId>) -> bool {
        if let Some(text) = text {
            self.0.note(StreamEventKind::MessageUpdated, text.uuid());
        }
        text.is_some()
    }

    /// Ends a claim: the picture is due again at `at`.
    pub(super) fn put_back(&mut self, claimed: &ClaimedMedia, at: DateTime<Utc>, why: &str) -> Result<bool> {
        let rows = diesel::update(held(self.0.tenant, claimed))
            .set((media::error_message.eq(why), ended(Some(at)), media::updated_at.eq(self.0.now())))
            .execute(self.0.conn)?;
        Ok(rows == 1)
    }

    /// Gives claimed pictures back untried, when a worker is asked to stop.
    pub(super) fn unclaim(&mut self, claims: &[ClaimedMedia]) -> Result<()> {
        let now = self.0.now();
        for claimed in claims {
            diesel::update(held(self.0.tenant, claimed))
                .set((media::attempts.eq(media::attempts - 1), ended(Some(now)), media::updated_at.eq(now)))
                .execute(self.0.conn)?;
        }
        Ok(())
    }
}

/// The row, if the claim still holds.
#[diesel::dsl::auto_type(no_type_alias)]
fn held(tenant: TenantId, claimed: &ClaimedMedia) -> _ {
    let lease: LeaseId = claimed.lease;
    let id: MediaId = claimed.id;
    let waiting: MediaStatus = MediaStatus::Waiting;
    media::table
        .filter(media::tenant_id.eq(tenant))
        .filter(media::id.eq(id))
        .filter(media::lease_owner.eq(lease))
        .filter(media::status.eq(waiting))
}

type Ended = (
    diesel::dsl::Eq<media::lease_owner, Option<LeaseId>>,
    diesel::dsl::Eq<media::lease_expires_at, Option<DateTime<Utc>>>,
    diesel::dsl::Eq<media::next_attempt_at, Option<DateTime<Utc>>>,
);

/// The end of a lease, and when the picture is due again.
fn ended(due: Option<DateTime<Utc>>) -> Ended {
    (media::lease_owner.eq(None), media::lease_expires_at.eq(None), media::next_attempt_at.eq(due))
}
