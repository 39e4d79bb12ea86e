//! Businesses, and how their status moves.

use super::*;

#[test]
fn a_business_changes_the_fields_it_names_and_no_other() {
    let scene = Scene::new();
    let id = scene.tenant();
    let update = |patch: &TenantPatch| scene.tx(|tx| tx.tenants().update(patch));
    let time = |text: &str| text.parse::<NaiveTime>().unwrap();
    macro_rules! patches {
        ($($field:ident: $value:expr => $expected:tt),+ $(,)?) => {$(
            let patch = TenantPatch { $field: $value, ..TenantPatch::default() };
            assert_eq!(scene.change("tenants", id, || { update(&patch).unwrap(); }), json!($expected), "{patch:?}");
        )+};
    }
    patches! {
        business_name: Some("Ada's".to_owned()) => {"business_name": "Ada's"},
        business_phone: Patch::Set("+14155550123".parse().unwrap()) => {"business_phone": "+14155550123"},
        business_phone: Patch::Clear => {"business_phone": null},
        business_address: Patch::Set("1 Main St".to_owned()) => {"business_address": "1 Main St"},
        business_type: Patch::Set("hvac".to_owned()) => {"business_type": "hvac"},
        industry: Patch::Set("trades".to_owned()) => {"industry": "trades"},
        industry: Patch::Keep => {},
        industry: Patch::Clear => {"industry": null},
        service_radius_miles: Some(0) => {"service_radius_miles": 0},
        estimated_job_min: Some(Decimal::new(1, 2)) => {"estimated_job_min": 0.01},
        estimated_job_max: Some(Decimal::new(9_999_999_999, 2)) => {"estimated_job_max": 99_999_999.99},
        business_hours_start: Some(time("09:30:00")) => {"business_hours_start": "09:30:00"},
        business_hours_end: Some(time("02:00:00")) => {"business_hours_end": "02:00:00"},
        timezone: Some("Europe/Berlin".parse().unwrap()) => {"timezone": "Europe/Berlin"},
    }
    let price = |min: Option<Decimal>, max: Option<Decimal>| TenantPatch {
        estimated_job_min: min,
        estimated_job_max: max,
        ..TenantPatch::default()
    };
    let ten = Some(Decimal::TEN);
    let name = |name: &str| TenantPatch { business_name: Some(name.to_owned()), ..TenantPatch::default() };
    for (words, patch) in [
        ("business_name must not be empty", name(" ")),
        ("industry must be at most 100 characters", TenantPatch { industry: Patch::Set("x".repeat(101)), ..name("x") }),
        ("service_radius_miles must be at least 0", TenantPatch { service_radius_miles: Some(-1), ..name("x") }),
        ("estimated_job_min must be at least 0", price(Some(-Decimal::ONE), None)),
        ("estimated_job_max must be above estimated_job_min", price(ten, ten)),
        ("estimated_job_max must have at most 2 decimals", price(None, Some(Decimal::new(10_001, 3)))),
        ("estimated_job_max must be between -100000000 and 100000000", price(None, Some(Decimal::from(100_000_000)))),
        ("estimated_job_min must be between -100000000 and 100000000", price(Some(Decimal::MAX), None)),
    ] {
        scene.refused(words, || update(&patch));
    }
    let phone = unique_phone();
    let other = NewTenant { business_name: "Other".to_owned(), business_phone: Some(phone.clone()), ..NewTenant::default() };
    scene.system(|tx| tx.create_tenant(&other)).unwrap();
    scene.refused("business_name is already taken", || update(&name("Other")));
    let patch = TenantPatch { business_phone: Patch::Set(phone), ..TenantPatch::default() };
    scene.refused("business_phone is already taken", || update(&patch));
}

#[test]
fn operators_find_businesses_by_every_filter() {
    let scene = Scene::new();
    let joe = scene.tenant();
    let new = NewTenant { business_name: "Ada".to_owned(), business_type: Some("hvac".to_owned()), ..NewTenant::default() };
    scene.pass(1);
    let ada = scene.system(|tx| tx.create_tenant(&new)).unwrap().id;
    scene.db.execute(&format!(
        "UPDATE tenants SET status = 'pending', onboarding_step = 5, onboarding_completed = true, service_radius_miles = 50,
         estimated_job_min = 10, estimated_job_max = 20 WHERE id = '{ada}'"
    ));
    let all = TenantFilter::default;
    let dollars = |n: i64| Some(Decimal::from(n));
    for (filter, expected) in [
        (all(), vec![ada, joe]),
        (TenantFilter { status: Some(TenantStatus::Pending), ..all() }, vec![ada]),
        (TenantFilter { business_type: Some("hvac".to_owned()), ..all() }, vec![ada]),
        (TenantFilter { onboarding_step: Some(1), ..all() }, vec![joe]),
        (TenantFilter { onboarding_completed: Some(true), ..all() }, vec![ada]),
        (TenantFilter { onboarding_completed: Some(false), ..all() }, vec![joe]),
        (TenantFilter { serves_miles: Some(25), ..all() }, vec![ada, joe]),
        (TenantFilter { serves_miles: Some(50), ..all() }, vec![ada]),
        (TenantFilter { usual_price: dollars(9), ..all() }, vec![]),
        (TenantFilter { usual_price: dollars(20), ..all() }, vec![ada]),
        (TenantFilter { usual_price: dollars(150), ..all() }, vec![joe]),
    ] {
        let page = scene.system(|tx| tx.list_tenants(&filter, PageRequest::first())).unwrap();
        assert_eq!(page.items.iter().map(|row| row.id).collect::<Vec<_>>(), expected, "{filter:?}");
        assert_eq!(scene.system(|tx| tx.count_tenants(&filter)).unwrap(), i64::try_from(expected.len()).unwrap());
    }
}

#[test]
fn status_of_a_business_follows_its_lifecycle_and_ends_sessions() {
    let scene = Scene::new();
    let (id, user) = (scene.tenant(), scene.user("ada").id);
    for from in TenantStatus::ALL {
        for to in TenantStatus::ALL {
            scene.db.execute(&format!("UPDATE tenants SET status = 'active', is_active = true WHERE id = '{id}'"));
            let session = scene.session(user, &format!("{from} {to}"));
            let served = *from == TenantStatus::Active;
            scene.db.execute(&format!("UPDATE tenants SET status = '{from}', is_active = {served} WHERE id = '{id}'"));
            let set = || scene.system(|tx| tx.set_tenant_status(id, *to));
            if !from.may_become(*to) {
                let step = if from == to { format!("is {to} already") } else { format!("can't go from {from} to {to}") };
                scene.refused(&format!("tenant {step}"), set);
                continue;
            }
            let now = scene.pass(1);
            let row = set().unwrap();
            assert_eq!((row.status, row.is_active, row.updated_at), (*to, *to == TenantStatus::Active, now), "{from} {to}");
            let ended = match to {
                TenantStatus::Suspended => Some(SessionEnd::Suspended),
                TenantStatus::Inactive => Some(SessionEnd::Deactivated),
                _ => None,
            };
            let session = scene.tx(|tx| tx.sessions().get(session.id)).unwrap();
            assert_eq!((session.ended_reason, session.ended_at), (ended, ended.map(|_| now)), "{from} {to}");
        }
    }
    let nobody = TenantId::new(uuid::Uuid::now_v7());
    scene.refused("tenant not found", || scene.system(|tx| tx.set_tenant_status(nobody, TenantStatus::Active)));
}

#[test]
fn two_suspensions_at_once_tell_one_that_it_is_suspended() {
    let scene = Scene::new();
    let suspend = |tx: &mut SystemTx<'_>| tx.set_tenant_status(scene.tenant(), TenantStatus::Suspended);
    let (first, second) =
        scene.meanwhile(|meanwhile| scene.system(|tx| suspend(tx).inspect(|_| meanwhile())), || scene.system(suspend));
    assert_eq!(first.unwrap().status, TenantStatus::Suspended);
    assert_eq!(second.unwrap_err().to_string(), "tenant is suspended already");
}

#[test]
fn owner_onboarding_and_plan_are_set_by_their_verbs() {
    let scene = Scene::new();
    let owner = scene.user("ada").id;
    assert_eq!(scene.tx(|tx| tx.tenants().set_owner(Some(owner))).unwrap().owner_id, Some(owner));
    let nobody = scene.tx(|tx| tx.tenants().set_owner(Some(UserId::new(uuid::Uuid::now_v7())))).unwrap_err();
    assert_eq!(nobody.to_string(), "owner_id must be an existing user");
    let row = scene.tx(|tx| tx.tenants().set_onboarding(5, true)).unwrap();
    assert_eq!((row.onboarding_step, row.onboarding_completed, row.owner_id), (5, true, Some(owner)));
    let beyond = scene.tx(|tx| tx.tenants().set_onboarding(6, true)).unwrap_err();
    assert_eq!(beyond.to_string(), "onboarding_step must be between 1 and 5");
    let id = scene.business.tenant.id();
    let row = scene.db.store.system(Reason::Operations, |tx| tx.set_subscription_tier(id, " pro ")).unwrap();
    assert_eq!(row.subscription_tier, "pro");
    let none = scene.db.store.system(Reason::Operations, |tx| tx.set_subscription_tier(id, " ")).unwrap_err();
    assert_eq!(none.to_string(), "subscription_tier must not be empty");
}
