//! Making and replacing API keys, with the rights of whoever acts: no key may do more than its maker. Every
//! key goes back to a person, or to nobody if an operator said so; it does no more than that person may at the time, and ends
//! with their account.
//!
//! | made by | goes back to |
//! |---|---|
//! | a user | that user |
//! | a key | whom that key goes back to |
//! | an operator | the user they name ([`make_key_for`]), or nobody ([`make_service_key`]) |
//! | rotation, by anybody | whom the old key goes back to |

use super::random::ApiKeyText;
use super::{Actor, ApiKey, ApiKeyPatch, NewApiKey, Permission};
use crate::store::TenantTx;
use crate::{ApiKeyId, Error, Patch, Result, UserId, UserRole};
use chrono::{DateTime, TimeDelta, Utc};

/// The longest time for which a key goes on after it was replaced.
pub const LONGEST_OVERLAP: TimeDelta = TimeDelta::days(30);

/// An API key to make.
#[derive(Debug, Clone)]
pub struct KeyOrder {
    /// The purpose of the key; up to 100 characters.
    pub name: String,
    /// The permissions of the key; none twice. At least one.
    pub scopes: Vec<Permission>,
    /// The instant from which on the key is refused.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Makes a key that goes back to the user who acts, or to whom the acting key goes back to. Its text is shown here alone; the
/// hash of its secret is kept.
///
/// # Errors
/// [`Error::Forbidden`] without [`Permission::ApiKeysWrite`], for a scope that the maker lacks, and to an operator, who says
/// whose it is; [`Error::Invalid`] on a broken rule.
pub fn make_key(tx: &mut TenantTx<'_>, order: &KeyOrder) -> Result<(ApiKey, ApiKeyText)> {
    let actor = tx.actor();
    if actor.user().is_none() && actor.api_key().is_none() {
        return Err(Error::Forbidden("whoever runs NeverMissCall says whose key it is: a user's, or nobody's"));
    }
    issue(tx, order, actor.goes_back_to())
}

/// Makes a key that goes back to a user, for an operator.
///
/// # Errors
/// [`Error::Forbidden`] to anybody else; [`Error::NotFound`]; [`Error::Conflict`] when the user is deactivated;
/// [`Error::Invalid`] of `scopes` that the user's role does not have, and on a broken rule.
pub fn make_key_for(tx: &mut TenantTx<'_>, user: UserId, order: &KeyOrder) -> Result<(ApiKey, ApiKeyText)> {
    must_be_an_operator(tx)?;
    let user = tx.users().lock(user)?;
    if !user.is_active {
        return Err(Error::conflict("user", "is deactivated"));
    }
    if let Some(beyond) = order.scopes.iter().find(|scope| !scope.is_of(user.role)) {
        return Err(Error::invalid("scopes", format!("must be among what the user's role has, unlike {beyond}")));
    }
    issue(tx, order, Some(user.id))
}

/// Makes a key that goes back to nobody, for an operator: no account that ends or changes its role takes anything from it.
///
/// # Errors
/// [`Error::Forbidden`] to anybody else; [`Error::Invalid`] on a broken rule.
pub fn make_service_key(tx: &mut TenantTx<'_>, order: &KeyOrder) -> Result<(ApiKey, ApiKeyText)> {
    must_be_an_operator(tx)?;
    issue(tx, order, None)
}

fn must_be_an_operator(tx: &TenantTx<'_>) -> Result<()> {
    if tx.actor().is_operator() {
        Ok(())
    } else {
        Err(Error::Forbidden("only whoever runs NeverMissCall makes keys for others, or for nobody"))
    }
}

/// The one place where a key comes from.
fn issue(tx: &mut TenantTx<'_>, order: &KeyOrder, goes_back_to: Option<UserId>) -> Result<(ApiKey, ApiKeyText)> {
    tx.held_actor()?.must_hand_out(&order.scopes)?;
    within_ones_own(tx, order.expires_at)?;
    if order.scopes.is_empty() {
        return Err(Error::invalid("scopes", "must name at least one"));
    }
    let text = ApiKeyText::random()?;
    let key = tx.api_keys().create(&NewApiKey {
        name: order.name.clone(),
        prefix: text.prefix().to_owned(),
        secret_hash: text.hash(),
        scopes: order.scopes.iter().map(|scope| scope.label().to_owned()).collect(),
        goes_back_to,
        expires_at: order.expires_at,
    })?;
    Ok((key, text))
}

/// Changes a key's name, scopes or end.
///
/// # Errors
/// [`Error::Forbidden`] as in [`make_key`], for what it could do before as for what it is to do, and for scopes and end of a key
/// that goes back to somebody else who is not of a lower role; [`Error::NotFound`];
/// [`Error::Conflict`] when it is revoked; [`Error::Invalid`] on a broken rule.
pub fn change_key(tx: &mut TenantTx<'_>, id: ApiKeyId, patch: &ApiKeyPatch) -> Result<ApiKey> {
    let actor = tx.held_actor()?;
    actor.must(Permission::ApiKeysWrite)?;
    if actor.api_key() == Some(id) {
        return Err(Error::Forbidden("an API key can't change itself"));
    }
    let key = tx.api_keys().lock(id)?;
    if let Some(expires_at) = patch.expires_at.into_change() {
        within_ones_own(tx, expires_at)?;
    }
    actor.must_hand_out(&known(&key.scopes))?;
    if (patch.scopes.is_some() || patch.expires_at.into_change().is_some())
        && let Some(role) = role_of_another(tx, &key)?
    {
        actor.must_stand_above(role)?;
    }
    if let Some(scopes) = &patch.scopes {
        if scopes.is_empty() {
            return Err(Error::invalid("scopes", "must name at least one"));
        }
        actor.must_hand_out(&scopes.iter().map(|scope| scope.parse()).collect::<Result<Vec<_>>>()?)?;
    }
    tx.api_keys().update(id, patch)
}

/// Replaces a key by another of the same name, scopes and end, which goes back to whom the old one does. The old one goes on
/// for `overlap`, so that its holder can change over; with none it is revoked at once.
///
/// # Errors
/// [`Error::Forbidden`] as in [`make_key`], and for a key that goes back to somebody else who is not of a lower role: whoever
/// rotates it knows it; [`Error::NotFound`]; [`Error::Conflict`] when the key is not in force;
/// [`Error::Invalid`] when `overlap` is negative or longer than [`LONGEST_OVERLAP`].
pub fn rotate_key(tx: &mut TenantTx<'_>, id: ApiKeyId, overlap: TimeDelta) -> Result<(ApiKey, ApiKeyText)> {
    tx.must(Permission::ApiKeysWrite)?;
    if !(TimeDelta::zero()..=LONGEST_OVERLAP).contains(&overlap) {
        return Err(Error::invalid(
            "overlap_seconds",
            format!("must be between 0 and {} seconds", LONGEST_OVERLAP.num_seconds()),
        ));
    }
    let old = tx.api_keys().lock(id)?;
    if !old.is_in_force(tx.now()) {
        return Err(Error::conflict("API key", "is not in force"));
    }
    let actor = tx.held_actor()?;
    if let Some(role) = role_of_another(tx, &old)? {
        actor.must_stand_above(role)?;
    }
    let order = KeyOrder { name: old.name, scopes: known(&old.scopes), expires_at: old.expires_at };
    let made = issue(tx, &order, old.created_by)?;
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
pub fn revoke_key(tx: &mut TenantTx<'_>, id: ApiKeyId) -> Result<ApiKey> {
    tx.must(Permission::ApiKeysWrite)?;
    tx.api_keys().revoke(id)
}

/// What a key makes must end when it does itself, or it would live on in that.
fn within_ones_own(tx: &mut TenantTx<'_>, expires_at: Option<DateTime<Utc>>) -> Result<()> {
    let Some(own) = tx.actor().api_key() else { return Ok(()) };
    match (tx.api_keys().get(own)?.expires_at, expires_at) {
        (None, _) => Ok(()),
        (Some(end), Some(expires_at)) if expires_at <= end => Ok(()),
        _ => Err(Error::Forbidden("a key may give no key a later end than its own")),
    }
}

/// The role of the person a key goes back to, if that is somebody else, or the one that its scopes are of, if that is higher: the person's was
/// lowered, and may be raised again. Whoever rotates or widens such a key could go on with it after their own account has ended: only who stands
/// above that may, and operators.
fn role_of_another(tx: &mut TenantTx<'_>, key: &ApiKey) -> Result<Option<UserRole>> {
    let Some(person) = key.created_by.filter(|person| tx.actor().goes_back_to() != Some(*person)) else { return Ok(None) };
    let role = tx.users().lock(person)?.role;
    let scopes = known(&key.scopes);
    let has_all = |role: &UserRole| scopes.iter().all(|scope| scope.is_of(*role));
    let of_scopes = UserRole::ALL.iter().copied().filter(has_all).min_by_key(|role| role.rank()).unwrap_or(UserRole::Owner);
    Ok(Some(if of_scopes.rank() > role.rank() { of_scopes } else { role }))
}

impl Actor {
    /// Insists that they may give a key these scopes.
    fn must_hand_out(&self, scopes: &[Permission]) -> Result<()> {
        self.must(Permission::ApiKeysWrite)?;
        if scopes.iter().all(|scope| self.may(*scope)) {
            Ok(())
        } else {
            Err(Error::Forbidden("a key may do no more than who makes it"))
        }
    }
}

/// A scope of a later version means nothing to this one, and is not handed on.
fn known(scopes: &[String]) -> Vec<Permission> {
    scopes.iter().filter_map(|scope| scope.parse().ok()).collect()
}
