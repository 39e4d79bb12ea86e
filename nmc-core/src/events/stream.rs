//! Reading a stream from a cursor.

use super::StreamCursor;
use crate::schema::{stream_events as events, tenant_streams as streams};
use crate::store::{Scope, Store, Tenant, TenantTx};
use crate::{Error, Result, StreamEventKind};
use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use uuid::Uuid;

/// One change of a business's rows: which row, and nothing of what is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamEvent {
    /// The place just after it: whoever has seen it goes on from here.
    pub cursor: StreamCursor,
    /// The kind of the change: what has changed, and how.
    pub kind: StreamEventKind,
    /// The row that has changed; of presence, the user. `None`: so many that they are not named, and lists of the kind are to be
    /// read again.
    pub subject: Option<Uuid>,
    /// The instant of the transaction.
    pub at: DateTime<Utc>,
}

/// A page of the events after a cursor, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamPage {
    /// The events: as many as were asked for, unless there are no more.
    pub events: Vec<StreamEvent>,
    /// The cursor from which to go on.
    pub cursor: StreamCursor,
    /// Whether the cursor asked for can't be gone on from: all that was read before is to be read again, after which
    /// [`Self::cursor`] goes on without a gap.
    pub is_reset: bool,
}

/// The head of a stream: where it has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, HasQuery)]
#[diesel(table_name = streams, check_for_backend(Pg))]
pub(super) struct Head {
    pub(super) epoch: Uuid,
    pub(super) seq: i64,
}

/// An event as it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, HasQuery)]
#[diesel(table_name = events, check_for_backend(Pg))]
pub(super) struct Row {
    pub(super) seq: i64,
    kind: StreamEventKind,
    subject_id: Option<Uuid>,
    pub(super) created_at: DateTime<Utc>,
}

impl Head {
    pub(super) const fn cursor(self) -> StreamCursor {
        StreamCursor { epoch: self.epoch, seq: self.seq }
    }
}

impl StreamPage {
    /// The most events of one page.
    pub const MAX: u16 = 1_000;

    const fn nothing(cursor: StreamCursor) -> Self {
        Self { events: Vec::new(), cursor, is_reset: false }
    }

    const fn reset(cursor: StreamCursor) -> Self {
        Self { events: Vec::new(), cursor, is_reset: true }
    }

    /// What a reader at `after` is told, given the head of the stream and the rows that follow that number.
    fn of(after: Option<StreamCursor>, head: Option<Head>, rows: &[Row]) -> Self {
        let (Some(head), Some(after)) = (head, after) else {
            let now = head.map_or(StreamCursor::START, Head::cursor);
            return if after.is_none_or(|after| after == now) { Self::nothing(now) } else { Self::reset(now) };
        };
        let is_of_epoch = after.epoch == head.epoch || after == StreamCursor::START;
        let is_next = match rows.first() {
            Some(first) => first.seq == after.seq + 1,
            None => after.seq == head.seq,
        };
        if !is_of_epoch || !is_next {
            return Self::reset(head.cursor());
        }
        let events: Vec<StreamEvent> = rows.iter().map(|row| row.event(head.epoch)).collect();
        let cursor = events.last().map_or(StreamCursor { epoch: head.epoch, ..after }, |last| last.cursor);
        Self { events, cursor, is_reset: false }
    }
}

impl Row {
    pub(super) const fn event(&self, epoch: Uuid) -> StreamEvent {
        let cursor = StreamCursor { epoch, seq: self.seq };
        StreamEvent { cursor, kind: self.kind, subject: self.subject_id, at: self.created_at }
    }
}

/// A tenant's stream.
pub struct StreamEvents<'a>(pub(super) Scope<'a>);

impl TenantTx<'_> {
    /// The tenant's stream of events.
    pub const fn stream_events(&mut self) -> StreamEvents<'_> {
        StreamEvents(self.0.reborrow())
    }
}

impl StreamEvents<'_> {
    /// A page of up to `limit` (1 to [`StreamPage::MAX`]) events after a cursor; without one, none, and the cursor of now.
    ///
    /// # Errors
    /// [`Error::Invalid`] when `limit` is out of range; [`Error::Unavailable`] or [`Error::Internal`].
    pub fn list(&mut self, after: Option<StreamCursor>, limit: u16) -> Result<StreamPage> {
        if !(1..=StreamPage::MAX).contains(&limit) {
            return Err(Error::invalid("limit", "must be between 1 and 1000"));
        }
        // The head first: what follows may have more than it, and never less.
        let head = self.head()?;
        let rows = match after.filter(|_| head.is_some()) {
            Some(after) => self.rows_after(after.seq, limit.into())?,
            None => Vec::new(),
        };
        Ok(StreamPage::of(after, head, &rows))
    }

    pub(super) fn head(&mut self) -> Result<Option<Head>> {
        Ok(Head::query().filter(streams::tenant_id.eq(self.0.tenant)).first(self.0.conn).optional()?)
    }

    pub(super) fn rows_after(&mut self, seq: i64, limit: i64) -> Result<Vec<Row>> {
        Ok(Row::query()
            .filter(events::tenant_id.eq(self.0.tenant))
            .filter(events::seq.gt(seq))
            .order(events::seq)
            .limit(limit)
            .load(self.0.conn)?)
    }
}

impl Store {
    /// A page of up to `limit` (1 to [`StreamPage::MAX`]) events of the tenant's stream after a cursor, in order; without a
    /// cursor none, and where the stream is now: read what is to be shown after that, and go on from there.
    ///
    /// # Errors
    /// [`Error::Invalid`] when `limit` is out of range; [`Error::Unavailable`] when the database is not to be had.
    pub fn events(&self, tenant: &Tenant, after: Option<StreamCursor>, limit: u16) -> Result<StreamPage> {
        self.tenant(tenant, |tx| tx.stream_events().list(after, limit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EPOCH: Uuid = Uuid::from_u128(1);

    fn at(seq: i64) -> StreamCursor {
        StreamCursor { epoch: EPOCH, seq }
    }

    fn head(seq: i64) -> Option<Head> {
        Some(Head { epoch: EPOCH, seq })
    }

    fn rows(seqs: impl IntoIterator<Item = i64>) -> Vec<Row> {
        let row = |seq| Row { seq, kind: StreamEventKind::CallCreated, subject_id: None, created_at: DateTime::UNIX_EPOCH };
        seqs.into_iter().map(row).collect()
    }

    #[test]
    fn reader_is_told_all_that_follows_or_that_it_can_not_be() {
        let other = StreamCursor { epoch: Uuid::from_u128(2), seq: 3 };
        let page = |page: StreamPage| {
            let seqs: Vec<i64> = page.events.iter().map(|event| event.cursor.seq).collect();
            (seqs, page.cursor, page.is_reset)
        };
        for (after, head, kept, expected) in [
            // Nothing has ever happened.
            (None, None, rows([]), (vec![], StreamCursor::START, false)),
            (Some(StreamCursor::START), None, rows([]), (vec![], StreamCursor::START, false)),
            (Some(at(3)), None, rows([]), (vec![], StreamCursor::START, true)),
            // From now on.
            (None, head(5), rows([]), (vec![], at(5), false)),
            (Some(at(5)), head(5), rows([]), (vec![], at(5), false)),
            (Some(at(3)), head(5), rows(4..=5), (vec![4, 5], at(5), false)),
            // The head was read before the rows.
            (Some(at(3)), head(4), rows(4..=6), (vec![4, 5, 6], at(6), false)),
            (Some(StreamCursor::START), head(2), rows(1..=2), (vec![1, 2], at(2), false)),
            // What followed is gone: in part, wholly, from the start.
            (Some(at(3)), head(9), rows(7..=9), (vec![], at(9), true)),
            (Some(at(3)), head(9), rows([]), (vec![], at(9), true)),
            (Some(StreamCursor::START), head(9), rows(7..=9), (vec![], at(9), true)),
            // Beyond the head, or another counting.
            (Some(at(6)), head(5), rows([]), (vec![], at(5), true)),
            (Some(at(i64::MAX)), head(5), rows([]), (vec![], at(5), true)),
            (Some(other), head(5), rows(4..=5), (vec![], at(5), true)),
        ] {
            assert_eq!(page(StreamPage::of(after, head, &kept)), expected, "{after:?} {head:?}");
        }
    }
}
