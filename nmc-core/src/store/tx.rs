//! The two kinds of transaction, and the proof of a tenant.

use super::changes::Changes;
use crate::actor::{Actor, WORKER};
use crate::clock::Moment;
use crate::{Error, PhoneNumber, Result, StreamEventKind, TenantId, UserId};
use chrono::{DateTime, Utc};
use diesel::pg::PgConnection;
use diesel::result::Error as DieselError;
use diesel::sql_types::BigInt;
use diesel::{QueryResult, RunQueryDsl as _, sql_query};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// The proof that a tenant may be acted for. Only authentication and a [`SystemTx`] make one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tenant(TenantId);

impl Tenant {
    pub(crate) const fn proven(id: TenantId) -> Self {
        Self(id)
    }

    /// The tenant's id.
    #[must_use]
    pub const fn id(&self) -> TenantId {
        self.0
    }
}

/// The reason why a transaction has to see every tenant's rows. Each use of [`SystemTx`] names one, and the log shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// A webhook names a number; whose is it?
    NumberLookup,
    /// A worker looks for tenants with due work.
    DueWork,
    /// Someone shows a credential (a refresh token, an API key); whose is it?
    Authentication,
    /// The provider's numbers are compared with everybody's.
    NumberReconciliation,
    /// The provider's lists of calls and texts are compared with what is recorded.
    CatchUp,
    /// Whoever watches streams of events is told of what has happened in all of them.
    EventStream,
    /// Users of all businesses stay online while a process holds streams for them.
    Presence,
    /// Whoever is in a conversation's room hears who types there, also in other processes.
    Typing,
    /// Operators create, list and inspect tenants.
    Operations,
}

/// A person a business texts: one customer's number, in whatever spelling, within one tenant. Locking it makes a STOP and a send serial.
#[derive(Debug, Clone)]
pub struct Person {
    phone: PhoneNumber,
}

impl Person {
    /// The person with this number.
    #[must_use]
    pub const fn new(phone: PhoneNumber) -> Self {
        Self { phone }
    }

    /// The person's number, in the spelling it was given in.
    pub(crate) const fn phone(&self) -> &PhoneNumber {
        &self.phone
    }

    /// The person's number, in the spelling it was given in.
    pub(crate) fn into_phone(self) -> PhoneNumber {
        self.phone
    }

    /// The key of the advisory lock. Two persons may share one by chance, which costs a wait and nothing else.
    pub(crate) fn lock_key(&self, tenant: TenantId) -> i64 {
        let digest = Sha256::new()
            .chain_update(b"nmc person lock")
            .chain_update(tenant.uuid().as_bytes())
            .chain_update(self.phone.person().as_str().as_bytes())
            .finalize();
        digest.first_chunk::<8>().map_or(0, |bytes| i64::from_be_bytes(*bytes))
    }
}

/// The scope that a repository works in: the connection, the tenant every statement binds, who acts, and the transaction's clock.
pub(crate) struct Scope<'a> {
    pub(crate) conn: &'a mut PgConnection,
    pub(crate) tenant: TenantId,
    pub(crate) actor: &'a Actor,
    pub(crate) moment: &'a Moment,
    /// The changes that the transaction has made so far.
    changes: &'a Changes,
    /// The person whose lock the transaction began with.
    pub(crate) locked: Option<i64>,
}

impl<'a> Scope<'a> {
    pub(super) fn new(
        conn: &'a mut PgConnection,
        tenant: Tenant,
        actor: &'a Actor,
        person: Option<&Person>,
        moment: &'a Moment,
        changes: &'a Changes,
    ) -> Self {
        let tenant = tenant.id();
        Self { conn, tenant, actor, moment, changes, locked: person.map(|person| person.lock_key(tenant)) }
    }
}

impl Scope<'_> {
    pub(crate) const fn reborrow(&mut self) -> Scope<'_> {
        Scope { conn: self.conn, locked: self.locked, ..*self }
    }

    /// The same transaction as a [`TenantTx`], for a repository that needs another one.
    pub(crate) const fn tx(&mut self) -> TenantTx<'_> {
        TenantTx(self.reborrow())
    }

    /// Takes a person's lock until the end of the transaction, unless it began with it.
    pub(crate) fn lock_person(&mut self, person: &Person) -> Result<()> {
        let key = person.lock_key(self.tenant);
        if self.locked != Some(key) {
            sql_query("SELECT pg_advisory_xact_lock($1)").bind::<BigInt, _>(key).execute(self.conn)?;
        }
        Ok(())
    }

    /// Notes that a row has been written: the tenant's stream tells of it when the transaction commits.
    pub(crate) fn note(&self, kind: StreamEventKind, subject: Uuid) {
        self.changes.note(self.tenant, kind, Some(subject), self.now());
    }

    /// Notes that many rows have been written.
    pub(crate) fn note_many(&self, kind: StreamEventKind) {
        self.changes.note(self.tenant, kind, None, self.now());
    }

    pub(crate) const fn now(&self) -> DateTime<Utc> {
        self.moment.now()
    }

    /// The user whom new rows name as the one who did it.
    pub(crate) const fn user(&self) -> Option<UserId> {
        self.actor.user()
    }
}

/// A transaction that sees one tenant's rows. The repositories hang off it.
pub struct TenantTx<'a>(pub(crate) Scope<'a>);

impl<'a> TenantTx<'a> {
    /// The actor of this transaction: who acts in it.
    #[must_use]
    pub const fn actor(&self) -> &'a Actor {
        self.0.actor
    }
}

impl TenantTx<'_> {
    /// Runs `work` in this same transaction as somebody else: whom authentication has just found in it.
    pub(crate) fn acting_as<T>(&mut self, actor: &Actor, work: impl FnOnce(&mut TenantTx<'_>) -> T) -> T {
        work(&mut TenantTx(Scope { actor, ..self.0.reborrow() }))
    }

    /// The tenant this transaction acts for.
    #[must_use]
    pub const fn tenant(&self) -> Tenant {
        Tenant::proven(self.0.tenant)
    }

    /// The instant of this transaction, the same for all it writes; it moves on only where the transaction had to wait for a
    /// row that was changed meanwhile.
    #[must_use]
    pub const fn now(&self) -> DateTime<Utc> {
        self.0.now()
    }

    /// Notes a row that a query of your own has written, so that the tenant's [stream](crate::events) tells of it when the
    /// transaction commits. The repositories do so by themselves.
    pub fn note(&mut self, kind: StreamEventKind, subject: Uuid) {
        self.0.note(kind, subject);
    }

    /// A query of your own over [`crate::schema`], in this transaction and under row-level security. Bind the tenant's id on
    /// every table the query names, as the repositories do: that is what finds the rows by index. Leave transaction, role
    /// and settings as they are. A write is told to nobody unless you [note](Self::note) it.
    ///
    /// # Errors
    /// What the query comes to, in the library's words; a missing row that Diesel calls `NotFound` is
    /// [`crate::Error::NotFound`].
    pub fn diesel<T>(&mut self, query: impl FnOnce(&mut PgConnection, TenantId) -> QueryResult<T>) -> Result<T> {
        match query(self.0.conn, self.0.tenant) {
            Err(DieselError::NotFound) => Err(Error::NotFound { entity: "row" }),
            result => Ok(result?),
        }
    }
}

/// A transaction that sees every tenant's rows, for work that belongs to no tenant.
pub struct SystemTx<'a> {
    pub(crate) conn: &'a mut PgConnection,
    pub(crate) moment: &'a Moment,
    pub(super) changes: &'a Changes,
}

impl SystemTx<'_> {
    /// The instant of this transaction.
    #[must_use]
    pub const fn now(&self) -> DateTime<Utc> {
        self.moment.now()
    }

    /// A scope that binds `tenant` in a transaction that sees all: onboarding writes a new tenant's rows this way, as the
    /// platform's own work.
    pub(crate) fn scope(&mut self, tenant: TenantId) -> Scope<'_> {
        Scope { conn: self.conn, tenant, actor: &WORKER, moment: self.moment, changes: self.changes, locked: None }
    }
}

/// What a repository stamps on a new row: its id, its tenant, and both times.
macro_rules! stamped {
    ($table:ident, $scope:expr, $id:expr) => {
        (
            $table::id.eq($id),
            $table::tenant_id.eq($scope.tenant),
            $table::created_at.eq($scope.now()),
            $table::updated_at.eq($scope.now()),
        )
    };
}
pub(crate) use stamped;
