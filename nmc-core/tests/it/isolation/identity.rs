//! What a hostile tenant hears of people, keys and settings.

use super::{Ask, told};
use nmc_core::identity::{NewUser, TenantPatch, UserFilter, UserPatch};
use nmc_core::settings::BusinessSettingsPatch;
use nmc_core::{PageRequest, Patch, UserRole};

#[rustfmt::skip] // a table
pub(super) const MATRIX: &[(&str, Ask)] = &[
    ("Tenants::get", |tx, _, _| tx.tenants().get().and_then(|row| told(row.business_name))),
    ("Tenants::update", |tx, _, _| {
        let patch = TenantPatch { business_type: Patch::Set("burglary".to_owned()), ..TenantPatch::default() };
        tx.tenants().update(&patch).and_then(|row| told(row.business_name))
    }),

    ("Users::find", |tx, _, theirs| told(tx.users().find(theirs.user)?)),
    ("Users::get", |tx, _, theirs| told(tx.users().get(theirs.user)?)),
    ("Users::find_by_email", |tx, _, theirs| told(tx.users().find_by_email(&theirs.email)?)),
    ("Users::list", |tx, _, _| told(tx.users().list(&UserFilter::default(), PageRequest::first())?.items.len())),
    ("Users::count", |tx, _, _| told(tx.users().count(&UserFilter::default())?)),
    ("Users::create", |tx, own, _| {
        let email = format!("new.{}", own.email).parse()?;
        let new = NewUser { email, password_hash: "$2b$".to_owned(), first_name: None, last_name: None, role: UserRole::User };
        tx.users().create(&new).map(|_| "made".to_owned())
    }),
    ("Users::update", |tx, _, theirs| told(tx.users().update(theirs.user, &UserPatch { is_active: Some(false), ..UserPatch::default() })?)),
    ("Users::delete", |tx, _, theirs| told(tx.users().delete(theirs.user)?)),

    ("BusinessSettingsRepo::get", |tx, _, _| told(tx.business_settings().get()?.tenant_id == tx.tenant().id())),
    ("BusinessSettingsRepo::update", |tx, _, _| {
        let patch = BusinessSettingsPatch { greeting_cooldown_hours: Some(1), ..BusinessSettingsPatch::default() };
        told(tx.business_settings().update(&patch)?.tenant_id == tx.tenant().id())
    }),
];
