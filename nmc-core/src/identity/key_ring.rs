//! Making and replacing API keys (source line 41), with the rights of whoever acts: no key may do more than its maker.

use super::random::ApiKeyText;
use super::{Actor, ApiKey, ApiKeyPatch, NewApiKey, Permission};
use crate::store::TenantTx;
use crate::{ApiKeyId, Error, Patch, Result};
use chrono::{DateTime, TimeDelta, Utc};

/// The longest time for which a key goes on after it was replaced.
pub const LONGEST_OVERLAP: TimeDelta = TimeDelta::days(30);

/// A key to make.
#[derive(Debug, Clone)]
pub struct KeyOrder {
    /// What it is for; up to 100 characters.
    pub name: String,
    /// What it may do; none twice. At least one.
    pub scopes: Vec<Permission>,
    /// Refused from this instant on.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Makes a key. Its text is shown here alone; the hash of its secret is kept.
///
/// # Errors
/// [`Error::Forbidden`] without [`Permission::ApiKeysWrite`], or for a scope that the maker lacks; [`Error::Invalid`] on a
/// broken rule.
pub fn make_key(tx: &mut TenantTx<'_>, actor: &Actor, order: &KeyOrder) -> Result<(ApiKey, ApiKeyText)> {
    let actor = &actor.held(tx)?;
    must_hand_out(actor, &order.scopes)?;
    within_ones_own(tx, actor, order.expires_at)?;
    if order.scopes.is_empty() {
        return Err(Error::invalid("scopes", "must name at least one"));
    }
    let text = ApiKeyText::random()?;
    let key = tx.api_keys().create(&NewApiKey {
        name: order.name.clone(),
        prefix: text.prefix().to_owned(),
        secret_hash: text.hash(),
        scopes: order.scopes.iter().map(|scope| scope.label().to_owned()).collect(),
        created_by: actor.user(),
        expires_at: order.expires_at,
    })?;
    Ok((key, text))
}

/// Changes a key's name, scopes or end.
///
/// # Errors
/// [`Error::Forbidden`] as in [`make_key`], for what it could do before as for what it is to do; [`Error::NotFound`];
/// [`Error::Conflict`] when it is revoked; [`Error::Invalid`] on a broken rule.
pub fn change_key(tx: &mut TenantTx<'_>, actor: &Actor, id: ApiKeyId, patch: &ApiKeyPatch) -> Result<ApiKey> {
    let actor = &actor.held(tx)?;
    actor.must(Permission::ApiKeysWrite)?;
    if actor.api_key() == Some(id) {
        return Err(Error::Forbidden("an API key can't change itself"));
    }
    let key = tx.api_keys().lock(id)?;
    if let Some(expires_at) = patch.expires_at.into_change() {
        within_ones_own(tx, actor, expires_at)?;
    }
    must_hand_out(actor, &known(&key.scopes))?;
    if let Some(scopes) = &patch.scopes {
        if scopes.is_empty() {
            return Err(Error::invalid("scopes", "must name at least one"));
        }
        must_hand_out(actor, &scopes.iter().map(|scope| scope.parse()).collect::<Result<Vec<_>>>()?)?;
    }
    tx.api_keys().update(id, patch)
}

/// Replaces a key by another of the same name, scopes and end. The old one goes on for `overlap`, so that its holder can
/// change over; with none it is revoked at once.
///
/// # Errors
/// [`Error::Forbidden`] as in [`make_key`]; [`Error::NotFound`]; [`Error::Conflict`] when the key is not in force;
/// [`Error::Invalid`] when `overlap` is negative or longer than [`LONGEST_OVERLAP`].
pub fn rotate_key(tx: &mut TenantTx<'_>, actor: &Actor, id: ApiKeyId, overlap: TimeDelta) -> Result<(ApiKey, ApiKeyText)> {
    actor.must(Permission::ApiKeysWrite)?;
    if !(TimeDelta::zero()..=LONGEST_OVERLAP).contains(&overlap) {
        return Err(Error::invalid(
            "overlap_seconds",
            format!("must be between 0 and {} seconds", LONGEST_OVERLAP.num_seconds()),
        ));
    }
    let old = tx.api_keys().lock(id)?;
    if !old.is_in_force(tx.now()) {
        return Err(Error::Conflict { field: "API key", rule: "is not in force" });
    }
    let order = KeyOrder { name: old.name, scopes: known(&old.scopes), expires_at: old.expires_at };
    let made = make_key(tx, actor, &order)?;
    let end = tx.now() + overlap;
    if overlap.is_zero() {
        tx.api_keys().revoke(id)?;
    } else if old.expires_at.is_none_or(|expires_at| expires_at > end) {
        tx.api_keys().update(id, &ApiKeyPatch { expires_at: Patch::Set(end), ..ApiKeyPatch::default() })?;
    }
    Ok(made)
}

/// Refuses a key from now on. Twice is once.
///
/// # Errors
/// [`Error::Forbidden`] without [`Permission::ApiKeysWrite`]; [`Error::NotFound`].
pub fn revoke_key(tx: &mut TenantTx<'_>, actor: &Actor, id: ApiKeyId) -> Result<ApiKey> {
    actor.must(Permission::ApiKeysWrite)?;
    tx.api_keys().revoke(id)
}

/// What a key makes must end when it does itself, or it would live on in that.
fn within_ones_own(tx: &mut TenantTx<'_>, actor: &Actor, expires_at: Option<DateTime<Utc>>) -> Result<()> {
    let Some(own) = actor.api_key() else { return Ok(()) };
    match (tx.api_keys().get(own)?.expires_at, expires_at) {
        (None, _) => Ok(()),
        (Some(end), Some(expires_at)) if expires_at <= end => Ok(()),
        _ => Err(Error::Forbidden("a key may give no key a later end than its own")),
    }
}

fn must_hand_out(actor: &Actor, scopes: &[Permission]) -> Result<()> {
    actor.must(Permission::ApiKeysWrite)?;
    if scopes.iter().all(|scope| actor.may(*scope)) {
        Ok(())
    } else {
        Err(Error::Forbidden("a key may do no more than who makes it"))
    }
}

/// A scope of a later version means nothing to this one, and is not handed on.
fn known(scopes: &[String]) -> Vec<Permission> {
    scopes.iter().filter_map(|scope| scope.parse().ok()).collect()
}
