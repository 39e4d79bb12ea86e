//! Whom an API key goes back to, in every way one is made: it does no more than they may, and ends with their account.

use super::*;
use nmc_core::access::{
    ApiKey, ApiKeyPatch, ApiKeyText, KeyOrder, Permission, change_key, make_key, make_key_for, make_service_key, revoke_key,
    rotate_key,
};
use nmc_core::people::{UserPatch, change_user, invite_again};
use nmc_core::testing::wait_until;
use nmc_core::{ApiKeyId, Confirmed};

/// An admin lowers a peer's role, rotates their key, whose text they see then, and raises them again.
#[test]
fn lowered_role_makes_nobody_s_key_a_peer_s_to_rotate() {
    let (house, ben, keys) = scene();
    house.add("cleo", UserRole::Admin);
    let cleo = house.bearer("cleo");
    let role = |role| UserPatch { role: Some(role), ..UserPatch::default() };
    house.acting(&cleo, |tx| change_user(tx, ben, &role(UserRole::Viewer))).unwrap();
    let (key, _) = &keys.last().unwrap().1;
    let rotated = house.acting(&cleo, |tx| rotate_key(tx, key.id, TimeDelta::hours(1)));
    assert!(matches!(rotated, Err(Error::Forbidden(_))), "{rotated:?}");
    house.acting(&house.bearer("ada"), |tx| rotate_key(tx, key.id, TimeDelta::hours(1))).unwrap();
}

type Made = (ApiKey, ApiKeyText);

const SCOPES: [Permission; 4] =
    [Permission::TenantRead, Permission::TenantWrite, Permission::UsersWrite, Permission::ApiKeysWrite];

fn order() -> KeyOrder {
    KeyOrder { name: "the till".to_owned(), scopes: SCOPES.to_vec(), expires_at: None }
}

fn by(house: &House, who: &Credential) -> Made {
    house.acting(who, |tx| make_key(tx, &order())).unwrap()
}

fn rotated_by(house: &House, who: &Credential, key: ApiKeyId) -> Made {
    house.acting(who, |tx| rotate_key(tx, key, TimeDelta::hours(1))).unwrap()
}

fn rotated_by_operator(house: &House, key: ApiKeyId) -> Made {
    house.operator(|tx| rotate_key(tx, key, TimeDelta::hours(1))).unwrap()
}

fn shown(made: &Made) -> Credential {
    Credential::from(made.1.clone())
}

/// A business of two owners and an admin, ben, and the keys that go back to him, by how they were made.
fn scene() -> (House, UserId, Vec<(&'static str, Made)>) {
    let house = House::new();
    let ben = house.add("ben", UserRole::Admin);
    let (ada, his) = (house.bearer("ada"), house.bearer("ben"));
    let first = by(&house, &his);
    let keys = vec![
        ("made by a key", by(&house, &shown(&first))),
        ("made by a key of a key", by(&house, &shown(&by(&house, &shown(&first))))),
        ("rotated by himself", rotated_by(&house, &his, by(&house, &his).0.id)),
        ("rotated by another user", rotated_by(&house, &ada, by(&house, &his).0.id)),
        ("rotated by itself", {
            let own = by(&house, &his);
            rotated_by(&house, &shown(&own), own.0.id)
        }),
        ("rotated by a key of a key", {
            let second = by(&house, &shown(&first));
            rotated_by(&house, &shown(&second), second.0.id)
        }),
        ("rotated by an operator", rotated_by_operator(&house, by(&house, &his).0.id)),
        ("made for him by an operator", house.operator(|tx| make_key_for(tx, ben, &order())).unwrap()),
        ("made by himself", first),
    ];
    (house, ben, keys)
}

/// The scopes a key is let in with; none when it is not.
fn may(house: &House, made: &Made) -> Option<Vec<Permission>> {
    let scopes = |tx: &mut TenantTx<'_>| Ok(SCOPES.into_iter().filter(|scope| tx.may(*scope).unwrap()).collect());
    house.acting(&shown(made), scopes).ok()
}

#[test]
fn every_way_of_making_a_key_goes_back_to_its_human() {
    let (house, ben, keys) = scene();
    for (how, made) in &keys {
        assert_eq!(made.0.created_by, Some(ben), "{how}");
        assert_eq!(may(&house, made), Some(SCOPES.to_vec()), "{how}");
    }
}

#[test]
fn keys_of_a_deactivated_human_are_refused_however_made() {
    let (house, ben, keys) = scene();
    let off = UserPatch { is_active: Some(false), ..UserPatch::default() };
    let on = UserPatch { is_active: Some(true), ..UserPatch::default() };
    house.tx(|tx| tx.users().update(ben, &off)).unwrap();
    for (how, made) in &keys {
        unknown(house.acting(&shown(made), |tx| change_user(tx, ben, &on)));
        assert_eq!(may(&house, made), None, "{how}");
        let next = rotated_by_operator(&house, made.0.id);
        assert_eq!(may(&house, &next), None, "{how}, and rotated afterwards");
    }
    assert!(!house.tx(|tx| tx.users().get(ben)).unwrap().is_active);
}

/// What was theirs before comes back when they do, with another password, and not when somebody asks them to.
#[test]
fn deactivated_human_invited_again_is_back_once_they_accept() {
    let (house, ben, keys) = scene();
    let off = UserPatch { is_active: Some(false), ..UserPatch::default() };
    house.tx(|tx| tx.users().update(ben, &off)).unwrap();
    let (_, token) = house.operator(|tx| invite_again(tx, ben)).unwrap();
    let login = |password: &str| house.auth.login(&email("ben"), &secret(password), &Origin::default()).is_ok();
    assert!(!login(PASSWORD), "the password of before");
    for (how, made) in &keys {
        assert_eq!(may(&house, made), None, "{how}");
    }
    house.auth.accept_invitation(&token.text(), &secret("another horse battery")).unwrap();
    assert!(!login(PASSWORD) && login("another horse battery"));
    assert_eq!(may(&house, &keys[0].1), Some(SCOPES.to_vec()));

    let (_, token) = house.operator(|tx| invite_again(tx, ben)).unwrap();
    house.tx(|tx| tx.users().update(ben, &off)).unwrap();
    assert!(house.auth.accept_invitation(&token.text(), &secret("a third horse battery")).is_err(), "deactivated again");
}

#[test]
fn keys_of_a_demoted_human_do_no_more_than_they_may() {
    let (house, ben, keys) = scene();
    let viewer = UserPatch { role: Some(UserRole::Viewer), ..UserPatch::default() };
    house.tx(|tx| tx.users().update(ben, &viewer)).unwrap();
    for (how, made) in &keys {
        assert_eq!(may(&house, made), Some(vec![Permission::TenantRead]), "{how}");
        forbidden(house.acting(&shown(made), |tx| make_key(tx, &order())));
        let next = rotated_by_operator(&house, made.0.id);
        assert_eq!(may(&house, &next), Some(vec![Permission::TenantRead]), "{how}, and rotated afterwards");
    }
}

#[test]
fn keys_of_a_deleted_human_are_gone_however_made() {
    let (house, ben, keys) = scene();
    let kept = house.operator(|tx| make_service_key(tx, &order())).unwrap();
    house.tx(|tx| tx.users().delete(ben, Confirmed::irrevocably())).unwrap();
    for (how, made) in &keys {
        assert_eq!(may(&house, made), None, "{how}");
        assert!(house.tx(|tx| tx.api_keys().find(made.0.id)).unwrap().is_none(), "{how}");
    }
    assert!(may(&house, &kept).is_some());
}

#[test]
fn an_operators_key_is_nobodys_on_their_word_and_stays_so() {
    let house = House::new();
    let ben = house.add("ben", UserRole::Admin);
    let his = house.bearer("ben");
    house.refused("whoever runs NeverMissCall says whose key it is: a user's, or nobody's", || {
        house.operator(|tx| make_key(tx, &order()))
    });
    let made = house.operator(|tx| make_service_key(tx, &order())).unwrap();
    let next = rotated_by(&house, &his, made.0.id);
    let last = rotated_by_operator(&house, next.0.id);
    let of_a_key = by(&house, &shown(&last));
    house.tx(|tx| tx.users().delete(ben, Confirmed::irrevocably())).unwrap();
    for made in [made, next, last, of_a_key] {
        assert_eq!((made.0.created_by, may(&house, &made)), (None, Some(SCOPES.to_vec())));
    }
}

#[test]
fn only_operators_make_keys_for_others_and_within_their_role() {
    let house = House::new();
    let ben = house.add("ben", UserRole::Viewer);
    let ada = house.bearer("ada");
    let others = "only whoever runs NeverMissCall makes keys for others, or for nobody";
    assert_eq!(forbidden(house.acting(&ada, |tx| make_key_for(tx, ben, &order()))), others);
    assert_eq!(forbidden(house.acting(&ada, |tx| make_service_key(tx, &order()))), others);
    house.refused("scopes must be among what the user's role has, unlike tenant:write", || {
        house.operator(|tx| make_key_for(tx, ben, &order()))
    });
    let strange = UserId::new(uuid::Uuid::now_v7());
    house.refused("user not found", || house.operator(|tx| make_key_for(tx, strange, &order())));
    let off = UserPatch { is_active: Some(false), ..UserPatch::default() };
    house.tx(|tx| tx.users().update(ben, &off)).unwrap();
    house.refused("user is deactivated", || house.operator(|tx| make_key_for(tx, ben, &order())));
}

/// A request of a key that was let in before its human was deactivated comes to the row after that.
#[test]
fn a_key_whose_human_goes_meanwhile_makes_no_key() {
    let (house, ben, keys) = scene();
    let off = UserPatch { is_active: Some(false), ..UserPatch::default() };
    let key = shown(&keys[0].1);
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
    let came = std::thread::scope(|scope| {
        let request = std::cell::RefCell::new(None);
        let lose = house.tx(|tx| {
            tx.users().update(ben, &off)?;
            let make = || house.db.store.acting(&key, |tx| make_key(tx, &order()));
            *request.borrow_mut() = Some(scope.spawn(make));
            wait_until("it waits for the row", || house.db.query::<i64>(waits) == [1]);
            Ok(())
        });
        lose.unwrap();
        request.into_inner().unwrap().join().unwrap()
    });
    assert_eq!(unknown(came), "the API key is not in force");
}

#[test]
fn key_of_somebody_else_is_rotated_and_widened_from_above_only() {
    let house = House::new();
    house.add("ben", UserRole::Admin);
    house.add("cal", UserRole::Admin);
    let (ada, ben, cal) = (house.bearer("ada"), house.bearer("ben"), house.bearer("cal"));
    let (owners, bens) = (by(&house, &ada).0.id, by(&house, &ben).0.id);
    let wider = ApiKeyPatch { scopes: Some(vec!["tenant:read".to_owned()]), ..ApiKeyPatch::default() };
    for (who, key) in [(&ben, owners), (&cal, owners), (&cal, bens), (&shown(&by(&house, &cal)), bens)] {
        for refused in [
            house.acting(who, |tx| rotate_key(tx, key, TimeDelta::zero())).map(drop),
            house.acting(who, |tx| change_key(tx, key, &wider)).map(drop),
        ] {
            assert!(matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
        }
    }
    // Everybody who may write keys may still revoke one.
    house.acting(&cal, |tx| revoke_key(tx, owners)).unwrap();
    rotated_by(&house, &ada, bens);
}
