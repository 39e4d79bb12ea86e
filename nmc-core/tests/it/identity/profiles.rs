//! Profiles, in step with their users.

use super::*;

#[test]
fn a_profile_takes_email_and_role_from_the_user() {
    let scene = Scene::new();
    let user = scene.user("ada");
    let now = scene.pass(1);
    let new = NewProfile {
        display_name: Some("Ada S.".to_owned()),
        phone_number: Some("+14155550123".parse().unwrap()),
        timezone: Some("Europe/Berlin".parse().unwrap()),
        ..profile_of(user.id)
    };
    let profile = scene.tx(|tx| tx.profiles().create(&new)).unwrap();
    let expected = Profile {
        id: profile.id,
        tenant_id: scene.tenant(),
        user_id: user.id,
        email: user.email,
        first_name: new.first_name.clone(),
        last_name: new.last_name.clone(),
        display_name: new.display_name.clone(),
        phone_number: new.phone_number.clone(),
        profile_photo_url: None,
        timezone: new.timezone.unwrap(),
        role: UserRole::Operator,
        is_active: true,
        created_at: now,
        updated_at: now,
    };
    assert_eq!(profile, expected);
    assert_eq!(scene.tx(|tx| tx.profiles().get(profile.id)).unwrap(), expected);
    assert_eq!(scene.tx(|tx| tx.profiles().get_by_user(user.id)).unwrap(), expected);
    let other = scene.user("ben").id;
    assert_eq!(scene.tx(|tx| tx.profiles().find_by_user(other)).unwrap(), None);
    assert_eq!(scene.tx(|tx| tx.profiles().get_by_user(other)).unwrap_err().to_string(), "profile not found");

    for (words, new) in [
        ("user_id already has a profile", profile_of(user.id)),
        ("user_id must be an existing user", profile_of(UserId::new(uuid::Uuid::now_v7()))),
        ("first_name must not be empty", NewProfile { first_name: " ".to_owned(), ..profile_of(other) }),
        ("last_name must be at most 100 characters", NewProfile { last_name: "x".repeat(101), ..profile_of(other) }),
        ("display_name must be at most 200 characters", NewProfile { display_name: Some("x".repeat(201)), ..profile_of(other) }),
    ] {
        scene.refused(words, || scene.tx(|tx| tx.profiles().create(&new)));
    }
}

#[test]
fn a_profiles_patch_changes_the_fields_it_names_and_no_other() {
    let scene = Scene::new();
    let id = scene.profile("ada").id;
    assert_patches!(scene, "user_profiles", id, profiles, id, ProfilePatch, [
        first_name: Some("Ida".to_owned()) => {"first_name": "Ida"},
        last_name: Some("Jones".to_owned()) => {"last_name": "Jones"},
        display_name: Patch::Set("IJ".to_owned()) => {"display_name": "IJ"},
        phone_number: Patch::Set("+14155550123".parse().unwrap()) => {"phone_number": "+14155550123"},
        profile_photo_url: Patch::Set("https://example.com/a.png".to_owned()) => {"profile_photo_url": "https://example.com/a.png"},
        timezone: Some("Asia/Tokyo".parse().unwrap()) => {"timezone": "Asia/Tokyo"},
        is_active: Some(false) => {"is_active": false},
        display_name: Patch::Keep => {},
        display_name: Patch::Clear => {"display_name": null},
        phone_number: Patch::Clear => {"phone_number": null},
        profile_photo_url: Patch::Clear => {"profile_photo_url": null},
    ]);
    let long = ProfilePatch { profile_photo_url: Patch::Set("x".repeat(2_001)), ..ProfilePatch::default() };
    scene.refused("profile_photo_url must be at most 2000 characters", || scene.tx(|tx| tx.profiles().update(id, &long)));
    let nobodys = ProfileId::new(uuid::Uuid::now_v7());
    scene.refused("profile not found", || scene.tx(|tx| tx.profiles().update(nobodys, &ProfilePatch::default())));
}

#[test]
fn profiles_are_found_by_role_and_by_whether_they_are_shown() {
    let scene = Scene::new();
    let [ada, ben, cleo] = ["ada", "ben", "cleo"].map(|name| scene.profile(name));
    scene.tx(|tx| tx.users().update(ben.user_id, &UserPatch { role: Some(UserRole::Admin), ..UserPatch::default() })).unwrap();
    scene.tx(|tx| tx.profiles().update(cleo.id, &ProfilePatch { is_active: Some(false), ..ProfilePatch::default() })).unwrap();
    let all = ProfileFilter::default;
    assert_filters!(scene, profiles, |profile| profile.id, [
        all() => [cleo.id, ben.id, ada.id],
        ProfileFilter { role: Some(UserRole::Admin), ..all() } => [ben.id],
        ProfileFilter { is_active: Some(true), ..all() } => [ben.id, ada.id],
        ProfileFilter { is_active: Some(false), ..all() } => [cleo.id],
    ]);
}

#[test]
fn without_a_profile_there_are_no_preferences_and_no_presence() {
    let scene = Scene::new();
    let profile = scene.profile("ada");
    let user = profile.user_id;
    scene.tx(|tx| tx.preferences().create(user)).unwrap();
    scene.tx(|tx| tx.presences().heartbeat(user)).unwrap();
    scene.tx(|tx| tx.profiles().delete(profile.id)).unwrap();
    scene.refused("profile not found", || scene.tx(|tx| tx.profiles().delete(profile.id)));
    let left =
        |tx: &mut TenantTx<'_>| Ok((tx.preferences().find(user)?, tx.presences().find(user)?, tx.users().find(user)?.is_some()));
    assert_eq!(scene.tx(left).unwrap(), (None, None, true));
    let words = "user_id must be a user with a profile";
    scene.refused(words, || scene.tx(|tx| tx.preferences().create(user)));
    scene.refused(words, || scene.tx(|tx| tx.preferences().insert_if_missing(user)));
    scene.refused(words, || scene.tx(|tx| tx.presences().insert_if_missing(user)));
    scene.refused(words, || scene.tx(|tx| tx.presences().heartbeat(user)));
    scene.refused(words, || scene.tx(|tx| tx.presences().set(user, PresenceStatus::Busy, &Patch::Keep)));
}

#[track_caller]
fn assert_in_step(scene: &Scene, user: UserId, email: &str, role: UserRole) {
    let (user, profile) = scene.tx(|tx| Ok((tx.users().get(user)?, tx.profiles().get_by_user(user)?))).unwrap();
    assert_eq!((profile.email.as_str(), profile.role), (email, role), "the profile");
    assert_eq!((user.email.as_str(), user.role), (email, role), "the user");
}

#[test]
fn a_profile_follows_its_users_email_and_role_and_nobody_elses() {
    let scene = Scene::new();
    let (ada, ben) = (scene.profile("ada").user_id, scene.profile("ben"));
    let email = UserPatch { email: Some("ida@example.com".parse().unwrap()), ..UserPatch::default() };
    scene.tx(|tx| tx.users().update(ada, &email)).unwrap();
    assert_in_step(&scene, ada, "ida@example.com", UserRole::Operator);
    scene.tx(|tx| tx.users().update(ada, &UserPatch { role: Some(UserRole::Owner), ..UserPatch::default() })).unwrap();
    assert_in_step(&scene, ada, "ida@example.com", UserRole::Owner);
    assert_eq!(scene.tx(|tx| tx.profiles().get(ben.id)).unwrap(), ben);
}

#[test]
fn two_changes_of_a_user_at_once_leave_the_profile_in_step() {
    let scene = Scene::new();
    let (ada, other_owner) = (scene.profile("ada").user_id, scene.user("ben").id);
    scene.db.execute(&format!("UPDATE users SET role = 'owner' WHERE id = '{other_owner}'"));
    let change = |tx: &mut TenantTx<'_>, email: Option<&str>, role: Option<UserRole>| {
        let email = email.map(|email| email.parse().unwrap());
        tx.users().update(ada, &UserPatch { email, role, ..UserPatch::default() })
    };
    for (first, second, email, role) in [
        ((Some("a@example.com"), None), (None, Some(UserRole::Admin)), "a@example.com", UserRole::Admin),
        ((None, Some(UserRole::Viewer)), (Some("b@example.com"), None), "b@example.com", UserRole::Viewer),
        ((None, Some(UserRole::Owner)), (None, Some(UserRole::User)), "b@example.com", UserRole::User),
    ] {
        let (one, two) = scene.overlap(|tx| change(tx, first.0, first.1), || scene.tx(|tx| change(tx, second.0, second.1)));
        assert!(one.is_ok() && two.is_ok());
        assert_in_step(&scene, ada, email, role);
    }
}

#[test]
fn a_profile_made_while_its_user_changes_is_in_step() {
    let scene = Scene::new();
    let [ada, ben] = ["ada", "ben"].map(|name| scene.user(name).id);
    let promote = UserPatch { role: Some(UserRole::Admin), ..UserPatch::default() };
    let (changed, made) =
        scene.overlap(|tx| tx.users().update(ada, &promote), || scene.tx(|tx| tx.profiles().create(&profile_of(ada))));
    assert!(changed.is_ok() && made.is_ok());
    assert_in_step(&scene, ada, "ada@example.com", UserRole::Admin);
    let (made, changed) =
        scene.overlap(|tx| tx.profiles().create(&profile_of(ben)), || scene.tx(|tx| tx.users().update(ben, &promote)));
    assert!(changed.is_ok() && made.is_ok());
    assert_in_step(&scene, ben, "ben@example.com", UserRole::Admin);
}
