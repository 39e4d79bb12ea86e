//! API keys.

use super::*;

#[test]
fn a_key_keeps_its_bounds() {
    let scene = Scene::new();
    let user = scene.user("ada").id;
    let now = scene.pass(1);
    let end = now + TimeDelta::days(1);
    let new = NewApiKey { goes_back_to: Some(user), expires_at: Some(end), ..key("nmc_1") };
    let made = scene.tx(|tx| tx.api_keys().create(&new)).unwrap();
    let expected = ApiKey {
        id: made.id,
        tenant_id: scene.tenant(),
        name: "the till".to_owned(),
        prefix: "nmc_1".to_owned(),
        scopes: vec!["calls:read".to_owned()],
        created_by: Some(user),
        expires_at: Some(end),
        last_used_at: None,
        revoked_at: None,
        created_at: now,
        updated_at: now,
    };
    assert_eq!(made, expected);
    assert_eq!(scene.tx(|tx| tx.api_keys().get(made.id)).unwrap(), expected);
    assert_eq!(scene.tx(|tx| tx.api_keys().find_by_prefix("nmc_1")).unwrap(), Some(expected));
    assert_eq!(scene.tx(|tx| tx.api_keys().find_by_prefix("nmc_2")).unwrap(), None);
    assert!((made.is_in_force(now), made.is_in_force(end)) == (true, false), "until it expires");

    let scopes = |scopes: Vec<String>| NewApiKey { scopes, ..key("nmc_2") };
    let many = |count: i32| (0..count).map(|n| n.to_string()).collect::<Vec<_>>();
    for (words, new) in [
        ("prefix is already taken", key("nmc_1")),
        ("prefix must be at most 16 characters", key(&"x".repeat(17))),
        ("name must be at most 100 characters", NewApiKey { name: "x".repeat(101), ..key("nmc_2") }),
        ("expires_at must be in the future", NewApiKey { expires_at: Some(now), ..key("nmc_2") }),
        (
            "created_by must be an existing user",
            NewApiKey { goes_back_to: Some(UserId::new(uuid::Uuid::now_v7())), ..key("nmc_2") },
        ),
        ("scopes must be at most 50", scopes(many(51))),
        ("scopes must not be empty", scopes(vec![String::new()])),
        ("scopes must be at most 100 characters", scopes(vec!["x".repeat(101)])),
        ("scopes must not name one twice", scopes(vec!["a".to_owned(), " a".to_owned()])),
    ] {
        scene.refused(words, || scene.tx(|tx| tx.api_keys().create(&new)));
    }
    scene.tx(|tx| tx.api_keys().create(&scopes(many(50)))).unwrap();
}

#[test]
fn a_keys_patch_changes_the_fields_it_names_and_no_other() {
    let scene = Scene::new();
    let now = scene.now();
    let end = now + TimeDelta::days(1);
    let id = scene.tx(|tx| tx.api_keys().create(&NewApiKey { expires_at: Some(end), ..key("nmc_1") })).unwrap().id;
    assert_patches!(scene, "api_keys", id, api_keys, id, ApiKeyPatch, [
        name: Some("the van".to_owned()) => {"name": "the van"},
        scopes: Some(Vec::new()) => {"scopes": []},
        expires_at: Patch::Keep => {},
        expires_at: Patch::Clear => {"expires_at": null},
        expires_at: Patch::Set(end) => {"expires_at": "2026-11-17T12:00:00+00:00"},
    ]);
    let patch = |patch: ApiKeyPatch| {
        let scene = &scene;
        move || scene.tx(|tx| tx.api_keys().update(id, &patch))
    };
    let past = ApiKeyPatch { expires_at: Patch::Set(now), ..ApiKeyPatch::default() };
    scene.refused("expires_at must be in the future", patch(past));
    let twice = ApiKeyPatch { scopes: Some(vec!["a".to_owned(), "a".to_owned()]), ..ApiKeyPatch::default() };
    scene.refused("scopes must not name one twice", patch(twice));
    scene.tx(|tx| tx.api_keys().revoke(id)).unwrap();
    scene.refused("API key is revoked", patch(ApiKeyPatch { expires_at: Patch::Clear, ..ApiKeyPatch::default() }));
}

#[test]
fn key_revoked_or_expired_is_refused_and_only_then_removed() {
    let scene = Scene::new();
    let user = scene.user("ada").id;
    let make = |new: &NewApiKey| {
        scene.pass(1);
        scene.tx(|tx| tx.api_keys().create(new)).unwrap().id
    };
    let end = scene.now() + TimeDelta::minutes(1);
    let old = make(&NewApiKey { expires_at: Some(end), ..key("old") });
    let hers = make(&NewApiKey { goes_back_to: Some(user), ..key("hers") });
    let bad = make(&key("bad"));
    let remove = |id| scene.tx(|tx| tx.api_keys().delete(id));
    scene.refused("API key is in force; revoke it first", || remove(old));
    scene.refused("API key is in force; revoke it first", || remove(bad));

    let at = scene.pass(1);
    let revoked = scene.tx(|tx| tx.api_keys().revoke(bad)).unwrap();
    assert_eq!((revoked.revoked_at, revoked.is_in_force(at)), (Some(at), false));
    scene.clock.advance(end - at);
    assert_eq!(scene.tx(|tx| tx.api_keys().revoke(bad)).unwrap(), revoked, "the first time stays");
    let all = ApiKeyFilter::default;
    assert_filters!(scene, api_keys, |key| key.id, [
        all() => [bad, hers, old],
        ApiKeyFilter { in_force: Some(true), ..all() } => [hers],
        ApiKeyFilter { in_force: Some(false), ..all() } => [bad, old],
        ApiKeyFilter { created_by: Some(user), ..all() } => [hers],
        ApiKeyFilter { is_nobodys: Some(true), ..all() } => [bad, old],
        ApiKeyFilter { is_nobodys: Some(false), ..all() } => [hers],
    ]);
    remove(old).unwrap();
    remove(bad).unwrap();
    scene.refused("API key not found", || remove(bad));
    scene.refused("API key not found", || scene.tx(|tx| tx.api_keys().revoke(bad)));
    scene.refused("API key not found", || scene.tx(|tx| tx.api_keys().update(bad, &ApiKeyPatch::default())));
}

#[test]
fn a_use_is_noted_once_a_minute() {
    let scene = Scene::new();
    let id = scene.tx(|tx| tx.api_keys().create(&key("nmc_1"))).unwrap().id;
    let use_it = || scene.tx(|tx| tx.api_keys().mark_used(id)).unwrap();
    let noted = || scene.tx(|tx| tx.api_keys().get(id)).unwrap().last_used_at;
    let first = scene.pass(1);
    assert_eq!((use_it(), noted()), (true, Some(first)));
    scene.pass(60);
    assert_eq!((use_it(), noted()), (false, Some(first)));
    let second = scene.pass(1);
    assert_eq!((use_it(), noted()), (true, Some(second)));
}

#[test]
fn key_in_force_leads_to_its_active_tenant_alone() {
    let scene = Scene::new();
    let id = scene.tx(|tx| tx.api_keys().create(&key("nmc_1"))).unwrap().id;
    let find = |prefix: &str, secret: &str| {
        let found = scene.db.store.system(Reason::Authentication, |tx| tx.find_api_key(prefix, &hash(secret))).unwrap();
        found.map(|(tenant, key)| (tenant, key.id))
    };
    assert_eq!(find("nmc_1", "a secret"), Some((scene.business.tenant, id)));
    assert_eq!((find("nmc_1", "another"), find("nmc_2", "a secret")), (None, None), "which look alike");
    scene.business.suspend(&scene.db, true);
    assert_eq!(find("nmc_1", "a secret"), None, "of no use while the business is suspended");
    scene.business.suspend(&scene.db, false);
    scene.pass(1);
    scene.tx(|tx| tx.api_keys().revoke(id)).unwrap();
    assert_eq!(find("nmc_1", "a secret"), None, "of no use once it is revoked");
}
