//! What a hostile tenant hears of people, keys and settings.

use super::{Ask, theirs, told};
use chrono::TimeDelta;
use nmc_core::access::{ApiKeyFilter, ApiKeyPatch, InvitationToken, NewApiKey, NewSession, SessionFilter, TokenHash};
use nmc_core::people::{
    AccountMailFilter, NewProfile, NewUser, PreferencesFilter, PreferencesPatch, PresenceFilter, ProfileFilter, ProfilePatch,
    UserFilter, UserPatch,
};
use nmc_core::tenants::BusinessSettingsPatch;
use nmc_core::tenants::TenantPatch;
use nmc_core::testing::{connection, query};
use nmc_core::{PageRequest, Patch, PresenceStatus, ProfileId, Secret, SessionEnd, TenantTx, UserId, UserRole, When};

fn login(tx: &TenantTx<'_>, user_id: UserId) -> NewSession {
    NewSession {
        user_id,
        token_family_hash: TokenHash::of(&Secret::new(format!("family of {user_id}"))),
        refresh_token_hash: TokenHash::of(&Secret::new(user_id.to_string())),
        expires_at: tx.now() + TimeDelta::hours(1),
        ip_address: None,
        user_agent: None,
        device_fingerprint: None,
    }
}

fn profile(user_id: UserId) -> NewProfile {
    let (first_name, last_name) = ("Mallory".to_owned(), "Hostile".to_owned());
    NewProfile { user_id, first_name, last_name, display_name: None, phone_number: None, timezone: None }
}

/// The real id where row-level security lets it be seen, and one that nobody has otherwise.
fn profile_of(tx: &mut TenantTx<'_>, user: UserId) -> ProfileId {
    let known: Vec<String> = query(connection(tx), &format!("SELECT id FROM user_profiles WHERE user_id = '{user}'"));
    known.first().map_or_else(|| ProfileId::new(uuid::Uuid::now_v7()), |id| id.parse().unwrap())
}

fn api_key(prefix: &str, goes_back_to: Option<UserId>) -> NewApiKey {
    NewApiKey {
        name: "a key".to_owned(),
        prefix: prefix.to_owned(),
        secret_hash: TokenHash::new([0; 32]),
        scopes: Vec::new(),
        goes_back_to,
        expires_at: None,
    }
}

#[rustfmt::skip] // a table
pub(super) const MATRIX: &[(&str, Ask)] = &[
    ("Tenants::get", |tx, _, _| tx.tenants().get().and_then(|row| told(row.business_name))),
    ("Tenants::lock", |tx, _, _| tx.tenants().lock().and_then(|row| told(row.business_name))),
    ("Tenants::set_owner to their user", |tx, _, theirs| tx.tenants().set_owner(Some(theirs.user)).map(|_| "made".to_owned())),
    ("Tenants::set_onboarding", |tx, _, _| told(tx.tenants().set_onboarding(2, false)?.business_name)),
    ("Tenants::update", |tx, _, _| {
        let patch = TenantPatch { business_type: Patch::Set("burglary".to_owned()), ..TenantPatch::default() };
        tx.tenants().update(&patch).and_then(|row| told(row.business_name))
    }),

    ("Tenants::business_hours", |tx, _, _| told(tx.tenants().business_hours()?.holidays)),
    ("Holidays::list", |tx, _, _| told(tx.holidays().list()?.len())),
    ("Holidays::upsert_by_day", |tx, _, _| tx.holidays().upsert_by_day("2026-12-24".parse().unwrap(), "Heist").map(|_| "made".to_owned())),
    ("Holidays::delete", |tx, _, _| tx.holidays().delete("2026-12-25".parse().unwrap()).map(|()| "gone".to_owned())),

    ("Users::find", |tx, _, theirs| told(tx.users().find(theirs.user)?)),
    ("Users::get", |tx, _, theirs| told(tx.users().get(theirs.user)?)),
    ("Users::has_password", |tx, _, theirs| told(tx.users().has_password(theirs.user)?)),
    ("Users::find_by_email", |tx, _, theirs| told(tx.users().find_by_email(&theirs.email)?)),
    ("Users::list", |tx, _, _| told(tx.users().list(&UserFilter::default(), PageRequest::first())?.items.len())),
    ("Users::count", |tx, _, _| told(tx.users().count(&UserFilter::default())?)),
    ("Users::create", |tx, own, _| {
        let email = format!("new.{}", own.email).parse()?;
        let (password_hash, email_verified) = ("$2b$".to_owned(), true);
        let new = NewUser { email, password_hash, first_name: None, last_name: None, role: UserRole::User, email_verified };
        tx.users().create(&new).map(|_| "made".to_owned())
    }),
    ("Users::update", |tx, _, theirs| told(tx.users().update(theirs.user, &UserPatch { is_active: Some(false), ..UserPatch::default() })?)),
    ("Users::set_password_hash", |tx, _, theirs| told(tx.users().set_password_hash(theirs.user, "$2b$")?)),
    ("Users::unlock", |tx, _, theirs| told(tx.users().unlock(theirs.user)?)),
    ("Logins::email_of", |tx, _, theirs| told(tx.logins().email_of(theirs.user)?)),
    ("Logins::record", |tx, _, theirs| told(tx.logins().record(theirs.user, "$2b$04$", false)?)),
    ("Users::lock", |tx, _, theirs| told(tx.users().lock(theirs.user)?)),
    ("Logins::replace_password_hash", |tx, _, theirs| told(tx.logins().replace_password_hash(theirs.user, "$2b$04$", "$2b$")?)),
    ("Users::set_invitation", |tx, _, theirs| {
        told(tx.users().set_invitation(&InvitationToken::random(theirs.user)?, TimeDelta::hours(1))?)
    }),
    ("Users::accept_invitation", |tx, _, theirs| {
        let token = format!("nmci_{}_{}", theirs.user.uuid().simple(), theirs::INVITATION).parse()?;
        told(tx.users().accept_invitation(&token, "$2b$")?)
    }),
    ("Users::delete", |tx, _, theirs| told(tx.users().delete(theirs.user, nmc_core::Confirmed::irrevocably())?)),

    ("AccountMails::list", |tx, _, _| {
        told(tx.account_mails().list(&AccountMailFilter::default(), PageRequest::first())?.items.len())
    }),
    ("AccountMails::list of their user", |tx, _, theirs| {
        let filter = AccountMailFilter { user: Some(theirs.user), ..AccountMailFilter::default() };
        told(tx.account_mails().list(&filter, PageRequest::first())?.items)
    }),

    ("Sessions::find", |tx, _, theirs| told(tx.sessions().find(theirs.session)?)),
    ("Sessions::get", |tx, _, theirs| told(tx.sessions().get(theirs.session)?)),
    ("Sessions::list", |tx, _, _| told(tx.sessions().list(&SessionFilter::default(), PageRequest::first())?.items.len())),
    ("Sessions::list of their user", |tx, _, theirs| {
        let filter = SessionFilter { user: Some(theirs.user), ..SessionFilter::default() };
        told(tx.sessions().list(&filter, PageRequest::first())?.items)
    }),
    ("Sessions::count", |tx, _, _| told(tx.sessions().count(&SessionFilter::default())?)),
    ("Sessions::count of their user", |tx, _, theirs| {
        told(tx.sessions().count(&SessionFilter { user: Some(theirs.user), ..SessionFilter::default() })?)
    }),
    ("Sessions::create", |tx, own, _| {
        let new = login(tx, own.user);
        tx.sessions().create(&new).map(|_| "made".to_owned())
    }),
    ("Sessions::create of their user", |tx, _, theirs| {
        let new = login(tx, theirs.user);
        told(tx.sessions().create(&new)?)
    }),
    ("Sessions::rotate", |tx, _, theirs| {
        let token = |text: &str| TokenHash::of(&Secret::new(text));
        told(tx.sessions().rotate(theirs.session, &token("shown"), &token("new"))?)
    }),
    ("Sessions::touch", |tx, _, theirs| told(tx.sessions().touch(theirs.session)?)),
    ("Sessions::end", |tx, _, theirs| told(tx.sessions().end(theirs.session, SessionEnd::Logout)?)),
    ("Sessions::end_all_of_user", |tx, _, theirs| told(tx.sessions().end_all_of_user(theirs.user, None, SessionEnd::Logout)?)),
    ("Sessions::end_all_of_user except their session", |tx, own, theirs| {
        told(tx.sessions().end_all_of_user(own.user, Some(theirs.session), SessionEnd::Logout)?)
    }),
    ("Sessions::end_all", |tx, _, _| told(tx.sessions().end_all(SessionEnd::Logout)?)),
    ("Sessions::delete_expired_of_user", |tx, _, theirs| {
        told(tx.sessions().delete_expired_of_user(theirs.user, When::Now)?)
    }),
    // Theirs has expired as well, where there are theirs.
    ("Sessions::delete_expired", |tx, _, _| {
        told(tx.sessions().delete_expired(When::Now, 100)?)
    }),

    ("Profiles::find", |tx, _, theirs| { let id = profile_of(tx, theirs.user); told(tx.profiles().find(id)?) }),
    ("Profiles::get", |tx, _, theirs| { let id = profile_of(tx, theirs.user); told(tx.profiles().get(id)?) }),
    ("Profiles::find_by_user", |tx, _, theirs| told(tx.profiles().find_by_user(theirs.user)?)),
    ("Profiles::get_by_user", |tx, _, theirs| told(tx.profiles().get_by_user(theirs.user)?)),
    ("Profiles::lock_by_user", |tx, _, theirs| told(tx.profiles().lock_by_user(theirs.user)?)),
    ("Profiles::list", |tx, _, _| told(tx.profiles().list(&ProfileFilter::default(), PageRequest::first())?.items.len())),
    ("Profiles::count", |tx, _, _| told(tx.profiles().count(&ProfileFilter::default())?)),
    ("Profiles::create", |tx, _, theirs| told(tx.profiles().create(&profile(theirs.user))?)),
    ("Profiles::update", |tx, _, theirs| {
        let id = profile_of(tx, theirs.user);
        told(tx.profiles().update(id, &ProfilePatch { is_active: Some(false), ..ProfilePatch::default() })?)
    }),
    ("Profiles::delete", |tx, _, theirs| { let id = profile_of(tx, theirs.user); told(tx.profiles().delete(id)?) }),

    ("PreferencesRepo::find", |tx, _, theirs| told(tx.preferences().find(theirs.user)?)),
    ("PreferencesRepo::get", |tx, _, theirs| told(tx.preferences().get(theirs.user)?)),
    ("PreferencesRepo::lock", |tx, _, theirs| told(tx.preferences().lock(theirs.user)?)),
    ("PreferencesRepo::list", |tx, _, _| told(tx.preferences().list(&PreferencesFilter::default(), PageRequest::first())?.items.len())),
    ("PreferencesRepo::count", |tx, _, _| told(tx.preferences().count(&PreferencesFilter::default())?)),
    ("PreferencesRepo::create", |tx, _, theirs| told(tx.preferences().create(theirs.user)?)),
    ("PreferencesRepo::insert_if_missing", |tx, _, theirs| told(tx.preferences().insert_if_missing(theirs.user)?)),
    ("PreferencesRepo::update", |tx, _, theirs| {
        told(tx.preferences().update(theirs.user, &PreferencesPatch { show_tutorial: Some(false), ..PreferencesPatch::default() })?)
    }),
    ("PreferencesRepo::delete", |tx, _, theirs| told(tx.preferences().delete(theirs.user)?)),

    ("Presences::find", |tx, _, theirs| told(tx.presences().find(theirs.user)?)),
    ("Presences::get", |tx, _, theirs| told(tx.presences().get(theirs.user)?)),
    ("Presences::list", |tx, _, _| told(tx.presences().list(&PresenceFilter::default(), PageRequest::first())?.items.len())),
    ("Presences::count", |tx, _, _| told(tx.presences().count(&PresenceFilter::default())?)),
    ("Presences::insert_if_missing", |tx, _, theirs| told(tx.presences().insert_if_missing(theirs.user)?)),
    ("Presences::heartbeat", |tx, _, theirs| told(tx.presences().heartbeat(theirs.user)?)),
    ("Presences::heartbeat of its own", |tx, own, _| told(tx.presences().heartbeat(own.user)?.is_online)),
    ("Presences::set", |tx, _, theirs| told(tx.presences().set(theirs.user, PresenceStatus::Busy, &Patch::Clear)?)),
    ("Presences::go_offline", |tx, _, theirs| told(tx.presences().go_offline(theirs.user)?)),
    ("Presences::track", |tx, _, theirs| told(tx.presences().track(theirs.user, false)?)),
    ("Presences::sweep", |tx, _, _| {
        told(tx.presences().sweep(When::In(TimeDelta::hours(1)))?)
    }),
    ("Presences::delete", |tx, _, theirs| told(tx.presences().delete(theirs.user)?)),

    ("ApiKeys::find", |tx, _, theirs| told(tx.api_keys().find(theirs.api_key)?)),
    ("ApiKeys::get", |tx, _, theirs| told(tx.api_keys().get(theirs.api_key)?)),
    ("ApiKeys::lock", |tx, _, theirs| told(tx.api_keys().lock(theirs.api_key)?)),
    ("ApiKeys::find_by_prefix", |tx, _, theirs| told(tx.api_keys().find_by_prefix(&theirs.api_key_prefix)?)),
    ("ApiKeys::list", |tx, _, _| told(tx.api_keys().list(&ApiKeyFilter::default(), PageRequest::first())?.items.len())),
    ("ApiKeys::list of their user", |tx, _, theirs| {
        let filter = ApiKeyFilter { created_by: Some(theirs.user), ..ApiKeyFilter::default() };
        told(tx.api_keys().list(&filter, PageRequest::first())?.items)
    }),
    ("ApiKeys::count", |tx, _, _| told(tx.api_keys().count(&ApiKeyFilter::default())?)),
    ("ApiKeys::count of their user", |tx, _, theirs| {
        told(tx.api_keys().count(&ApiKeyFilter { created_by: Some(theirs.user), ..ApiKeyFilter::default() })?)
    }),
    ("ApiKeys::create", |tx, own, _| tx.api_keys().create(&api_key("hostile", Some(own.user))).map(|_| "made".to_owned())),
    ("ApiKeys::create by their user", |tx, _, theirs| {
        tx.api_keys().create(&api_key("more hostile", Some(theirs.user))).map(|_| "made".to_owned())
    }),
    ("ApiKeys::update", |tx, _, theirs| {
        told(tx.api_keys().update(theirs.api_key, &ApiKeyPatch { scopes: Some(vec!["all".to_owned()]), ..ApiKeyPatch::default() })?)
    }),
    ("ApiKeys::revoke", |tx, _, theirs| told(tx.api_keys().revoke(theirs.api_key)?)),
    ("ApiKeys::mark_used", |tx, _, theirs| told(tx.api_keys().mark_used(theirs.api_key)?)),
    ("ApiKeys::delete", |tx, _, theirs| told(tx.api_keys().delete(theirs.api_key)?)),

    ("BusinessSettingsRepo::get", |tx, _, _| told(tx.business_settings().get()?.tenant_id == tx.tenant().id())),
    ("BusinessSettingsRepo::lock", |tx, _, _| told(tx.business_settings().lock()?.tenant_id == tx.tenant().id())),
    ("BusinessSettingsRepo::review_greeting", |tx, _, _| {
        told(tx.business_settings().review_greeting()?.tenant_id == tx.tenant().id())
    }),
    ("BusinessSettingsRepo::update", |tx, _, _| {
        let patch = BusinessSettingsPatch { greeting_cooldown_hours: Some(1), ..BusinessSettingsPatch::default() };
        told(tx.business_settings().update(&patch)?.tenant_id == tx.tenant().id())
    }),
];
