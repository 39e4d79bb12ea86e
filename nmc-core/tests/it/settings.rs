//! Business settings: a patch changes what it names, and each range is told.

use crate::support::{Scene, refused};
use nmc_core::settings::{BusinessSettings, BusinessSettingsPatch};

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
    ];
    for (patch, change) in cases {
        change(&mut row);
        row.updated_at = scene.tick();
        assert_eq!(scene.tx(|tx| tx.business_settings().update(&patch)).unwrap(), row, "{patch:?}");
    }
    for (bad, field) in [
        (BusinessSettingsPatch { greeting_template: Some("We will call you back.".to_owned()), ..none() }, "greeting_template"),
        (BusinessSettingsPatch { greeting_cooldown_hours: Some(0), ..none() }, "greeting_cooldown_hours"),
        (BusinessSettingsPatch { ai_takeover_delay_seconds: Some(59), ..none() }, "ai_takeover_delay_seconds"),
        (BusinessSettingsPatch { basic_job_estimate_min: Some(24), ..none() }, "basic_job_estimate_min"),
        (BusinessSettingsPatch { basic_job_estimate_max: Some(10_001), ..none() }, "basic_job_estimate_max"),
    ] {
        assert_eq!(refused(scene.tx(|tx| tx.business_settings().update(&bad))).0, field);
    }
    assert_eq!(scene.tx(|tx| tx.business_settings().get()).unwrap(), row, "and a refusal changes nothing");
}
