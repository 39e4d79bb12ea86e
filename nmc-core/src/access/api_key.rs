//! API keys: with one, another program acts for a tenant.

use super::{Permission, TokenHash};
use crate::error::found;
use crate::page::{Cursor, Page, PageRequest, keyset};
use crate::schema::{api_keys as keys, tenants, users};
use crate::store::{Scope, SystemTx, Tenant, TenantTx, stamped};
use crate::types::bounds::instant;
use crate::types::{named, required};
use crate::{ApiKeyId, Error, Patch, Result, TenantId, UserId, UserRole, Version};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use std::collections::HashSet;

/// One API key, without the hash of its secret, which only authentication reads.
#[derive(Debug, Clone, PartialEq, HasQuery)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
#[diesel(table_name = keys, check_for_backend(Pg))]
#[expect(missing_docs, reason = "the columns are documented in the schema")]
pub struct ApiKey {
    pub id: ApiKeyId,
    pub tenant_id: TenantId,
    pub name: String,
    pub prefix: String,
    pub scopes: Vec<String>,
    pub created_by: Option<UserId>,
    pub expires_at: Option<DateTime<Utc>>,
    pub last_used_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl ApiKey {
    /// Whether the key is accepted at an instant: neither revoked nor expired.
    #[must_use]
    pub fn is_in_force(&self, at: DateTime<Utc>) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| end > at)
    }

    /// The version of the key, which uses of it leave as it is.
    #[must_use]
    pub fn version(&self) -> Version {
        let end = |end: Option<DateTime<Utc>>| end.map_or(String::new(), |end| end.timestamp_micros().to_string());
        let (expires, revoked) = (end(self.expires_at), end(self.revoked_at));
        let mut parts = vec![self.name.as_str(), &expires, &revoked];
        parts.extend(self.scopes.iter().map(String::as_str));
        Version::of_content(&parts)
    }
}

/// An API key to add.
#[derive(Debug, Clone)]
pub struct NewApiKey {
    /// The purpose of the key; up to 100 characters.
    pub name: String,
    /// The public start of the key; up to 16 characters, unique over all tenants.
    pub prefix: String,
    /// The hash of the key's secret, which was shown once.
    pub secret_hash: TokenHash,
    /// The scopes that say what the key may do: up to 50, of 1 to 100 characters each, none twice. Empty means nothing.
    pub scopes: Vec<String>,
    /// The user it goes back to, whoever makes it; `None`: nobody.
    pub goes_back_to: Option<UserId>,
    /// The instant from which on the key is refused.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Changes of a key.
#[derive(Debug, Clone, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct ApiKeyPatch {
    /// The purpose of the key; up to 100 characters.
    pub name: Option<String>,
    /// The scopes the key has from now on, instead of all it had; bounded as in [`NewApiKey`].
    pub scopes: Option<Vec<String>>,
    /// The instant from which on the key is refused, which lies in the future.
    pub expires_at: Patch<DateTime<Utc>>,
}

/// A filter of API keys. Empty means all.
#[derive(Debug, Clone, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct ApiKeyFilter {
    /// Whether the keys are in force now (true), or revoked or expired (false).
    pub in_force: Option<bool>,
    /// The user to whom the keys go back.
    pub created_by: Option<UserId>,
    /// Whether the keys go back to nobody (true) or to somebody (false).
    pub is_nobodys: Option<bool>,
}

/// A tenant's API keys.
pub struct ApiKeys<'a>(Scope<'a>);

impl TenantTx<'_> {
    /// The tenant's API keys.
    pub const fn api_keys(&mut self) -> ApiKeys<'_> {
        ApiKeys(self.0.reborrow())
    }
}

/// A use within this time of the last one that was noted is not noted: a busy key must not write with every request.
pub(super) const USES_NOTED_APART: TimeDelta = TimeDelta::seconds(60);

fn filtered<'q, ST>(
    mut query: keys::BoxedQuery<'q, Pg, ST>,
    filter: &ApiKeyFilter,
    now: DateTime<Utc>,
) -> keys::BoxedQuery<'q, Pg, ST> {
    let lasts = keys::expires_at.is_null().or(keys::expires_at.assume_not_null().gt(now));
    match filter.in_force {
        Some(true) => query = query.filter(keys::revoked_at.is_null().and(lasts)),
        Some(false) => query = query.filter(keys::revoked_at.is_not_null().or(diesel::dsl::not(lasts))),
        None => {}
    }
    if let Some(user) = filter.created_by {
        query = query.filter(keys::created_by.eq(user));
    }
    match filter.is_nobodys {
        Some(true) => query = query.filter(keys::created_by.is_null()),
        Some(false) => query = query.filter(keys::created_by.is_not_null()),
        None => {}
    }
    query
}

fn bounded(scopes: &[String]) -> Result<Vec<String>> {
    if scopes.len() > 50 {
        return Err(Error::invalid("scopes", "must be at most 50"));
    }
    let scopes = scopes.iter().map(|scope| required("scopes", scope, 100)).collect::<Result<Vec<String>>>()?;
    if scopes.iter().collect::<HashSet<_>>().len() < scopes.len() {
        return Err(Error::invalid("scopes", "must not name one twice"));
    }
    Ok(scopes)
}

fn in_future(expires_at: DateTime<Utc>, now: DateTime<Utc>) -> Result<()> {
    instant("expires_at", expires_at)?;
    if expires_at > now { Ok(()) } else { Err(Error::invalid("expires_at", "must be in the future")) }
}

impl ApiKeys<'_> {
    /// The key, if it is there.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Internal`].
    pub fn find(&mut self, id: ApiKeyId) -> Result<Option<ApiKey>> {
        Ok(ApiKey::query().filter(keys::tenant_id.eq(self.0.tenant)).filter(keys::id.eq(id)).first(self.0.conn).optional()?)
    }

    /// The API key with this id.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn get(&mut self, id: ApiKeyId) -> Result<ApiKey> {
        found(self.find(id)?, "API key")
    }

    /// The key, which stays as it is until the transaction ends.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn lock(&mut self, id: ApiKeyId) -> Result<ApiKey> {
        let query = ApiKey::query().filter(keys::tenant_id.eq(self.0.tenant)).filter(keys::id.eq(id)).for_update();
        found(query.first(self.0.conn).optional()?, "API key")
    }

    /// The key with this prefix, if it is this tenant's.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn find_by_prefix(&mut self, prefix: &str) -> Result<Option<ApiKey>> {
        Ok(ApiKey::query()
            .filter(keys::tenant_id.eq(self.0.tenant))
            .filter(keys::prefix.eq(prefix))
            .first(self.0.conn)
            .optional()?)
    }

    /// A page of keys, newest first.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn list(&mut self, filter: &ApiKeyFilter, page: PageRequest) -> Result<Page<ApiKey>> {
        let query = filtered(ApiKey::query().filter(keys::tenant_id.eq(self.0.tenant)).into_boxed(), filter, self.0.now());
        let rows = keyset(query, page, keys::created_at, keys::id).load(self.0.conn)?;
        Ok(Page::from_rows(rows, page, |row: &ApiKey| Cursor { at: row.created_at, id: row.id.uuid() }))
    }

    /// The number of keys that a filter finds.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn count(&mut self, filter: &ApiKeyFilter) -> Result<i64> {
        let query = keys::table.filter(keys::tenant_id.eq(self.0.tenant)).count();
        Ok(filtered(query.into_boxed(), filter, self.0.now()).get_result(self.0.conn)?)
    }

    /// Adds a key. That whom it goes back to exists is known when the transaction commits.
    ///
    /// # Errors
    /// [`Error::Conflict`] on a prefix that is taken, [`Error::Invalid`] on a broken rule.
    pub fn create(&mut self, new: &NewApiKey) -> Result<ApiKey> {
        new.expires_at.map(|end| in_future(end, self.0.now())).transpose()?;
        let id = ApiKeyId::new(self.0.moment.id());
        Ok(diesel::insert_into(keys::table)
            .values((
                keys::name.eq(named("name", &new.name, 100)?),
                keys::prefix.eq(required("prefix", &new.prefix, 16)?),
                keys::secret_hash.eq(new.secret_hash.bytes()),
                keys::scopes.eq(bounded(&new.scopes)?),
                keys::created_by.eq(new.goes_back_to),
                keys::expires_at.eq(new.expires_at),
                stamped!(keys, self.0, id),
            ))
            .returning(ApiKey::as_returning())
            .get_result(self.0.conn)?)
    }

    /// Changes a key. One that has expired may be given more time; one that was revoked stays as it is.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] when it is revoked; [`Error::Invalid`] on a broken rule.
    pub fn update(&mut self, id: ApiKeyId, patch: &ApiKeyPatch) -> Result<ApiKey> {
        if let Patch::Set(end) = patch.expires_at {
            in_future(end, self.0.now())?;
        }
        let row = diesel::update(keys::table)
            .filter(keys::tenant_id.eq(self.0.tenant))
            .filter(keys::id.eq(id))
            .filter(keys::revoked_at.is_null())
            .set((
                patch.name.as_deref().map(|name| named("name", name, 100)).transpose()?.map(|value| keys::name.eq(value)),
                patch.scopes.as_deref().map(bounded).transpose()?.map(|value| keys::scopes.eq(value)),
                patch.expires_at.into_change().map(|value| keys::expires_at.eq(value)),
                keys::updated_at.eq(self.0.now()),
            ))
            .returning(ApiKey::as_returning())
            .get_result(self.0.conn)
            .optional()?;
        match row {
            Some(row) => Ok(row),
            None => self.get(id).and(Err(Error::conflict("API key", "is revoked"))),
        }
    }

    /// Refuses the key from now on. Revoking twice is revoking once: the first time stays.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn revoke(&mut self, id: ApiKeyId) -> Result<ApiKey> {
        diesel::update(keys::table)
            .filter(keys::tenant_id.eq(self.0.tenant))
            .filter(keys::id.eq(id))
            .filter(keys::revoked_at.is_null())
            .set((keys::revoked_at.eq(self.0.now()), keys::updated_at.eq(self.0.now())))
            .execute(self.0.conn)?;
        self.get(id)
    }

    /// Notes that the key was used now, once a minute at the most, and says whether it did. It does not, either, when
    /// there is no such key: every request pays for this, so it is one statement. `updated_at` moves along; its trigger
    /// lets no UPDATE leave it.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn mark_used(&mut self, id: ApiKeyId) -> Result<bool> {
        let noted = self.0.now() - USES_NOTED_APART;
        let rows = diesel::update(keys::table)
            .filter(keys::tenant_id.eq(self.0.tenant))
            .filter(keys::id.eq(id))
            .filter(keys::last_used_at.is_null().or(keys::last_used_at.assume_not_null().lt(noted)))
            .set((keys::last_used_at.eq(self.0.now()), keys::updated_at.eq(self.0.now())))
            .execute(self.0.conn)?;
        Ok(rows > 0)
    }

    /// Removes a key that is refused anyway.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] while it is neither revoked nor expired.
    pub fn delete(&mut self, id: ApiKeyId) -> Result<()> {
        let rows = diesel::delete(keys::table)
            .filter(keys::tenant_id.eq(self.0.tenant))
            .filter(keys::id.eq(id))
            .filter(
                keys::revoked_at
                    .is_not_null()
                    .or(keys::expires_at.is_not_null().and(keys::expires_at.assume_not_null().le(self.0.now()))),
            )
            .execute(self.0.conn)?;
        if rows > 0 {
            return Ok(());
        }
        self.get(id).and(Err(Error::conflict("API key", "is in force; revoke it first")))
    }
}

/// A key, and the user it goes back to with their role.
pub(super) type KeyAndHuman = (ApiKey, Option<(UserId, UserRole)>);

impl SystemTx<'_> {
    /// The tenant that a key was made for, if the key is in force, the tenant is active, and the secret shown is the key's:
    /// without the secret there is no proof. A wrong secret and a prefix that nobody has look alike; the hashes are compared
    /// in constant time. A key does no more than whom it goes back to may now: scopes that their role does not have are left
    /// out, and when they are deactivated or gone it is not in force.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Internal`].
    pub fn find_api_key(&mut self, prefix: &str, shown: &TokenHash) -> Result<Option<(Tenant, ApiKey)>> {
        Ok(self.find_key_and_human(prefix, shown)?.map(|(tenant, (key, _))| (tenant, key)))
    }

    /// The key with this prefix, together with whom it goes back to.
    pub(super) fn find_key_and_human(&mut self, prefix: &str, shown: &TokenHash) -> Result<Option<(Tenant, KeyAndHuman)>> {
        type Row = (ApiKey, Vec<u8>, Option<(UserRole, bool)>);
        let row: Option<Row> = keys::table
            .inner_join(tenants::table.on(tenants::id.eq(keys::tenant_id)))
            .left_join(users::table.on(users::tenant_id.eq(keys::tenant_id).and(users::id.nullable().eq(keys::created_by))))
            .filter(tenants::is_active)
            .filter(keys::prefix.eq(prefix))
            .select((ApiKey::as_select(), keys::secret_hash, (users::role, users::is_active).nullable()))
            .first(self.conn)
            .optional()?;
        let Some((mut key, hash, standing)) = row else { return Ok(None) };
        let role = standing.filter(|(_, is_active)| *is_active).map(|(role, _)| role);
        let human = key.created_by.zip(role);
        let is_vouched_for = key.created_by.is_none() || human.is_some();
        if let Some((_, role)) = human {
            key.scopes.retain(|scope| scope.parse().is_ok_and(|permission: Permission| permission.is_of(role)));
        }
        let hash = hash.try_into().map_err(|_| Error::internal("a secret's hash is not 32 bytes long"))?;
        let is_shown = TokenHash::new(hash) == *shown;
        let is_let_in = is_shown && is_vouched_for && key.is_in_force(self.now());
        Ok(is_let_in.then(|| (Tenant::proven(key.tenant_id), (key, human))))
    }
}
