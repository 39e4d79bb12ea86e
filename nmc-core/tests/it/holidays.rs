//! Holidays of a business, and what they change.

use crate::support::{Scene, refused};
use chrono::NaiveDate;
use nmc_core::tenants::{BusinessSettingsPatch, TenantPatch};
use nmc_core::testing::{Business, VoiceForm, unique_phone, unique_sid};
use nmc_core::workflows::record_voice_status;
use nmc_core::{Clock as _, Error};

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

impl Scene {
    /// The holidays, as `day name`.
    fn holidays(&self) -> Vec<String> {
        let rows = self.tx(|tx| tx.holidays().list()).unwrap();
        rows.into_iter().map(|row| format!("{} {}", row.day, row.name)).collect()
    }

    /// The day that the business's calendar shows, so many days on.
    fn day(&self, ahead: u64) -> NaiveDate {
        let zone = self.tx(|tx| tx.tenants().business_hours()).unwrap().zone.tz();
        self.clock.now().with_timezone(&zone).date_naive() + chrono::Days::new(ahead)
    }
}

#[test]
fn holidays_are_kept_by_day_and_listed_in_order() {
    let scene = Scene::new();
    let set = |text: &str, name: &str| scene.tx(|tx| tx.holidays().upsert_by_day(day(text), name));
    let first = set("2026-12-25", "Xmas").unwrap();
    set("2026-11-26", "Thanksgiving").unwrap();
    scene.tick();
    let renamed = set("2026-12-25", "  Christmas Day ").unwrap();
    assert_eq!((renamed.id, renamed.created_at), (first.id, first.created_at));
    assert!(renamed.updated_at > first.updated_at);
    assert_eq!(scene.holidays(), ["2026-11-26 Thanksgiving", "2026-12-25 Christmas Day"]);
    let hours = scene.tx(|tx| tx.tenants().business_hours()).unwrap();
    assert_eq!(Vec::from_iter(hours.holidays), [day("2026-11-26"), day("2026-12-25")]);

    scene.tx(|tx| tx.holidays().delete(day("2026-11-26"))).unwrap();
    assert_eq!(scene.holidays(), ["2026-12-25 Christmas Day"]);
    let again = scene.tx(|tx| tx.holidays().delete(day("2026-11-26"))).unwrap_err();
    assert!(matches!(again, Error::NotFound { entity: "holiday" }), "{again:?}");
    for (text, name, field) in [("2026-12-26", " ", "name"), ("1999-12-31", "Old", "day"), ("2200-01-01", "Far", "day")] {
        assert_eq!(refused(set(text, name)).0, field, "{text}");
    }
}

#[test]
fn more_than_a_leap_year_of_holidays_is_refused() {
    let scene = Scene::new();
    let tenant = scene.business.tenant.id();
    scene.db.execute(&format!(
        "INSERT INTO holidays (tenant_id, day, name) SELECT '{tenant}', '2026-01-01'::date + n, 'closed' FROM generate_series(0, 365) AS n"
    ));
    let set = |text: &str| scene.tx(|tx| tx.holidays().upsert_by_day(day(text), "One more"));
    assert_eq!(
        refused(set("2027-01-02")),
        ("day".to_owned(), "is one too many: a business has 366 holidays at the most".to_owned())
    );
    set("2027-01-01").expect("one of them gets another name");
}

#[test]
fn last_holiday_that_there_is_room_for_goes_to_one_of_many() {
    let scene = Scene::new();
    let tenant = scene.business.tenant.id();
    for round in 0..5 {
        scene.db.execute(&format!(
            "DELETE FROM holidays; INSERT INTO holidays (tenant_id, day, name) SELECT '{tenant}', '2026-01-01'::date + n, 'closed' FROM generate_series(0, 364) AS n"
        ));
        let at_once = std::sync::Barrier::new(4);
        let set = |number: u32| {
            at_once.wait();
            scene.tx(|tx| tx.holidays().upsert_by_day(NaiveDate::from_ymd_opt(2030, 1, number).unwrap(), "Last")).is_ok()
        };
        let came = std::thread::scope(|scope| {
            let threads: Vec<_> = (1..5)
                .map(|number| {
                    scope.spawn({
                        let set = &set;
                        move || set(number)
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).filter(|is_in| *is_in).count()
        });
        assert_eq!((came, scene.holidays().len()), (1, 366), "round {round}");
    }
}

#[test]
fn greeting_on_a_holiday_tells_of_the_opening_after_it() {
    let scene = Scene::new();
    let greeting_template = Some("{{business_name}} is open {{next_opening}}.".to_owned());
    scene
        .tx(|tx| {
            tx.business_settings()
                .update(&BusinessSettingsPatch { greeting_template: greeting_template.clone(), ..Default::default() })
        })
        .unwrap();
    let (hours, now) = scene.tx(|tx| Ok((tx.tenants().business_hours()?, tx.now()))).unwrap();
    // Open around now, but for holidays.
    let local = now.with_timezone(&hours.zone.tz()).time();
    let (business_hours_start, business_hours_end) =
        (Some(local - chrono::TimeDelta::hours(1)), Some(local + chrono::TimeDelta::hours(8)));
    scene
        .tx(|tx| tx.tenants().update(&TenantPatch { business_hours_start, business_hours_end, ..TenantPatch::default() }))
        .unwrap();
    let greeted = || {
        let missed = VoiceForm::missed(unique_phone().as_str(), &scene.business.number, &unique_sid("CA")).parse();
        let greeting = record_voice_status(&scene.db.store, &missed).unwrap().greeting.unwrap();
        scene.business.message(&scene.db.store, greeting).message_body
    };
    // A holiday of another business is none of this one's.
    let other = Business::onboard(&scene.db.store, "Rosa's Roofing");
    let today = scene.day(0);
    scene.db.store.tenant(&other.tenant, |tx| tx.holidays().upsert_by_day(today, "Rosa's birthday").map(drop)).unwrap();
    assert!(greeted().starts_with("Joe's Plumbing is open now."), "{}", greeted());
    for ahead in 0..2 {
        scene.tx(|tx| tx.holidays().upsert_by_day(scene.day(ahead), "Closed")).unwrap();
    }
    let weekday = scene.day(2).format("%A").to_string();
    assert!(greeted().starts_with(&format!("Joe's Plumbing is open {weekday} at ")), "{}", greeted());
}
