//! The ways into a transaction: as whom, and with whose errors.

use super::tx::{Person, Reason, Scope, SystemTx, Tenant, TenantTx};
use super::{Access, Found, Store, enter_system, enter_tenant, outside};
use crate::actor::{APPLICATION, Actor, OPERATOR, WORKER};
use crate::clock::Moment;
use crate::{Error, Result, UserId};
use diesel::connection::SimpleConnection as _;
use std::marker::PhantomData;

/// The ways into a transaction whose closure fails with an error of the caller's own: see [`Store::failing_with`].
#[derive(Debug)]
pub struct Transactions<'s, E> {
    store: &'s Store,
    access: Access,
    error: PhantomData<fn() -> E>,
}

impl<E> Clone for Transactions<'_, E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> Copy for Transactions<'_, E> {}

impl Store {
    /// The ways into a transaction for closures that fail with an error of your own. It needs a `From<nmc_core::Error>`, so that `?`
    /// works in the closure, and for what the store itself has to say. The error is named once, here, rather than at every
    /// call, as closures whose errors come from `?` alone would have to:
    ///
    /// ```no_run
    /// # use nmc_core::{CallId, Store, Tenant, calls::Call};
    /// #[derive(Debug, thiserror::Error)]
    /// enum AppError {
    ///     #[error(transparent)]
    ///     Store(#[from] nmc_core::Error),
    ///     #[error("the call is too old to be charged for")]
    ///     TooOld,
    /// }
    ///
    /// fn charge(store: &Store, tenant: &Tenant, call: CallId) -> Result<Call, AppError> {
    ///     store.failing_with::<AppError>().tenant(tenant, |tx| {
    ///         let call = tx.calls().get(call)?;
    ///         if call.created_at < tx.now() - chrono::TimeDelta::days(90) {
    ///             return Err(AppError::TooOld);
    ///         }
    ///         Ok(call)
    ///     })
    /// }
    /// ```
    ///
    /// A transaction that lost against another is run again whatever the closure makes of the error: the store sees it on the
    /// connection.
    #[must_use]
    pub const fn failing_with<E: From<Error>>(&self) -> Transactions<'_, E> {
        Transactions { store: self, access: Access::Write, error: PhantomData }
    }

    /// The ways into a transaction that writes nothing and whose statements all read one state, whatever is committed meanwhile:
    /// for a report or a summary, which several statements make.
    ///
    /// ```no_run
    /// # use nmc_core::{Result, Store, Tenant, workflows::{Summary, SummaryPeriod, summary}};
    /// fn today(store: &Store, tenant: &Tenant) -> Result<Summary> {
    ///     store.reading().tenant(tenant, |tx| summary(tx, SummaryPeriod::Today))
    /// }
    /// ```
    #[must_use]
    pub const fn reading(&self) -> Transactions<'_, Error> {
        Transactions { store: self, access: Access::Read, error: PhantomData }
    }

    /// Runs `work` in a transaction that sees `tenant`'s rows, as the application that embeds this library, for nobody in
    /// particular: what is written names no user, and no permission is asked for. It may run several times (it is retried when
    /// it loses against another transaction), so it must do nothing that a rollback can't undo.
    ///
    /// # Errors
    /// What `work` returns; [`Error::Unavailable`] when the database is not to be had.
    pub fn tenant<T>(&self, tenant: &Tenant, work: impl Fn(&mut TenantTx<'_>) -> Result<T>) -> Result<T> {
        self.failing_with().tenant(tenant, work)
    }

    /// Runs `work` as [`Self::tenant`] does, on behalf of a user whom the application has logged in by itself: what is written
    /// names them, and what asks for a permission asks whether they have it. It costs no statement more.
    ///
    /// That it is this user who acts is taken on trust. A row or an event that names them is refused when it is written or the
    /// transaction commits, unless they are a user of this tenant. Whether they are active is looked at only where a
    /// permission is asked for.
    ///
    /// # Errors
    /// As [`Self::tenant`].
    pub fn tenant_on_behalf_of<T>(
        &self,
        tenant: &Tenant,
        user: UserId,
        work: impl Fn(&mut TenantTx<'_>) -> Result<T>,
    ) -> Result<T> {
        self.failing_with().tenant_on_behalf_of(tenant, user, work)
    }

    /// Runs `work` as [`Self::tenant`] does, as an operator of the installation: they may do all that the owner of the business
    /// may, and more.
    ///
    /// # Errors
    /// As [`Self::tenant`].
    pub fn as_operator<T>(&self, tenant: &Tenant, work: impl Fn(&mut TenantTx<'_>) -> Result<T>) -> Result<T> {
        self.failing_with().as_operator(tenant, work)
    }

    /// Runs `work` as [`Self::tenant`] does, holding `person`'s lock from the first moment to the commit, for free: it is taken
    /// in the round trip that begins the transaction.
    ///
    /// # Errors
    /// As [`Self::tenant`]; [`Error::Unavailable`] also when the lock is not to be had in time.
    pub fn tenant_and_person<T>(
        &self,
        tenant: &Tenant,
        person: &Person,
        work: impl Fn(&mut TenantTx<'_>) -> Result<T>,
    ) -> Result<T> {
        self.failing_with().tenant_and_person(tenant, person, work)
    }

    /// Runs `work` in a transaction of `tenant`, as the platform's own work.
    pub(crate) fn worker<T>(&self, tenant: &Tenant, work: impl Fn(&mut TenantTx<'_>) -> Result<T>) -> Result<T> {
        self.failing_with().worker(tenant, work)
    }

    /// Runs `work` in a transaction of `tenant` as this actor, holding `person`'s lock if there is one.
    pub(crate) fn tenant_as<T>(
        &self,
        actor: &Actor,
        tenant: &Tenant,
        person: Option<&Person>,
        work: impl Fn(&mut TenantTx<'_>) -> Result<T>,
    ) -> Result<T> {
        self.failing_with().tenant_as(actor, tenant, person, work)
    }

    /// Runs `work` in a transaction that sees all tenants' rows, for a stated reason.
    ///
    /// # Errors
    /// As [`Self::tenant`].
    pub fn system<T>(&self, reason: Reason, work: impl Fn(&mut SystemTx<'_>) -> Result<T>) -> Result<T> {
        self.failing_with().system(reason, work)
    }

    /// Finds the tenant as the system, then goes on as that tenant in the same transaction, holding `person`'s lock:
    /// for whoever knows a number and must learn whose it is. `work` also gets what else `find` found. It is the embedding
    /// application that acts, for nobody in particular.
    ///
    /// # Errors
    /// As [`Self::tenant`].
    pub fn found_tenant<F, T>(
        &self,
        reason: Reason,
        person: Option<&Person>,
        find: impl Fn(&mut SystemTx<'_>) -> Result<(Tenant, F)>,
        work: impl Fn(&mut TenantTx<'_>, F) -> Result<T>,
    ) -> Result<T> {
        self.failing_with().found_tenant(reason, person, find, work)
    }

    /// Finds the tenant as [`Self::found_tenant`] does, and goes on as the platform's own work: the way of a webhook.
    pub(crate) fn found_by_worker<F, T>(
        &self,
        reason: Reason,
        person: Option<&Person>,
        find: impl Fn(&mut SystemTx<'_>) -> Result<(Tenant, F)>,
        work: impl Fn(&mut TenantTx<'_>, F) -> Result<T>,
    ) -> Result<T> {
        self.failing_with().found_by_worker(reason, person, find, work)
    }

    /// Runs a worker's transaction as [`Self::found_by_worker`] does; where `find` has led the transaction to the tenant already
    /// and has taken `person`'s lock there, that is not done again.
    pub(crate) fn found_or_entered<F, T>(
        &self,
        reason: Reason,
        person: Option<&Person>,
        find: impl Fn(&mut SystemTx<'_>) -> Result<(Found, F)>,
        work: impl Fn(&mut TenantTx<'_>, F) -> Result<T>,
    ) -> Result<T> {
        self.failing_with().found_tenant_as(&WORKER, reason, person, find, work)
    }
}

impl<E: From<Error>> Transactions<'_, E> {
    /// Whether these transactions write nothing.
    pub(crate) fn only_read(&self) -> bool {
        self.access == Access::Read
    }

    /// Notes something apart from a transaction that only reads, which has succeeded: that this fails, as on a server that takes no changes
    /// now, is logged and nobody's concern.
    pub(crate) fn note_apart(&self, tenant: &Tenant, work: impl Fn(&mut TenantTx<'_>) -> Result<()>) {
        if let Err(error) = self.store.worker(tenant, work) {
            tracing::warn!(tenant = %tenant.id(), error = error.causes(), "the use of a credential could not be noted");
        }
    }

    /// Runs a tenant's transaction, as [`Store::tenant`] does.
    ///
    /// # Errors
    /// What `work` returns; what the store has to say, as a [`enum@Error`] within yours.
    pub fn tenant<T>(&self, tenant: &Tenant, work: impl Fn(&mut TenantTx<'_>) -> Result<T, E>) -> Result<T, E> {
        self.tenant_as(&APPLICATION, tenant, None, work)
    }

    /// Runs a tenant's transaction on behalf of a user, as [`Store::tenant_on_behalf_of`] does.
    ///
    /// # Errors
    /// As [`Self::tenant`].
    pub fn tenant_on_behalf_of<T>(
        &self,
        tenant: &Tenant,
        user: UserId,
        work: impl Fn(&mut TenantTx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.tenant_as(&Actor::on_behalf_of(user), tenant, None, work)
    }

    /// Runs a tenant's transaction as an operator, as [`Store::as_operator`] does.
    ///
    /// # Errors
    /// As [`Self::tenant`].
    pub fn as_operator<T>(&self, tenant: &Tenant, work: impl Fn(&mut TenantTx<'_>) -> Result<T, E>) -> Result<T, E> {
        self.tenant_as(&OPERATOR, tenant, None, work)
    }

    /// Runs a tenant's transaction that holds the lock of a person, as [`Store::tenant_and_person`] does.
    ///
    /// # Errors
    /// As [`Self::tenant`].
    pub fn tenant_and_person<T>(
        &self,
        tenant: &Tenant,
        person: &Person,
        work: impl Fn(&mut TenantTx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.tenant_as(&APPLICATION, tenant, Some(person), work)
    }

    pub(crate) fn worker<T>(&self, tenant: &Tenant, work: impl Fn(&mut TenantTx<'_>) -> Result<T, E>) -> Result<T, E> {
        self.tenant_as(&WORKER, tenant, None, work)
    }

    fn tenant_as<T>(
        &self,
        actor: &Actor,
        tenant: &Tenant,
        person: Option<&Person>,
        work: impl Fn(&mut TenantTx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let store = self.store;
        store.retried(|| {
            store.transaction(self.access, &enter_tenant(&store.config.schema, *tenant, person), |link, moment, changes| {
                work(&mut TenantTx(Scope::new(&mut link.conn, *tenant, actor, person, moment, changes)))
            })
        })
    }

    /// Runs a transaction of the system, as [`Store::system`] does.
    ///
    /// # Errors
    /// As [`Self::tenant`].
    pub fn system<T>(&self, reason: Reason, work: impl Fn(&mut SystemTx<'_>) -> Result<T, E>) -> Result<T, E> {
        tracing::trace!(?reason, "system transaction");
        let store = self.store;
        store.retried(|| {
            store.transaction(self.access, &enter_system(&store.config.schema), |link, moment, changes| {
                work(&mut SystemTx { conn: &mut link.conn, moment, changes })
            })
        })
    }

    /// Runs a transaction of the tenant that `find` finds, as [`Store::found_tenant`] does.
    ///
    /// # Errors
    /// As [`Self::tenant`].
    pub fn found_tenant<F, T>(
        &self,
        reason: Reason,
        person: Option<&Person>,
        find: impl Fn(&mut SystemTx<'_>) -> Result<(Tenant, F), E>,
        work: impl Fn(&mut TenantTx<'_>, F) -> Result<T, E>,
    ) -> Result<T, E> {
        self.found_tenant_as(&APPLICATION, reason, person, |tx| find(tx).map(outside), work)
    }

    pub(crate) fn found_by_worker<F, T>(
        &self,
        reason: Reason,
        person: Option<&Person>,
        find: impl Fn(&mut SystemTx<'_>) -> Result<(Tenant, F), E>,
        work: impl Fn(&mut TenantTx<'_>, F) -> Result<T, E>,
    ) -> Result<T, E> {
        self.found_tenant_as(&WORKER, reason, person, |tx| find(tx).map(outside), work)
    }

    fn found_tenant_as<F, T>(
        &self,
        actor: &Actor,
        reason: Reason,
        person: Option<&Person>,
        find: impl Fn(&mut SystemTx<'_>) -> Result<(Found, F), E>,
        work: impl Fn(&mut TenantTx<'_>, F) -> Result<T, E>,
    ) -> Result<T, E> {
        tracing::trace!(?reason, "system transaction");
        let store = self.store;
        store.retried(|| {
            store.transaction(self.access, &enter_system(&store.config.schema), |link, moment, changes| {
                let (tenant, found) = match find(&mut SystemTx { conn: &mut link.conn, moment, changes })? {
                    (Found::Inside(tenant), found) => (tenant, found),
                    (Found::Outside(tenant), found) => {
                        let entered = link.conn.batch_execute(&enter_tenant(&store.config.schema, tenant, person));
                        entered.map_err(Error::from)?;
                        (tenant, found)
                    }
                };
                // The clock is read again: the wait for the lock may have been long, and times follow the lock's order.
                let moment = Moment::of(&*store.config.clock);
                work(&mut TenantTx(Scope::new(&mut link.conn, tenant, actor, person, &moment, changes)), found)
            })
        })
    }
}
