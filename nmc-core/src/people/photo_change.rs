//! Giving a user another photo, in two transactions: the first keeps the file and then names it in the profile, the second
//! removes the old file once no profile names it. A crash in between leaves at worst a file too many, and never a profile
//! that names no file.
//!
//! One picture may be several people's of a business, and lies there once. So that nobody removes what another is about to
//! name, both transactions hold the business's lock on its photos: the one from before it writes the file until its row is
//! committed, the other from before it looks for such rows until the file is gone.

use super::photo::Photo;
use super::photo_path::PhotoPath;
use super::profile::{Profile, ProfilePatch};
use crate::access::Acting;
use crate::error::found;
use crate::schema::user_profiles as profiles;
use crate::uploads::Uploads;
use crate::{Patch, ProfileId, Result, Store, TenantTx, UserId};
use chrono::{DateTime, Utc};
use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::BigInt;
use sha2::{Digest as _, Sha256};

/// The result of [`set_photo`].
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(not(feature = "testing"), non_exhaustive)]
pub struct PhotoChange {
    /// The profile, with its new photo.
    pub profile: Profile,
    /// The kept photo it had before, if that is another one: for [`forget_photo`], after the commit.
    pub replaced: Option<PhotoPath>,
}

/// Gives the user this photo, or none, and removes the one it replaces. That the old file could not be removed is logged
/// and no failure: the new photo is theirs.
///
/// # Errors
/// As [`set_photo`].
pub fn change_photo(store: &Store, who: &Acting, uploads: &Uploads, user: UserId, photo: Option<&Photo>) -> Result<Profile> {
    let PhotoChange { profile, replaced } = who.transaction(store, |tx| set_photo(tx, uploads, user, photo))?;
    if let Some(path) = replaced
        && let Err(error) = who.transaction(store, |tx| forget_photo(tx, uploads, &path))
    {
        tracing::warn!(error = error.causes(), "a replaced photo stays behind");
    }
    Ok(profile)
}

/// Gives the user this photo, or none. The file is kept before the row names it. Commit, and only then give what was
/// replaced to [`forget_photo`], in a transaction of its own.
///
/// # Errors
/// [`crate::Error::NotFound`] when the user has no profile; [`crate::Error::Unavailable`] when the photo can't be kept.
pub fn set_photo(tx: &mut TenantTx<'_>, uploads: &Uploads, user: UserId, photo: Option<&Photo>) -> Result<PhotoChange> {
    lock_photos(tx)?;
    let row: Option<(ProfileId, Option<String>, DateTime<Utc>)> = profiles::table
        .filter(profiles::tenant_id.eq(tx.0.tenant))
        .filter(profiles::user_id.eq(user))
        .select((profiles::id, profiles::profile_photo_url, profiles::updated_at))
        .for_no_key_update()
        .first(tx.0.conn)
        .optional()?;
    let (id, old, last_change) = found(row, "profile")?;
    tx.0.moment.come_after(last_change);
    let path = photo.map(|photo| uploads.keep(&tx.tenant(), photo)).transpose()?;
    let profile_photo_url = path.as_ref().map_or(Patch::Clear, |path| Patch::Set(path.to_string()));
    let profile = tx.profiles().update(id, &ProfilePatch { profile_photo_url, ..ProfilePatch::default() })?;
    // It may have been anything: an address elsewhere is not ours to remove.
    let replaced = old.and_then(|old| old.parse().ok()).filter(|old| Some(old) != path.as_ref());
    Ok(PhotoChange { profile, replaced: replaced.filter(|old: &PhotoPath| old.tenant() == tx.tenant().id()) })
}

/// Removes a kept photo, unless a profile of the tenant names it. Says whether it did.
///
/// # Errors
/// [`crate::Error::Unavailable`] when the file can't be removed; [`crate::Error::NotFound`] when it is another tenant's.
pub fn forget_photo(tx: &mut TenantTx<'_>, uploads: &Uploads, path: &PhotoPath) -> Result<bool> {
    lock_photos(tx)?;
    let named: bool = diesel::select(exists(
        profiles::table.filter(profiles::tenant_id.eq(tx.0.tenant)).filter(profiles::profile_photo_url.eq(path.to_string())),
    ))
    .get_result(tx.0.conn)?;
    if !named {
        uploads.remove(&tx.tenant(), path)?;
    }
    Ok(!named)
}

/// Takes the tenant's lock on its photos until the end of the transaction. Two tenants may share one by chance, which costs
/// a wait and nothing else.
fn lock_photos(tx: &mut TenantTx<'_>) -> Result<()> {
    let digest = Sha256::new().chain_update(b"nmc photo lock").chain_update(tx.0.tenant.uuid().as_bytes()).finalize();
    let key = digest.first_chunk::<8>().map_or(0, |bytes| i64::from_be_bytes(*bytes));
    sql_query("SELECT pg_advisory_xact_lock($1)").bind::<BigInt, _>(key).execute(tx.0.conn)?;
    Ok(())
}
