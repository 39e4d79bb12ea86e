//! API keys, from the text that is shown once to its end.

use super::*;
use nmc_core::access::{
    ApiKey, ApiKeyPatch, ApiKeyText, KeyOrder, LONGEST_OVERLAP, Permission, change_key, make_key, make_service_key, revoke_key,
    rotate_key,
};
use nmc_core::people::UserPatch;
use nmc_core::{ApiKeyId, Patch};

fn order(scopes: &[Permission]) -> KeyOrder {
    KeyOrder { name: "the till".to_owned(), scopes: scopes.to_vec(), expires_at: None }
}

/// A key that the owner makes.
fn made(house: &House, order: &KeyOrder) -> (ApiKey, ApiKeyText) {
    let ada = house.bearer("ada");
    house.acting(&ada, |tx| make_key(tx, order)).unwrap()
}

fn shown(house: &House, text: &ApiKeyText) -> Credential {
    house.auth.credential(&text.text()).unwrap()
}

fn is_let_in(house: &House, text: &ApiKeyText) -> bool {
    match house.acting(&shown(house, text), |tx| Ok(tx.actor().api_key())) {
        Ok(key) => key.is_some(),
        other => {
            assert_eq!(unknown(other), "the API key is not in force");
            false
        }
    }
}

#[test]
fn a_key_is_shown_once_and_acts_for_its_business_alone() {
    let house = House::new();
    house.auth.register(&registration("Somebody Else", "cleo"), None).unwrap();
    let end = house.now() + TimeDelta::days(1);
    let (key, text) =
        made(&house, &KeyOrder { expires_at: Some(end), ..order(&[Permission::UsersRead, Permission::TenantRead]) });
    assert_eq!((key.name.as_str(), key.created_by, key.expires_at), ("the till", Some(house.ada), Some(end)));
    assert_eq!(key.scopes, ["users:read", "tenant:read"]);
    let shown_text = text.text().expose().to_owned();
    let secret_part = secret_of(&shown_text);
    assert_eq!(shown_text, format!("nmc_{}_{secret_part}", key.prefix));
    for Rows { table, rows } in house.everything() {
        assert!(rows.iter().all(|row| !row.contains(secret_part)), "{table}");
    }
    assert!(!format!("{key:?} {text:?} {:?}", shown(&house, &text)).contains(secret_part));

    let users = house.acting(&shown(&house, &text), |tx| {
        assert_eq!(tx.tenant(), house.tenant);
        tx.users().count(&Default::default())
    });
    assert_eq!(users.unwrap(), 1, "those of its own business");
    // A wrong secret and a prefix that nobody has are one.
    let wrong = ApiKeyText::random().unwrap().text().expose().to_owned();
    let forged = format!("nmc_{}_{}", key.prefix, secret_of(&wrong));
    for text in [forged, wrong] {
        assert!(!is_let_in(&house, &text.parse().unwrap()), "{text}");
    }
    for text in ["nmc_", "nmc_a_b", &shown_text[..shown_text.len() - 1], &format!("{shown_text}A")] {
        assert_eq!(unknown(house.auth.credential(&secret(text))), "the API key is not one of ours", "{text}");
    }
}

#[test]
fn key_expired_revoked_or_of_a_suspended_business_is_refused() {
    let house = House::new();
    let ada = house.bearer("ada");
    let end = house.now() + TimeDelta::minutes(1);
    let (_, mortal) = made(&house, &KeyOrder { expires_at: Some(end), ..order(&[Permission::TenantRead]) });
    let (key, text) = made(&house, &order(&[Permission::TenantRead]));
    house.clock.advance(end - house.now() - TimeDelta::seconds(1));
    assert!(is_let_in(&house, &mortal) && is_let_in(&house, &text));
    house.pass(1);
    assert!(!is_let_in(&house, &mortal) && is_let_in(&house, &text));

    let suspend = |active: bool| {
        let status = if active { "active" } else { "suspended" };
        house.db.execute(&format!("UPDATE tenants SET status = '{status}', is_active = {active}"));
    };
    suspend(false);
    assert!(!is_let_in(&house, &text));
    suspend(true);
    assert!(is_let_in(&house, &text));

    house.pass(1);
    let revoke = || house.acting(&ada, |tx| revoke_key(tx, key.id)).unwrap();
    let first = revoke();
    assert_eq!(first.revoked_at, Some(house.now()));
    assert!(!is_let_in(&house, &text));
    house.pass(1);
    assert_eq!(revoke(), first, "twice is once");
    house.refused("API key is not in force", || house.acting(&ada, |tx| rotate_key(tx, key.id, TimeDelta::zero())));
    let renamed = ApiKeyPatch { name: Some("another".to_owned()), ..ApiKeyPatch::default() };
    house.refused("API key is revoked", || house.acting(&ada, |tx| change_key(tx, key.id, &renamed)));
}

#[test]
fn a_key_does_no_more_than_its_maker_may_now() {
    use Permission::{TenantRead, TenantWrite};
    let house = House::new();
    house.add("ben", UserRole::Owner);
    let both = order(&[TenantRead, TenantWrite]);
    let (_, hers) = made(&house, &both);
    let (_, ours) = house.operator(|tx| make_service_key(tx, &both)).unwrap();
    let may = |text: &ApiKeyText| {
        let key = shown(&house, text);
        house.acting(&key, |tx| Ok((tx.may(TenantRead)?, tx.may(TenantWrite)?))).ok()
    };
    let change = |patch: UserPatch| house.tx(|tx| tx.users().update(house.ada, &patch)).unwrap();
    assert_eq!(may(&hers), Some((true, true)));
    change(UserPatch { role: Some(UserRole::Viewer), ..UserPatch::default() });
    assert_eq!(may(&hers), Some((true, false)), "as much as a viewer");
    change(UserPatch { is_active: Some(false), ..UserPatch::default() });
    assert_eq!(may(&hers), None, "nothing");
    assert_eq!(may(&ours), Some((true, true)), "a key of the operators is nobody's");
    change(UserPatch { is_active: Some(true), role: Some(UserRole::Admin), ..UserPatch::default() });
    assert_eq!(may(&hers), Some((true, true)), "and back");
}

#[test]
fn a_key_does_not_outlive_itself() {
    let house = House::new();
    let ends = Some(house.now() + TimeDelta::days(1));
    let (own, text) = made(&house, &KeyOrder { expires_at: ends, ..order(&[Permission::ApiKeysWrite]) });
    let key = shown(&house, &text);
    let later = "a key may give no key a later end than its own";
    for expires_at in [None, Some(house.now() + TimeDelta::days(2))] {
        let order = KeyOrder { expires_at, ..order(&[Permission::ApiKeysWrite]) };
        house.refused(later, || house.acting(&key, |tx| make_key(tx, &order)));
    }
    let endless = ApiKeyPatch { expires_at: Patch::Clear, ..ApiKeyPatch::default() };
    house.refused("an API key can't change itself", || house.acting(&key, |tx| change_key(tx, own.id, &endless)));
    let order = KeyOrder { expires_at: ends, ..order(&[Permission::ApiKeysWrite]) };
    let (made, _) = house.acting(&key, |tx| make_key(tx, &order)).unwrap();
    house.refused(later, || house.acting(&key, |tx| change_key(tx, made.id, &endless)));
    let (next, _) = house.acting(&key, |tx| rotate_key(tx, own.id, TimeDelta::hours(1))).unwrap();
    assert_eq!(next.expires_at, ends, "it may be replaced, and ends when it would have");
}

#[test]
fn rotated_key_works_for_the_overlap_and_no_longer() {
    let house = House::new();
    let ada = house.bearer("ada");
    let end = house.now() + TimeDelta::days(9);
    let rotate = |id: ApiKeyId, overlap: TimeDelta| {
        house.pass(1);
        house.acting(&ada, |tx| rotate_key(tx, id, overlap))
    };
    let (old, old_text) = made(&house, &KeyOrder { expires_at: Some(end), ..order(&[Permission::UsersRead]) });
    let (new, new_text) = rotate(old.id, TimeDelta::hours(1)).unwrap();
    assert_eq!((&new.name, &new.scopes, new.expires_at), (&old.name, &old.scopes, Some(end)));
    assert!(new.id != old.id && new.prefix != old.prefix);
    let at = house.now();
    assert!(is_let_in(&house, &old_text) && is_let_in(&house, &new_text));
    house.clock.advance(at + TimeDelta::hours(1) - house.now() - TimeDelta::seconds(1));
    assert!(is_let_in(&house, &old_text));
    house.pass(1);
    assert!(!is_let_in(&house, &old_text) && is_let_in(&house, &new_text));

    let ada = house.bearer("ada");
    let rotate = |id: ApiKeyId, overlap: TimeDelta| house.acting(&ada, |tx| rotate_key(tx, id, overlap));
    let (third, third_text) = rotate(new.id, TimeDelta::zero()).unwrap();
    assert!(!is_let_in(&house, &new_text) && is_let_in(&house, &third_text), "with none it ends at once");
    // An overlap gives no key more time than it had.
    house.clock.advance(end - house.now() - TimeDelta::hours(1));
    let ada = house.bearer("ada");
    let rotate = |id: ApiKeyId, overlap: TimeDelta| house.acting(&ada, |tx| rotate_key(tx, id, overlap));
    rotate(third.id, TimeDelta::days(2)).unwrap();
    assert_eq!(house.tx(|tx| tx.api_keys().get(third.id)).unwrap().expires_at, Some(end));

    let words = "overlap_seconds must be between 0 and 2592000 seconds";
    for overlap in [TimeDelta::seconds(-1), LONGEST_OVERLAP + TimeDelta::seconds(1)] {
        house.refused(words, || rotate(third.id, overlap));
    }
    house.refused("API key not found", || rotate(ApiKeyId::new(uuid::Uuid::now_v7()), TimeDelta::zero()));
}

#[test]
fn no_key_does_more_than_who_makes_changes_or_rotates_it() {
    use Permission::{ApiKeysWrite, TenantRead, UsersRead, UsersWrite};
    let house = House::new();
    let wider = "a key may do no more than who makes it";
    let (ada, ben) = (house.bearer("ada"), house.add("ben", UserRole::Operator));
    let his = house.bearer("ben");
    assert_eq!(
        forbidden(house.acting(&his, |tx| make_key(tx, &order(&[TenantRead])))),
        "your role does not allow that: it lacks api-keys:write"
    );
    assert_eq!(house.tx(|tx| tx.users().get(ben)).unwrap().role, UserRole::Operator);

    let (narrow, narrow_text) = made(&house, &order(&[ApiKeysWrite, TenantRead]));
    let (wide, _) = made(&house, &order(&[UsersRead, UsersWrite]));
    let (plain, plain_text) = made(&house, &order(&[TenantRead, UsersRead]));
    let key = shown(&house, &narrow_text);
    let (_, made) = house.acting(&key, |tx| make_key(tx, &order(&[TenantRead]))).unwrap();
    assert!(is_let_in(&house, &made), "as wide as itself");
    let scopes = |scopes: &[&str]| ApiKeyPatch {
        scopes: Some(scopes.iter().map(|scope| (*scope).to_owned()).collect()),
        ..ApiKeyPatch::default()
    };
    let renamed = ApiKeyPatch { name: Some("another".to_owned()), ..ApiKeyPatch::default() };
    house.refused(wider, || house.acting(&key, |tx| make_key(tx, &order(&[TenantRead, UsersRead]))));
    house.refused("an API key can't change itself", || {
        house.acting(&key, |tx| change_key(tx, narrow.id, &scopes(&["tenant:read", "users:write"])))
    });
    house.refused(wider, || house.acting(&key, |tx| change_key(tx, wide.id, &renamed)));
    house.refused(wider, || house.acting(&key, |tx| change_key(tx, wide.id, &scopes(&["tenant:read"]))));
    house.refused(wider, || house.acting(&key, |tx| rotate_key(tx, wide.id, TimeDelta::zero())));
    let lacks = "this API key lacks the scope api-keys:write";
    let without = shown(&house, &plain_text);
    house.acting(&without, |_| Ok(())).unwrap();
    house.refused(lacks, || house.acting(&without, |tx| make_key(tx, &order(&[TenantRead]))));
    house.refused(lacks, || house.acting(&without, |tx| revoke_key(tx, wide.id)));
    house.refused(lacks, || house.acting(&without, |tx| rotate_key(tx, plain.id, TimeDelta::zero())));
    house.refused(lacks, || house.acting(&without, |tx| change_key(tx, plain.id, &renamed)));

    for (what, words) in [
        (scopes(&[]), "scopes must name at least one"),
        (scopes(&["tenant:read", "tenant:read"]), "scopes must not name one twice"),
        (ApiKeyPatch { expires_at: Patch::Set(house.now()), ..ApiKeyPatch::default() }, "expires_at must be in the future"),
    ] {
        house.refused(words, || house.acting(&ada, |tx| change_key(tx, plain.id, &what)));
    }
    let strange = house.acting(&ada, |tx| change_key(tx, plain.id, &scopes(&["everything"]))).unwrap_err().to_string();
    assert!(strange.starts_with("scopes must be among: tenant:read, tenant:write, "), "{strange}");
    house.refused("scopes must name at least one", || house.acting(&ada, |tx| make_key(tx, &order(&[]))));
    house.refused("scopes must not name one twice", || house.acting(&ada, |tx| make_key(tx, &order(&[UsersRead, UsersRead]))));
    house.refused("name must not be empty", || {
        house.acting(&ada, |tx| make_key(tx, &KeyOrder { name: " ".to_owned(), ..order(&[UsersRead]) }))
    });

    house.pass(1);
    let changed = house.acting(&ada, |tx| change_key(tx, plain.id, &scopes(&["users:read"]))).unwrap();
    assert_eq!(changed.scopes, ["users:read"]);
    let may = house.acting(&without, |tx| Ok((tx.may(TenantRead)?, tx.may(UsersRead)?))).unwrap();
    assert_eq!(may, (false, true), "from the next request on");
}

#[test]
fn scope_of_a_later_version_means_nothing_and_is_not_passed_on() {
    let house = House::new();
    let (key, text) = made(&house, &order(&[Permission::UsersRead]));
    house.db.execute("UPDATE api_keys SET scopes = ARRAY['users:read', 'moon:write']");
    let may =
        house.acting(&shown(&house, &text), |tx| Ok(Permission::ALL.iter().filter(|scope| tx.may(**scope).unwrap()).count()));
    assert_eq!(may.unwrap(), 1);
    let ada = house.bearer("ada");
    let (new, _) = house.acting(&ada, |tx| rotate_key(tx, key.id, TimeDelta::zero())).unwrap();
    assert_eq!(new.scopes, ["users:read"]);
}

#[test]
fn a_keys_last_use_is_noted_once_a_minute() {
    let house = House::new();
    let (key, text) = made(&house, &order(&[Permission::TenantRead]));
    let used = || {
        assert!(is_let_in(&house, &text));
        house.tx(|tx| tx.api_keys().get(key.id)).unwrap().last_used_at
    };
    let first = house.pass(1);
    assert_eq!(used(), Some(first));
    house.pass(59);
    assert_eq!(used(), Some(first));
    house.pass(1);
    let came = used();
    assert!(came == Some(first) || came == Some(house.now()), "{came:?}");
    let later = house.pass(60);
    assert_eq!(used(), Some(later));
    // A transaction that only reads can't note it: another does.
    let later = house.pass(120);
    house.db.store.reading().acting(&shown(&house, &text), |_| Ok(())).unwrap();
    assert_eq!(house.tx(|tx| tx.api_keys().get(key.id)).unwrap().last_used_at, Some(later));
    // Nor is it where the request is refused for lack of a right secret.
    house.pass(120);
    let forged = format!("nmc_{}_{}", key.prefix, secret_of(ApiKeyText::random().unwrap().text().expose()));
    assert!(!is_let_in(&house, &forged.parse().unwrap()));
    assert_eq!(house.tx(|tx| tx.api_keys().get(key.id)).unwrap().last_used_at, Some(later));
    let writes = at_once(8, |_| is_let_in(&house, &text));
    assert_eq!(writes, [true; 8]);
    // Where it can't be noted, what was read is read.
    house.pass(120);
    house.db.execute("REVOKE UPDATE ON api_keys FROM nmc_tenant");
    assert_eq!(house.db.store.reading().acting(&shown(&house, &text), |_| Ok(7)).unwrap(), 7);
}
