//! Who may order what.

use super::{Scene, chicago};
use crate::people::authenticator;
use crate::support::refused;
use nmc_core::access::{Acting, Credential, Origin, Permission};
use nmc_core::numbers::{NumberOrder, Provisioner, ProvisioningConfig};
use nmc_core::people::{NewPerson, invite};
use nmc_core::store::Reason;
use nmc_core::telephony::{NumberSearch, ProviderError};
use nmc_core::testing::{Business, Sent};
use nmc_core::twilio::TwilioNumbers;
use nmc_core::{Confirmed, Country, Email, Error, NumberStatus, NumberType, Secret, Store, TenantStatus, UserRole};
use std::sync::Arc;
use std::time::Duration;

/// What somebody of this role shows.
fn credential(scene: &Scene, role: UserRole) -> Credential {
    let store = &scene.db.store;
    let authenticator = authenticator(store);
    let email: Email = format!("{role}@example.com").parse().unwrap();
    let new = NewPerson {
        email: email.clone(),
        first_name: "Pat".to_owned(),
        last_name: "Doe".to_owned(),
        phone_number: None,
        timezone: None,
        role,
    };
    let (_, invitation) = store.as_operator(&scene.joe.tenant, |tx| invite(tx, &new)).unwrap();
    let password = Secret::new("under a sink all day");
    authenticator.accept_invitation(&invitation.text(), &password).unwrap();
    let tokens = authenticator.login(&email, &password, &Origin::default()).unwrap();
    authenticator.credential(&tokens.access_token).unwrap()
}

#[test]
fn numbers_are_bought_and_given_back_by_owners_and_admins_alone() {
    let scene = Scene::new();
    for (role, last) in UserRole::ALL.iter().zip(0_u8..) {
        let who = Acting::from(credential(&scene, *role));
        let order = NumberOrder::of(chicago(last), Country::US);
        let may = matches!(role, UserRole::Owner | UserRole::Admin);
        assert_eq!(may, Permission::NumbersWrite.is_of(*role));
        let requests = scene.twilio.number_requests();
        let bought = scene.numbers.buy(&who, &order, Duration::ZERO, &mut |_| {});
        let searched = scene.numbers.search(&who, &NumberSearch::new(Country::US, NumberType::Local));
        let row = match bought {
            Ok(row) => row,
            Err(Error::Forbidden(_)) => {
                assert!(!may && matches!(searched, Err(Error::Forbidden(_))));
                assert_eq!(scene.twilio.number_requests(), requests, "{role}: Twilio is not even asked");
                scene.buy(&chicago(last)).unwrap()
            }
            other => panic!("{role}: {other:?}"),
        };
        let configured = scene.numbers.configure(&who, row.id).is_ok();
        let released = scene.numbers.release(&who, row.id, Confirmed::irrevocably(), Duration::ZERO, &mut |_| {}).is_ok();
        assert_eq!((configured, released), (may, may), "{role}");
    }
}

#[test]
fn another_business_hears_that_there_is_no_such_number() {
    let scene = Scene::new();
    let row = scene.buy(&chicago(0)).unwrap();
    let rival = Business::onboard(&scene.db.store, "Rival Rooter");
    let rival = Acting::Operator(rival.tenant);
    let release = scene.numbers.release(&rival, row.id, Confirmed::irrevocably(), Duration::ZERO, &mut |_| {});
    assert!(matches!(release, Err(Error::NotFound { .. })), "{release:?}");
    assert!(matches!(scene.numbers.configure(&rival, row.id), Err(Error::NotFound { .. })));
    // To somebody else a number that is held is simply not for sale.
    let order = scene.numbers.buy(&rival, &NumberOrder::of(chicago(0), Country::US), Duration::ZERO, &mut |_| {});
    assert!(matches!(order, Err(Error::Provider(ProviderError::Taken))), "{order:?}");
    assert_eq!(scene.statuses(), [NumberStatus::Active]);
}

#[test]
fn a_business_that_is_not_active_buys_nothing() {
    let scene = Scene::new();
    for (status, name) in [(TenantStatus::Suspended, "suspended"), (TenantStatus::Inactive, "inactive")] {
        scene.db.execute(&format!("UPDATE tenants SET status = '{status}', is_active = false"));
        let bought = scene.buy(&chicago(0));
        assert!(matches!(bought, Err(Error::Forbidden(why)) if why.contains("suspended")), "{name}: {bought:?}");
    }
    assert_eq!((scene.rows().len(), scene.twilio.number_requests()), (0, 0));
}

/// Suspended between the order and the purchase.
#[test]
fn order_of_a_business_suspended_meanwhile_is_not_carried_out() {
    let scene = Scene::new();
    use nmc_core::testing::TwilioFault::{Pass, TooMany};
    scene.twilio.fail_numbers_with([Pass, Pass, TooMany(5)]);
    assert_eq!(scene.buy(&chicago(0)).unwrap().status, NumberStatus::Provisioning);
    scene.joe.suspend(&scene.db, true);
    scene.an_hour_later();
    let row = scene.rows().remove(0);
    assert_eq!((row.status, scene.twilio.purchases().len()), (NumberStatus::Error, 0));
    assert!(row.status_reason.unwrap().contains("suspended"));
    scene.joe.suspend(&scene.db, false);
    assert_eq!(scene.buy(&chicago(0)).unwrap().status, NumberStatus::Active, "taken up again by command");
    scene.is_balanced();
}

#[test]
fn orders_at_once_stay_within_the_limit_of_the_business() {
    let scene = Scene::new();
    scene.db.store.system(Reason::Operations, |tx| tx.set_phone_number_limit(scene.joe.tenant.id(), 3)).unwrap();
    let came: Vec<bool> = std::thread::scope(|scope| {
        let orders: Vec<_> = (0..8)
            .map(|last| {
                scope.spawn({
                    let scene = &scene;
                    move || scene.buy(&chicago(last))
                })
            })
            .collect();
        orders
            .into_iter()
            .map(|order| match order.join().unwrap() {
                Ok(row) => row.status == NumberStatus::Active,
                Err(Error::Conflict { field: "phone_number", rule, .. }) => {
                    assert!(rule.contains("one more than"));
                    false
                }
                Err(other) => panic!("{other:?}"),
            })
            .collect()
    });
    assert_eq!(came.iter().filter(|bought| **bought).count(), 3);
    scene.is_balanced();
    // What failed for nothing takes no place, and what is given back makes one.
    let row = scene.rows().remove(0);
    scene.release(&row).unwrap();
    scene.twilio.run_out_of_funds();
    assert!(scene.buy(&chicago(15)).is_err());
    scene.twilio.top_up();
    assert_eq!(scene.buy(&chicago(16)).unwrap().status, NumberStatus::Active);
    let again = refused(scene.buy(&chicago(15)).map(drop));
    assert!(again.1.contains("one more than"), "{again:?}");
}

#[test]
fn a_tenant_with_a_number_that_is_not_released_is_not_deleted() {
    let scene = Scene::new();
    let id = scene.joe.tenant.id();
    let row = scene.buy(&chicago(0)).unwrap();
    let delete = || scene.db.store.system(Reason::Operations, |tx| tx.delete_tenant(id, Confirmed::irrevocably()));
    assert!(refused(delete()).1.contains("release them first"));
    use nmc_core::testing::TwilioFault::ErrorBefore;
    scene.twilio.fail_numbers_with([ErrorBefore]);
    assert!(scene.release(&row).unwrap().is_releasing());
    assert!(refused(delete()).1.contains("release them first"), "nor while it is on its way back");
    scene.an_hour_later();
    delete().unwrap();
    assert_eq!(scene.twilio.owned(), []);
}

#[test]
fn bad_searches_are_refused_by_field_and_twilio_is_not_asked() {
    let scene = Scene::new();
    let local = || NumberSearch::new(Country::US, NumberType::Local);
    let text = |text: &str| Some(text.to_owned());
    for (search, field) in [
        (NumberSearch { area_code: text("31a"), ..local() }, "area_code"),
        (NumberSearch { area_code: text("312555"), ..local() }, "area_code"),
        (NumberSearch { area_code: text(" 312"), ..local() }, "area_code"),
        (NumberSearch { contains: text("1234567890123456"), ..local() }, "contains"),
        (NumberSearch { contains: text("1"), ..local() }, "contains"),
        (NumberSearch { contains: text("12;DROP"), ..local() }, "contains"),
        (NumberSearch { region: text(&"x".repeat(51)), ..local() }, "region"),
        (NumberSearch { locality: text(&"x".repeat(101)), ..local() }, "locality"),
        (NumberSearch { limit: 0, ..local() }, "limit"),
        (NumberSearch { limit: 101, ..local() }, "limit"),
    ] {
        assert_eq!(refused(scene.numbers.search(&scene.operator(), &search)).0, field);
    }
    for country in ["", "U", "USA", "1A", "ÜS"] {
        assert_eq!(refused(country.parse::<Country>()).0, "country", "{country}");
    }
    assert_eq!(scene.twilio.number_requests(), 0);
    assert_eq!("us".parse::<Country>().unwrap().as_str(), "US");
}

/// An order is: is it new, and may they; the price; the intent; the purchase; what came of it. Three transactions, and none is
/// open while Twilio answers.
#[test]
fn an_order_takes_as_few_round_trips_as_it_can() {
    let scene = Scene::new();
    let operator = scene.operator();
    let provider = Arc::new(TwilioNumbers::new(&scene.twilio.account()));
    let over = |store: &Store| {
        Provisioner::new(
            store.clone(),
            provider.clone(),
            nmc_core::testing::webhook_urls("https://nmc.example.com"),
            ProvisioningConfig::default(),
        )
    };
    let order = NumberOrder::of(chicago(0), Country::US);
    let trips = scene.db.round_trips(|store| {
        let bought = over(store).buy(&operator, &order, Duration::ZERO, &mut |_| {});
        assert_eq!(bought.unwrap().status, NumberStatus::Active);
    });
    let begun = |trips: &[Sent]| trips.iter().filter(|sent| sent.sql.starts_with("BEGIN")).count();
    // BEGIN, the row of the number, the tenant's lock, the count, COMMIT; the lock and the count once more, the intent; the end.
    assert_eq!((trips.len(), begun(&trips)), (13, 3), "{trips:#?}");
    assert_eq!(scene.twilio.number_requests(), 3, "is it for sale, for how much, and the purchase");
    let row = scene.rows().remove(0);
    let trips = scene.db.round_trips(|store| {
        let released = over(store).release(&operator, row.id, Confirmed::irrevocably(), Duration::ZERO, &mut |_| {});
        assert_eq!(released.unwrap().status, NumberStatus::Released);
    });
    // The wish, the claim, and the end.
    assert_eq!((trips.len(), begun(&trips)), (12, 3), "{trips:#?}");
    assert_eq!(scene.twilio.number_requests(), 5, "which number it is, and its release");
}
