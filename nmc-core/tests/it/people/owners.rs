//! A business keeps an owner.

use super::*;
use nmc_core::people::{UserFilter, UserPatch, change_user};
use nmc_core::{Confirmed, PageRequest};

/// What makes an owner go.
#[derive(Debug, Clone, Copy)]
enum Go {
    Demoted,
    Deactivated,
    Deleted,
}

const WAYS: [Go; 3] = [Go::Demoted, Go::Deactivated, Go::Deleted];

fn let_go(tx: &mut TenantTx<'_>, user: UserId, how: Go) -> Result<()> {
    match how {
        Go::Demoted => change_user(tx, user, &UserPatch { role: Some(UserRole::Admin), ..UserPatch::default() }).map(drop),
        Go::Deactivated => change_user(tx, user, &UserPatch { is_active: Some(false), ..UserPatch::default() }).map(drop),
        Go::Deleted => tx.users().delete(user, Confirmed::irrevocably()),
    }
}

fn owners(house: &House) -> Vec<UserId> {
    let filter = UserFilter { role: Some(UserRole::Owner), is_active: Some(true), ..UserFilter::default() };
    let page = house.tx(|tx| tx.users().list(&filter, PageRequest::first())).unwrap();
    page.items.into_iter().map(|user| user.id).collect()
}

fn holder(house: &House) -> Option<UserId> {
    house.tx(|tx| tx.tenants().get()).unwrap().owner_id
}

#[test]
fn the_last_owner_stays_whoever_tries() {
    let house = House::new();
    let last = "user is the last owner; make another one first";
    house.add("admin", UserRole::Admin);
    let gone = house.add("gone", UserRole::Owner);
    house.tx(|tx| tx.users().update(gone, &UserPatch { is_active: Some(false), ..UserPatch::default() })).unwrap();
    let ada = house.bearer("ada");
    for how in WAYS {
        house.refused(last, || house.acting(&ada, |tx| let_go(tx, house.ada, how)));
        house.refused(last, || house.operator(|tx| let_go(tx, house.ada, how)));
    }
    // What does not make her go is free, and so is who is no owner any more.
    let same = UserPatch { role: Some(UserRole::Owner), is_active: Some(true), ..UserPatch::default() };
    house.pass(1);
    house.acting(&ada, |tx| change_user(tx, house.ada, &same)).unwrap();
    house.acting(&ada, |tx| let_go(tx, gone, Go::Demoted)).unwrap();
    assert_eq!((owners(&house), holder(&house)), (vec![house.ada], Some(house.ada)));
}

#[test]
fn account_of_a_leaving_owner_goes_to_the_longest_serving_other() {
    for how in WAYS {
        let house = House::new();
        let (ben, cleo) = (house.add("ben", UserRole::Owner), house.add("cleo", UserRole::Owner));
        assert_eq!(holder(&house), Some(house.ada));
        house.operator(|tx| let_go(tx, cleo, how)).unwrap();
        assert_eq!(holder(&house), Some(house.ada), "{how:?} of another one");
        let dora = house.add("dora", UserRole::Owner);
        house.operator(|tx| let_go(tx, house.ada, how)).unwrap();
        assert_eq!((holder(&house), owners(&house)), (Some(ben), vec![dora, ben]), "{how:?}");
    }
}

#[test]
fn of_two_owners_who_let_each_other_go_at_once_one_stays() {
    let house = House::new();
    for (round, how) in WAYS.into_iter().flat_map(|one| WAYS.map(|other| [one, other])).enumerate() {
        let (ada, ben) = (owners(&house)[0], house.add(&format!("ben{round}"), UserRole::Owner));
        assert_eq!(holder(&house), Some(ada), "round {round}");
        let pair = [ada, ben];
        let came = at_once(2, |number| house.operator(|tx| let_go(tx, pair[number], how[number])));
        let gone = came.iter().filter(|came| came.is_ok()).count();
        assert_eq!((gone, owners(&house).len()), (1, 1), "{how:?}: {came:?}");
        let refused = came.into_iter().find_map(Result::err).unwrap();
        assert_eq!(refused.to_string(), "user is the last owner; make another one first");
        assert_eq!(holder(&house), Some(owners(&house)[0]), "{how:?}");
    }
    let deadlocks: Vec<i64> = house.db.query("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()");
    assert_eq!(deadlocks, [0]);
}

#[test]
fn the_first_owner_of_a_business_without_one_holds_its_account() {
    let house = House::new();
    let new = NewTenant { business_name: "Cleo's Cabs".to_owned(), ..NewTenant::default() };
    let (tenant, row) = nmc_core::workflows::onboard(&house.db.store, &new).unwrap();
    assert_eq!(row.owner_id, None);
    let holder = || house.db.store.tenant(&tenant, |tx| tx.tenants().get()).unwrap().owner_id;
    let admin = add(&house.auth, tenant, "admin", UserRole::Admin);
    assert_eq!(holder(), None);
    house.pass(1);
    let raise = UserPatch { role: Some(UserRole::Owner), ..UserPatch::default() };
    house.db.store.as_operator(&tenant, |tx| change_user(tx, admin, &raise)).unwrap();
    assert_eq!(holder(), Some(admin));
    add(&house.auth, tenant, "second", UserRole::Owner);
    assert_eq!(holder(), Some(admin));
    assert_eq!(self::holder(&house), Some(house.ada), "the other business's stays");
}
