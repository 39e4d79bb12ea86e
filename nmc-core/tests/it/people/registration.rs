//! Registering a business: all or nothing, and once.

use super::*;
use nmc_core::testing::unique_phone;
use nmc_core::workflows::Registered;
use nmc_core::{PhoneNumber, TenantStatus};

fn counts(house: &House) -> Vec<(String, usize)> {
    house.everything().into_iter().map(|of| (of.table, of.rows.len())).filter(|(_, rows)| *rows > 0).collect()
}

#[test]
fn registration_makes_the_business_its_owner_and_their_rows() {
    let house = House::new();
    let phone: PhoneNumber = unique_phone();
    let mut new = registration(" Cleo's Cabs ", "cleo");
    new.business.timezone = Some("America/Denver".parse().unwrap());
    new.phone_number = Some(phone.clone());
    let made = house.auth.register(&new, Some("a key")).unwrap();
    let one_each = ["business_settings", "tenants", "user_preferences", "user_profiles", "user_status", "users"];
    assert_eq!(counts(&house), one_each.map(|table| (table.to_owned(), 2)));

    let (business, owner) = (&made.business, &made.owner);
    assert!(made.is_new && made.tenant.id() == business.id);
    assert_eq!(
        (business.business_name.as_str(), business.status, business.is_active),
        ("Cleo's Cabs", TenantStatus::Active, true)
    );
    assert_eq!((business.owner_id, business.onboarding_step, business.onboarding_completed), (Some(owner.id), 1, false));
    assert_eq!((owner.role, owner.is_active, owner.email_verified), (UserRole::Owner, true, false));
    let (profile, preferences, settings, presence) = house
        .db
        .store
        .tenant(&made.tenant, |tx| {
            let profile = tx.profiles().get_by_user(owner.id)?;
            Ok((profile, tx.preferences().get(owner.id)?, tx.business_settings().get()?, tx.presences().get(owner.id)?))
        })
        .unwrap();
    assert_eq!((&profile.email, profile.role, profile.phone_number), (&owner.email, UserRole::Owner, Some(phone)));
    assert_eq!((profile.first_name.as_str(), profile.last_name.as_str()), ("cleo", "Smith"));
    assert_eq!(profile.timezone, business.timezone, "the business's, where none was given");
    assert_eq!((preferences.user_id, presence.user_id, presence.is_online), (owner.id, owner.id, false));
    assert_eq!(settings.greeting_reviewed_at, None);
    login(&house.auth, "cleo").unwrap();
}

#[test]
fn a_registration_that_is_refused_leaves_nothing_behind() {
    let house = House::new();
    let phone = unique_phone();
    let mut known = registration("Cleo's Cabs", "cleo");
    known.business.business_phone = Some(phone.clone());
    house.auth.register(&known, None).unwrap();
    let fresh = || registration("Fresh", "fresh");
    type Spoil<'a> = Box<dyn Fn(&mut Registration) + 'a>;
    let cases: Vec<(&str, Spoil<'_>)> = vec![
        ("email is already taken", Box::new(|new| new.email = email("cleo"))),
        ("business_name is already taken", Box::new(|new| new.business.business_name = " Cleo's Cabs".to_owned())),
        ("business_phone is already taken", Box::new(|new| new.business.business_phone = Some(phone.clone()))),
        ("business_name must not be empty", Box::new(|new| new.business.business_name = " ".to_owned())),
        ("business_type must be at most 100 characters", Box::new(|new| new.business.business_type = Some("x".repeat(101)))),
        ("first_name must not be empty", Box::new(|new| new.first_name = " ".to_owned())),
        ("last_name must be at most 100 characters", Box::new(|new| new.last_name = "x".repeat(101))),
        ("password must be at least 10 characters", Box::new(|new| new.password = secret("short"))),
        ("password must be at most 72 bytes", Box::new(|new| new.password = secret(&"ab".repeat(37)))),
    ];
    for (words, spoil) in cases {
        let mut new = fresh();
        spoil(&mut new);
        for key in [None, Some("a key")] {
            house.refused(words, || house.auth.register(&new, key));
        }
    }
    for (key, words) in [(" ".to_owned(), "must not be empty"), ("x".repeat(256), "must be at most 255 characters")] {
        house.refused(&format!("Idempotency-Key {words}"), || house.auth.register(&fresh(), Some(&key)));
    }
    // The same key is of use once nothing is wrong any more.
    assert!(house.auth.register(&fresh(), Some("a key")).unwrap().is_new);
}

#[test]
fn wherever_a_registration_breaks_off_nothing_is_left() {
    let house = House::new();
    house.db.execute(
        "CREATE FUNCTION public.no_more() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no more' USING ERRCODE = '53100'; END $$",
    );
    for (event, table) in [
        ("INSERT", "tenants"),
        ("INSERT", "business_settings"),
        ("INSERT", "users"),
        ("INSERT", "user_profiles"),
        ("INSERT", "user_preferences"),
        ("INSERT", "user_status"),
        ("UPDATE", "tenants"),
    ] {
        house.db.execute(&format!("CREATE TRIGGER z BEFORE {event} ON {table} FOR EACH ROW EXECUTE FUNCTION public.no_more()"));
        let before = house.everything();
        let came = house.auth.register(&registration("Fresh", "fresh"), Some("a key"));
        assert!(matches!(came, Err(Error::Unavailable { .. } | Error::Internal(_))), "{table}: {came:?}");
        assert_eq!(house.everything(), before, "{event} {table}");
        house.db.execute(&format!("DROP TRIGGER z ON {table}"));
    }
    assert!(house.auth.register(&registration("Fresh", "fresh"), Some("a key")).unwrap().is_new);
}

fn ids(registered: &Registered) -> impl PartialEq + Debug + use<> {
    (registered.tenant, registered.business.clone(), registered.owner.clone())
}

#[test]
fn a_repeated_registration_returns_the_first_one() {
    let house = House::new();
    let new = registration("Cleo's Cabs", "cleo");
    let key = "0b3e9d6c-6f55-4c4b-8a43-6f8a4b7c2f11";
    let first = house.auth.register(&new, Some(key)).unwrap();
    let before = house.everything();
    for again in [&new, &registration("  Cleo's Cabs ", "cleo")] {
        let second = house.auth.register(again, Some(key)).unwrap();
        assert_eq!((second.is_new, ids(&second)), (false, ids(&first)));
    }
    assert_eq!(house.everything(), before);
    assert!(!format!("{before:?}").contains(key), "its hash is kept");

    let other = "Idempotency-Key was used for another registration";
    house.refused(other, || house.auth.register(&registration("Cleo's Vans", "cleo"), Some(key)));
    let guessed = Registration { password: secret("another horse battery"), ..registration("Cleo's Cabs", "cleo") };
    house.refused(other, || house.auth.register(&guessed, Some(key)));
    // The key is the caller's own: of somebody else's address it says nothing.
    for other in ["cleopatra", "ada"] {
        house.refused("business_name is already taken", || house.auth.register(&registration("Cleo's Cabs", other), Some(key)));
    }
    for key in [None, Some("another key")] {
        house.refused("business_name is already taken", || house.auth.register(&new, key));
    }
}

#[test]
fn registrations_at_once_with_one_key_make_one_that_all_get() {
    let house = House::new();
    for round in 0..5 {
        let (name, owner) = (format!("Business {round}"), format!("owner{round}"));
        let new = registration(&name, &owner);
        let came = at_once(6, |_| house.auth.register(&new, Some(&name)).unwrap());
        assert_eq!(came.iter().filter(|registered| registered.is_new).count(), 1);
        assert!(came.iter().all(|registered| ids(registered) == ids(&came[0])));
        let made: Vec<i64> = house.db.query("SELECT count(*) FROM users");
        assert_eq!(made, [2 + round]);
    }
    // Without a key the others hear that the name is taken.
    let came = at_once(6, |_| house.auth.register(&registration("Keyless", "keyless"), None));
    let (made, refused): (Vec<_>, Vec<_>) = came.into_iter().partition(Result::is_ok);
    assert_eq!(made.len(), 1);
    for came in refused {
        assert_eq!(came.unwrap_err().to_string(), "business_name is already taken");
    }
}
