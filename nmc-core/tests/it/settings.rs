//! Business settings: a patch changes what it names, and each range is told.

use crate::support::{Scene, refused};
use chrono::NaiveTime;
use nmc_core::tenants::{BusinessSettings, BusinessSettingsPatch, GreetingPreview, GreetingWords, SmsEncoding};
use nmc_core::testing::{VoiceForm, unique_phone, unique_sid};
use nmc_core::workflows::record_voice_status;
use nmc_core::{CallScreening, Country};

#[test]
fn a_patch_changes_what_it_names_and_nothing_else() {
    let scene = Scene::new();
    let mut row = scene.tx(|tx| tx.business_settings().get()).unwrap();
    let none = BusinessSettingsPatch::default;
    let template = "{{business_name}} will call you back.";
    type Change = fn(&mut BusinessSettings);
    let cases: Vec<(BusinessSettingsPatch, Change)> = vec![
        (none(), |_| {}),
        (BusinessSettingsPatch { greeting_template: Some(format!(" {template} ")), ..none() }, |row| {
            row.greeting_template = "{{business_name}} will call you back.".to_owned();
        }),
        (BusinessSettingsPatch { greeting_cooldown_hours: Some(720), ..none() }, |row| row.greeting_cooldown_hours = 720),
        (BusinessSettingsPatch { ai_takeover_delay_seconds: Some(1_800), ..none() }, |row| row.ai_takeover_delay_seconds = 1_800),
        (BusinessSettingsPatch { basic_job_estimate_min: Some(25), ..none() }, |row| row.basic_job_estimate_min = 25),
        (BusinessSettingsPatch { basic_job_estimate_max: Some(10_000), ..none() }, |row| row.basic_job_estimate_max = 10_000),
        (BusinessSettingsPatch { call_screening: Some(CallScreening::MachineDetection), ..none() }, |row| {
            row.call_screening = CallScreening::MachineDetection;
        }),
        (BusinessSettingsPatch { auto_resolve_days: Some(0), ..none() }, |row| row.auto_resolve_days = 0),
        (BusinessSettingsPatch { allowed_countries: Some(countries("us ca US")), ..none() }, |row| {
            row.allowed_countries = vec!["CA".to_owned(), "US".to_owned()];
        }),
        (BusinessSettingsPatch { allowed_countries: Some(Vec::new()), ..none() }, |row| row.allowed_countries = Vec::new()),
        (BusinessSettingsPatch { daily_text_limit: Some(100_000), ..none() }, |row| row.daily_text_limit = 100_000),
        (BusinessSettingsPatch { daily_person_limit: Some(0), ..none() }, |row| row.daily_person_limit = 0),
        (BusinessSettingsPatch { texting_starts_at: Some(time(9)), ..none() }, |row| row.texting_starts_at = time(9)),
        (BusinessSettingsPatch { texting_ends_at: Some(time(20)), ..none() }, |row| row.texting_ends_at = time(20)),
        (BusinessSettingsPatch { greeting_at_any_hour: Some(false), ..none() }, |row| row.greeting_at_any_hour = false),
    ];
    for (patch, change) in cases {
        change(&mut row);
        row.updated_at = scene.tick();
        assert_eq!(scene.tx(|tx| tx.business_settings().update(&patch)).unwrap(), row, "{patch:?}");
    }
    assert_eq!(scene.tx(|tx| tx.business_settings().get()).unwrap(), row);
}

/// One patch for each side of each range. Each refusal comes before the database is asked, in the words of its constraint.
#[test]
fn what_is_out_of_range_is_refused_by_field_and_range() {
    let scene = Scene::new();
    let before = scene.tx(|tx| tx.business_settings().get()).unwrap();
    let none = BusinessSettingsPatch::default;
    type Put = fn(&mut BusinessSettingsPatch, i32);
    let ranges: [(Put, i32, i32, &str, &str); 7] = [
        (|patch, value| patch.greeting_cooldown_hours = Some(value), 1, 720, "greeting_cooldown_hours", ""),
        (|patch, value| patch.ai_takeover_delay_seconds = Some(value), 60, 1_800, "ai_takeover_delay_seconds", ""),
        (|patch, value| patch.auto_resolve_days = Some(value), 0, 365, "auto_resolve_days", ""),
        (|patch, value| patch.daily_text_limit = Some(value), 0, 100_000, "daily_text_limit", ""),
        (|patch, value| patch.daily_person_limit = Some(value), 0, 100, "daily_person_limit", ""),
        (|patch, value| patch.basic_job_estimate_min = Some(value), 25, 10_000, "basic_job_estimate_min", "order"),
        (|patch, value| patch.basic_job_estimate_max = Some(value), 25, 10_000, "basic_job_estimate_max", "order"),
    ];
    let patched = |put: Put, value| {
        let mut patch = none();
        put(&mut patch, value);
        scene.tx(|tx| tx.business_settings().update(&patch))
    };
    for (put, least, most, field, order) in ranges {
        for out in [i32::MIN, least - 1, most + 1, i32::MAX] {
            assert_eq!(refused(patched(put, out)), words(&format!("business_settings_{field}_check")), "{field} of {out}");
        }
        if order.is_empty() {
            assert!(patched(put, least).and(patched(put, most)).is_ok(), "{field}");
        } else {
            // The other estimate is the row's, which only the database compares.
            let end = if field.ends_with("min") { most } else { least };
            assert_eq!(refused(patched(put, end)), words("business_settings_basic_job_estimate_order_check"));
        }
    }
    for (min, max) in [(100, 100), (200, 100)] {
        let both = BusinessSettingsPatch { basic_job_estimate_min: Some(min), basic_job_estimate_max: Some(max), ..none() };
        let came = refused(scene.tx(|tx| tx.business_settings().update(&both)));
        assert_eq!(came, words("business_settings_basic_job_estimate_order_check"));
    }
    let after = scene.tx(|tx| tx.business_settings().get()).unwrap();
    assert_eq!((after.basic_job_estimate_min, after.basic_job_estimate_max), (before.basic_job_estimate_min, 150));
}

fn countries(codes: &str) -> Vec<Country> {
    codes.split(' ').map(|code| code.parse().unwrap()).collect()
}

fn time(hour: u32) -> NaiveTime {
    NaiveTime::from_hms_opt(hour, 0, 0).unwrap()
}

#[test]
fn texting_hours_that_end_before_they_start_are_refused() {
    let scene = Scene::new();
    let none = BusinessSettingsPatch::default;
    let patches = [
        BusinessSettingsPatch { texting_starts_at: Some(time(9)), texting_ends_at: Some(time(9)), ..none() },
        BusinessSettingsPatch { texting_starts_at: Some(time(9)), texting_ends_at: Some(time(8)), ..none() },
        // The row has 8 and 21 o'clock.
        BusinessSettingsPatch { texting_starts_at: Some(time(21)), ..none() },
        BusinessSettingsPatch { texting_ends_at: Some(time(8)), ..none() },
    ];
    for patch in patches {
        let came = refused(scene.tx(|tx| tx.business_settings().update(&patch)));
        assert_eq!(came, words("business_settings_texting_ends_at_check"), "{patch:?}");
    }
}

#[test]
fn leap_second_is_no_time_of_day() {
    let scene = Scene::new();
    let leap = NaiveTime::from_hms_milli_opt(23, 59, 59, 1_500).unwrap();
    let patch = BusinessSettingsPatch { texting_ends_at: Some(leap), ..BusinessSettingsPatch::default() };
    assert_eq!(refused(scene.tx(|tx| tx.business_settings().update(&patch))).0, "texting_ends_at");
}

#[test]
fn a_country_without_numbers_is_refused_by_name() {
    let scene = Scene::new();
    let patch = BusinessSettingsPatch { allowed_countries: Some(countries("US UK")), ..BusinessSettingsPatch::default() };
    let (field, rule) = refused(scene.tx(|tx| tx.business_settings().update(&patch)));
    assert_eq!(field, "allowed_countries");
    assert_eq!(rule, "must be ISO 3166 codes of countries that have phone numbers, like US or GB; UK is none");
    let many = "AD AE AF AG AI AL AM AO AR AS AT AU AW AZ BA BB BD BE BF BG BH BI BJ BM BN BO BR BS BT BW BY BZ CA CD CF CG CH CI CK CL \
                CM CN CO CR CU CV CW CY CZ DE DK";
    let patch = BusinessSettingsPatch { allowed_countries: Some(countries(many)), ..BusinessSettingsPatch::default() };
    let came = refused(scene.tx(|tx| tx.business_settings().update(&patch)));
    assert_eq!(came, words("business_settings_allowed_countries_check"));
}

/// The field and the rule of a constraint.
fn words(constraint: &str) -> (String, String) {
    let known = nmc_core::constraint::find(constraint).unwrap();
    (known.field.to_owned(), known.rule.to_owned())
}

#[test]
fn a_template_is_previewed_and_saved_by_the_same_rules() {
    let scene = Scene::new();
    let before = scene.tx(|tx| tx.business_settings().get()).unwrap();
    let save = |template: &str| {
        let patch = BusinessSettingsPatch { greeting_template: Some(template.to_owned()), ..BusinessSettingsPatch::default() };
        scene.tx(|tx| tx.business_settings().update(&patch))
    };
    let (row, hours, now) = scene.tx(|tx| Ok((tx.tenants().get()?, tx.tenants().business_hours()?, tx.now()))).unwrap();
    let words = GreetingWords::of(&row, &hours, now);
    for (template, rule) in [
        ("{{name}}!", "must be 10 to 500 characters long"),
        ("We will call you back.", "must contain {{business_name}}"),
        (
            "{{buisness_name}} will call you back.",
            "must not contain {{buisness_name}}: the placeholders are {{business_name}}, {{hours}} and {{next_opening}}",
        ),
        (
            "Hi {{name}}! {{business_name}} here.",
            "must not contain {{name}}: the placeholders are {{business_name}}, {{hours}} and {{next_opening}}",
        ),
        ("Hi {name}! {{business_name}} here.", "must not contain braces other than those of its placeholders"),
        (&format!("{{{{business_name}}}}{}", "x".repeat(484)), "must be 10 to 500 characters long"),
    ] {
        let expected = ("greeting_template".to_owned(), rule.to_owned());
        assert_eq!(refused(save(template)), expected);
        assert_eq!(refused(GreetingPreview::of(template, &words)), expected);
    }
    assert_eq!(scene.tx(|tx| tx.business_settings().get()).unwrap(), before);
}

#[test]
fn the_first_caller_gets_what_the_preview_showed() {
    let scene = Scene::new();
    let template = " {{business_name}} — sorry we missed you! We are open {{hours}}, next {{next_opening}}. ";
    let patch = BusinessSettingsPatch { greeting_template: Some(template.to_owned()), ..BusinessSettingsPatch::default() };
    scene.tx(|tx| tx.business_settings().update(&patch)).unwrap();
    let (row, hours, now) = scene.tx(|tx| Ok((tx.tenants().get()?, tx.tenants().business_hours()?, tx.now()))).unwrap();
    let preview = GreetingPreview::of(template, &GreetingWords::of(&row, &hours, now)).unwrap();
    assert_eq!((preview.encoding, preview.segments), (SmsEncoding::Ucs2, 2), "for its dash");

    let missed = VoiceForm::missed(unique_phone().as_str(), &scene.business.number, &unique_sid("CA")).parse();
    let greeting = record_voice_status(&scene.db.store, &missed).unwrap().greeting.unwrap();
    assert_eq!(scene.business.message(&scene.db.store, greeting).message_body, preview.text);
}
