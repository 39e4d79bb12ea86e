//! What users want to be told.

use super::*;

#[test]
fn preferences_begin_with_defaults_and_patch_changes_the_named() {
    let scene = Scene::new();
    let user = scene.profile("ada").user_id;
    assert_eq!(scene.tx(|tx| tx.preferences().get(user)).unwrap_err().to_string(), "preferences not found");
    let made = scene.tx(|tx| tx.preferences().create(user)).unwrap();
    assert_eq!((made.dashboard_default_view, made.customer_response_timeout), (DashboardView::Conversations, 60));
    assert_eq!(scene.tx(|tx| tx.preferences().insert_if_missing(user)).unwrap(), made, "they were there");
    scene.refused("user_id already has preferences", || scene.tx(|tx| tx.preferences().create(user)));
    assert_patches!(scene, "user_preferences", made.id, preferences, user, PreferencesPatch, [
        sms_notifications_enabled: Some(false) => {"sms_notifications_enabled": false},
        email_notifications_enabled: Some(false) => {"email_notifications_enabled": false},
        push_notifications_enabled: Some(false) => {"push_notifications_enabled": false},
        dashboard_sounds_enabled: Some(false) => {"dashboard_sounds_enabled": false},
        dashboard_default_view: Some(DashboardView::Calendar) => {"dashboard_default_view": "calendar"},
        dashboard_refresh_interval: Some(1) => {"dashboard_refresh_interval": 1},
        show_tutorial: Some(false) => {"show_tutorial": false},
        show_tutorial: None => {},
        auto_response_enabled: Some(false) => {"auto_response_enabled": false},
        ai_takeover_notifications: Some(false) => {"ai_takeover_notifications": false},
        customer_response_timeout: Some(1) => {"customer_response_timeout": 1},
    ]);
    let none = PreferencesPatch::default;
    for (words, patch) in [
        ("dashboard_refresh_interval must be at least 1", PreferencesPatch { dashboard_refresh_interval: Some(0), ..none() }),
        ("customer_response_timeout must be at least 1", PreferencesPatch { customer_response_timeout: Some(0), ..none() }),
    ] {
        scene.refused(words, || scene.tx(|tx| tx.preferences().update(user, &patch)));
    }
    scene.tx(|tx| tx.preferences().delete(user)).unwrap();
    scene.refused("preferences not found", || scene.tx(|tx| tx.preferences().delete(user)));
    scene.refused("preferences not found", || scene.tx(|tx| tx.preferences().update(user, &none())));
    assert!(scene.tx(|tx| tx.preferences().insert_if_missing(user)).unwrap().show_tutorial, "the defaults again");
}

#[test]
fn who_wants_to_be_notified_is_found_by_channel() {
    let scene = Scene::new();
    let [ada, ben, cleo] = ["ada", "ben", "cleo"].map(|name| scene.profile(name).user_id);
    for (user, sms, email, push) in [(ada, false, true, true), (ben, true, false, true), (cleo, true, true, false)] {
        scene.pass(1);
        let patch = PreferencesPatch {
            sms_notifications_enabled: Some(sms),
            email_notifications_enabled: Some(email),
            push_notifications_enabled: Some(push),
            ..PreferencesPatch::default()
        };
        scene.tx(|tx| tx.preferences().create(user).and_then(|_| tx.preferences().update(user, &patch))).unwrap();
    }
    let all = PreferencesFilter::default;
    assert_filters!(scene, preferences, |row| row.user_id, [
        all() => [cleo, ben, ada],
        PreferencesFilter { sms: Some(true), ..all() } => [cleo, ben],
        PreferencesFilter { email: Some(true), ..all() } => [cleo, ada],
        PreferencesFilter { push: Some(true), ..all() } => [ben, ada],
        PreferencesFilter { push: Some(false), ..all() } => [cleo],
        PreferencesFilter { sms: Some(false), email: Some(false), ..all() } => [],
    ]);
}
