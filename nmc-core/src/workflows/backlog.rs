//! What waits in the queues of the database, and what has failed there and why: for operators to look at. The queues themselves
//! are worked off elsewhere, each by its own rules.

use crate::page::{Cursor, Page, PageRequest};
use crate::store::{SystemTx, TenantTx};
use crate::telephony::explain;
use crate::{Result, TenantId};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::pg::PgConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

/// The time for which a failure is counted: what failed long ago is nothing to act on.
pub const FAILURES_COUNTED_FOR: TimeDelta = TimeDelta::days(7);

/// A queue of the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Queue {
    /// Texts to be sent.
    Texts,
    /// Pictures of texts to be fetched from the provider.
    Pictures,
    /// Notifications of alerts to be delivered.
    Notifications,
    /// Mails about accounts to be sent.
    Mails,
    /// Mails that bring reports to be sent.
    Reports,
    /// Computations of the analytics.
    Jobs,
    /// Phone numbers to be bought, checked or given back.
    Numbers,
}

/// The stage of a queue's entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// The entries that are still to be done, or under way.
    Waiting,
    /// The entries that were given up.
    Failed,
}

/// The state of one queue: how much of it waits, and how much has failed of late.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
pub struct Backlog {
    /// The queue that is counted.
    pub queue: Queue,
    /// The number of entries that wait, or are under way.
    pub waiting: i64,
    /// The instant at which the oldest of the waiting entries was queued.
    pub oldest_waiting_at: Option<DateTime<Utc>>,
    /// The number of entries that failed within [`FAILURES_COUNTED_FOR`].
    pub failed: i64,
    /// The instant at which the last of the failed entries failed.
    pub last_failed_at: Option<DateTime<Utc>>,
}

/// An entry of a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
pub struct Queued {
    /// The id of the entry's row.
    pub id: Uuid,
    /// The tenant whose entry it is.
    pub tenant_id: TenantId,
    /// The business's name.
    pub business_name: String,
    /// The state of the entry, in the word of its own table.
    pub state: String,
    /// The number of times that the entry was tried.
    pub attempts: i32,
    /// The instant at which the entry is tried next; none for what has failed.
    pub due_at: Option<DateTime<Utc>>,
    /// The reason why the entry waits or has failed, where anything was said.
    pub reason: Option<String>,
    /// The instant at which the entry was queued.
    pub created_at: DateTime<Utc>,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    tenant_id: TenantId,
    #[diesel(sql_type = Text)]
    business_name: String,
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = Integer)]
    attempts: i32,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    due_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Integer>)]
    code: Option<i32>,
    #[diesel(sql_type = Nullable<Text>)]
    reason: Option<String>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    held_until: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Text>)]
    hold_reason: Option<String>,
    #[diesel(sql_type = Timestamptz)]
    created_at: DateTime<Utc>,
}

#[derive(QueryableByName)]
struct Counts {
    #[diesel(sql_type = BigInt)]
    waiting: i64,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    oldest_waiting_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = BigInt)]
    failed: i64,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    last_failed_at: Option<DateTime<Utc>>,
}

/// The table of a queue as `q`, what of it waits and has failed, and the columns of [`Row`] that differ from table to table.
struct Source {
    from: &'static str,
    waiting: &'static str,
    failed: &'static str,
    columns: &'static str,
}

impl Queue {
    /// All queues.
    pub const ALL: [Self; 7] =
        [Self::Texts, Self::Pictures, Self::Notifications, Self::Mails, Self::Reports, Self::Jobs, Self::Numbers];

    /// The name of the queue.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Texts => "texts",
            Self::Pictures => "pictures",
            Self::Notifications => "notifications",
            Self::Mails => "mails",
            Self::Reports => "reports",
            Self::Jobs => "jobs",
            Self::Numbers => "numbers",
        }
    }

    const fn source(self) -> Source {
        match self {
            Self::Texts => Source {
                from: "messages q LEFT JOIN number_pacing p ON p.tenant_id = q.tenant_id AND p.phone_number = q.from_number",
                waiting: "q.message_status = 'queued' AND q.message_direction = 'outbound'",
                failed: "q.message_status IN ('failed', 'undelivered') AND q.message_direction = 'outbound'",
                columns: "q.message_status AS state, q.next_attempt_at AS due_at, q.error_code AS code, q.error_message AS reason, \
                          p.held_until, p.hold_reason",
            },
            Self::Pictures => Source {
                from: "message_media q",
                waiting: "q.status = 'waiting'",
                failed: "q.status = 'unavailable'",
                columns: "q.status AS state, q.next_attempt_at AS due_at, NULL::int AS code, q.error_message AS reason, \
                          NULL::timestamptz AS held_until, NULL::text AS hold_reason",
            },
            Self::Notifications => Source {
                from: "notifications q",
                waiting: "q.status IN ('pending', 'retrying')",
                failed: "q.status = 'failed'",
                columns: "q.status AS state, q.next_attempt_at AS due_at, NULL::int AS code, q.error_message AS reason, \
                          NULL::timestamptz AS held_until, NULL::text AS hold_reason",
            },
            Self::Mails => Source {
                from: "account_mails q",
                waiting: "q.status = 'waiting'",
                failed: "q.status = 'failed'",
                columns: "q.status AS state, q.next_attempt_at AS due_at, NULL::int AS code, q.error_message AS reason, \
                          NULL::timestamptz AS held_until, NULL::text AS hold_reason",
            },
            Self::Reports => Source {
                from: "report_mails q",
                waiting: "q.status = 'waiting'",
                failed: "q.status = 'failed'",
                columns: "q.status AS state, q.next_attempt_at AS due_at, NULL::int AS code, q.error_message AS reason, \
                          NULL::timestamptz AS held_until, NULL::text AS hold_reason",
            },
            Self::Jobs => Source {
                from: "analytics_processing_jobs q",
                waiting: "q.status IN ('pending', 'processing')",
                failed: "q.status = 'failed'",
                columns: "q.status AS state, q.next_attempt_at AS due_at, NULL::int AS code, q.error_message AS reason, \
                          NULL::timestamptz AS held_until, NULL::text AS hold_reason",
            },
            Self::Numbers => Source {
                from: "phone_numbers q",
                waiting: "(q.status = 'provisioning' OR q.next_attempt_at IS NOT NULL)",
                failed: "q.status = 'error' AND q.next_attempt_at IS NULL",
                columns: "CASE WHEN q.release_requested_at IS NOT NULL THEN 'releasing' ELSE q.status END AS state, \
                          q.next_attempt_at AS due_at, NULL::int AS code, q.status_reason AS reason, \
                          NULL::timestamptz AS held_until, NULL::text AS hold_reason",
            },
        }
    }

    fn count(self, conn: &mut PgConnection, tenant: Option<TenantId>, now: DateTime<Utc>) -> Result<Backlog> {
        let Source { from, waiting, failed, .. } = self.source();
        let sql = format!(
            "SELECT count(*) FILTER (WHERE {waiting}) AS waiting, min(q.created_at) FILTER (WHERE {waiting}) AS oldest_waiting_at, \
             count(*) FILTER (WHERE {failed}) AS failed, max(q.updated_at) FILTER (WHERE {failed}) AS last_failed_at \
             FROM {from} WHERE ({waiting} OR {failed} AND q.updated_at > $2) AND ($1::uuid IS NULL OR q.tenant_id = $1)"
        );
        let Counts { waiting, oldest_waiting_at, failed, last_failed_at } = sql_query(sql)
            .bind::<Nullable<SqlUuid>, _>(tenant)
            .bind::<Timestamptz, _>(now - FAILURES_COUNTED_FOR)
            .get_result(conn)?;
        Ok(Backlog { queue: self, waiting, oldest_waiting_at, failed, last_failed_at })
    }

    fn list(self, conn: &mut PgConnection, tenant: Option<TenantId>, now: DateTime<Utc>, of: Of) -> Result<Page<Queued>> {
        let Source { from, waiting, failed, columns } = self.source();
        let wanted = if of.stage == Stage::Waiting { waiting } else { failed };
        let sql = format!(
            "SELECT q.id, q.tenant_id, t.business_name, q.attempts, q.created_at, {columns} \
             FROM {from} JOIN tenants t ON t.id = q.tenant_id \
             WHERE {wanted} AND ($1::uuid IS NULL OR q.tenant_id = $1) AND ($2::timestamptz IS NULL OR (q.created_at, q.id) < ($2, $3)) \
             ORDER BY q.created_at DESC, q.id DESC LIMIT $4"
        );
        let cursor = of.page.cursor();
        let rows: Vec<Row> = sql_query(sql)
            .bind::<Nullable<SqlUuid>, _>(tenant)
            .bind::<Nullable<Timestamptz>, _>(cursor.map(|cursor| cursor.at))
            .bind::<Nullable<SqlUuid>, _>(cursor.map(|cursor| cursor.id))
            .bind::<BigInt, _>(of.page.fetch())
            .load(conn)?;
        let entries = rows.into_iter().map(|row| row.entry(of.stage, now)).collect();
        Ok(Page::from_rows(entries, of.page, |entry: &Queued| Cursor { at: entry.created_at, id: entry.id }))
    }
}

/// The choice of entries, and the page of them.
#[derive(Clone, Copy)]
struct Of {
    stage: Stage,
    page: PageRequest,
}

impl Row {
    fn entry(self, stage: Stage, now: DateTime<Utc>) -> Queued {
        let held = self.held_until.filter(|until| stage == Stage::Waiting && *until > now);
        let reason = held.and(self.hold_reason).or(self.code.map(explain)).or(self.reason);
        Queued {
            id: self.id,
            tenant_id: self.tenant_id,
            business_name: self.business_name,
            state: self.state,
            attempts: self.attempts,
            due_at: self.due_at.max(held).filter(|_| stage == Stage::Waiting),
            reason,
            created_at: self.created_at,
        }
    }
}

impl TenantTx<'_> {
    /// The state of one queue of this business: how much waits and has failed.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] or [`crate::Error::Internal`].
    pub fn backlog(&mut self, queue: Queue) -> Result<Backlog> {
        queue.count(self.0.conn, Some(self.0.tenant), self.0.now())
    }

    /// A page of what waits or has failed in a queue of this business, newest first.
    ///
    /// # Errors
    /// As [`Self::backlog`].
    pub fn queued(&mut self, queue: Queue, stage: Stage, page: PageRequest) -> Result<Page<Queued>> {
        queue.list(self.0.conn, Some(self.0.tenant), self.0.now(), Of { stage, page })
    }
}

impl SystemTx<'_> {
    /// How much waits and has failed in a queue, of all businesses.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] or [`crate::Error::Internal`].
    pub fn backlog(&mut self, queue: Queue) -> Result<Backlog> {
        queue.count(self.conn, None, self.now())
    }

    /// A page of what waits or has failed in a queue, of all businesses, newest first.
    ///
    /// # Errors
    /// As [`Self::backlog`].
    pub fn queued(&mut self, queue: Queue, stage: Stage, page: PageRequest) -> Result<Page<Queued>> {
        queue.list(self.conn, None, self.now(), Of { stage, page })
    }
}
