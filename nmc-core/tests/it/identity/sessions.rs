//! Sessions and the rotation of their tokens.

use super::*;

#[test]
fn a_session_begins_with_what_the_client_said() {
    let scene = Scene::new();
    let user = scene.user("ada").id;
    let now = scene.pass(1);
    let new = NewSession {
        ip_address: Some("::ffff:192.0.2.7".parse().unwrap()),
        user_agent: Some("x".repeat(2_000)),
        device_fingerprint: Some(" a phone ".to_owned()),
        ..scene.login(user, "token")
    };
    let session = scene.tx(|tx| tx.sessions().create(&new)).unwrap();
    let expected = Session {
        id: session.id,
        tenant_id: scene.tenant(),
        user_id: user,
        rotated_at: None,
        expires_at: now + TimeDelta::hours(1),
        ip_address: Some("192.0.2.7".parse().unwrap()),
        user_agent: Some("x".repeat(1_000)),
        device_fingerprint: Some("a phone".to_owned()),
        is_active: true,
        ended_at: None,
        ended_reason: None,
        created_at: now,
        last_used_at: now,
    };
    assert_eq!(session, expected);
    assert_eq!(scene.tx(|tx| tx.sessions().find(session.id)).unwrap(), Some(expected));
    assert_eq!(scene.row("user_sessions", session.id)["refresh_token_hash"], json!(sha256_of_token()));
    assert!(!format!("{new:?} {:?}", hash("token")).contains("3c469e9d"), "a hash does not print");

    let nobody = UserId::new(uuid::Uuid::now_v7());
    let foreign = Business::onboard(&scene.db.store, "Other");
    scene.db.fill_every_table(foreign.tenant.id());
    let theirs: String = scene.db.query(&format!("SELECT id FROM users WHERE tenant_id = '{}'", foreign.tenant.id())).remove(0);
    for (words, new) in [
        ("refresh_token is already in use", scene.login(user, "token")),
        ("expires_at must be in the future", NewSession { expires_at: now, ..scene.login(user, "other") }),
        ("user_id must be an existing user", scene.login(nobody, "other")),
        ("user_id must be an existing user", scene.login(theirs.parse().unwrap(), "other")),
        (
            "device_fingerprint must be at most 255 characters",
            NewSession { device_fingerprint: Some("x".repeat(256)), ..scene.login(user, "other") },
        ),
    ] {
        scene.refused(words, || scene.tx(|tx| tx.sessions().create(&new)));
    }
}

/// Of `token`, as `sha256sum` says it.
const fn sha256_of_token() -> &'static str {
    "3c469e9d6c5875d37a43f353d4f88e61fcf812c66eee3457465a40b0da4153e0"
}

#[test]
fn nobody_logs_in_who_is_deactivated_or_whose_business_is() {
    let scene = Scene::new();
    let user = scene.user("ada").id;
    let login = || scene.tx(|tx| tx.sessions().create(&scene.login(user, "token")));
    scene.business.suspend(&scene.db, true);
    scene.refused("this business is not active", login);
    scene.business.suspend(&scene.db, false);
    scene.tx(|tx| tx.users().update(user, &UserPatch { is_active: Some(false), ..UserPatch::default() })).unwrap();
    scene.refused("this user is deactivated", login);
}

#[test]
fn a_login_at_the_moment_of_a_deactivation_is_refused() {
    let scene = Scene::new();
    let user = scene.user("ada").id;
    let login = |token: &'static str| scene.tx(|tx| tx.sessions().create(&scene.login(user, token)));
    let (suspended, refused) = scene.meanwhile(
        |meanwhile| scene.system(|tx| tx.set_tenant_status(scene.tenant(), TenantStatus::Suspended).inspect(|_| meanwhile())),
        || login("one"),
    );
    assert!(suspended.is_ok() && matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
    scene.system(|tx| tx.set_tenant_status(scene.tenant(), TenantStatus::Active)).unwrap();

    let deactivate = UserPatch { is_active: Some(false), ..UserPatch::default() };
    let (deactivated, refused) = scene.overlap(|tx| tx.users().update(user, &deactivate), || login("two"));
    assert!(deactivated.is_ok() && matches!(refused, Err(Error::Forbidden(_))), "{refused:?}");
}

#[test]
fn a_login_just_before_a_deactivation_is_ended_by_it() {
    let scene = Scene::new();
    let user = scene.user("ada").id;
    let deactivate = UserPatch { is_active: Some(false), ..UserPatch::default() };
    let (session, deactivated) = scene
        .overlap(|tx| tx.sessions().create(&scene.login(user, "token")), || scene.tx(|tx| tx.users().update(user, &deactivate)));
    assert!(deactivated.is_ok());
    let id = session.unwrap().id;
    let session = scene.tx(|tx| tx.sessions().get(id)).unwrap();
    assert_eq!(session.ended_reason, Some(SessionEnd::Deactivated));
}

#[test]
fn sessions_are_found_by_user_address_and_whether_they_live() {
    let scene = Scene::new();
    let [ada, ben] = ["ada", "ben"].map(|name| scene.user(name).id);
    let [one, two, three] = [(ada, "one"), (ada, "two"), (ben, "three")].map(|(user, token)| scene.session(user, token).id);
    let far = NewSession { ip_address: Some("2001:db8::1".parse().unwrap()), ..scene.login(ben, "far") };
    scene.pass(1);
    let far = scene.tx(|tx| tx.sessions().create(&far)).unwrap().id;
    scene.tx(|tx| tx.sessions().end(three, SessionEnd::Logout)).unwrap();
    scene.db.execute(&format!("UPDATE user_sessions SET expires_at = '{}' WHERE id = '{one}'", scene.now()));
    let all = SessionFilter::default;
    assert_filters!(scene, sessions, |session| session.id, [
        all() => [far, three, two, one],
        SessionFilter { user: Some(ada), ..all() } => [two, one],
        SessionFilter { is_active: Some(true), ..all() } => [far, two],
        SessionFilter { is_active: Some(false), ..all() } => [three, one],
        SessionFilter { is_active: Some(true), user: Some(ada), ..all() } => [two],
        SessionFilter { ip: Some("2001:db8::1".parse().unwrap()), ..all() } => [far],
        SessionFilter { ip: Some("2001:db8::2".parse().unwrap()), ..all() } => [],
    ]);
}

#[test]
fn a_token_is_exchanged_and_an_older_one_ends_the_session() {
    let scene = Scene::new();
    let user = scene.user("ada").id;
    let session = scene.session(user, "one");
    let rotate = |id: SessionId, shown: &str, new: &str| scene.tx(|tx| tx.sessions().rotate(id, &hash(shown), &hash(new)));
    let at = scene.pass(60);
    let rotated = Session { rotated_at: Some(at), last_used_at: at, ..session.clone() };
    assert_eq!(rotate(session.id, "one", "two").unwrap(), Rotation::Rotated(Box::new(rotated)));

    scene.pass(60);
    let before = scene.row("user_sessions", session.id);
    let nobodys = SessionId::new(uuid::Uuid::now_v7());
    assert_eq!(rotate(nobodys, "two", "three").unwrap(), Rotation::Unknown);
    scene.refused("refresh_token must be a new one", || rotate(session.id, "two", "two"));
    scene.session(user, "elsewhere");
    scene.refused("refresh_token is already in use", || rotate(session.id, "two", "elsewhere"));
    assert_eq!(scene.row("user_sessions", session.id), before, "none of these changed it");

    let find = |family: TokenHash| scene.system(|tx| tx.find_session_by_family(&family)).unwrap();
    assert_eq!(find(family("one")), Some((scene.business.tenant, session.id)));
    for other in [hash("one"), hash("two"), hash("family of nobody")] {
        assert_eq!(find(other), None, "a token alone finds nothing");
    }

    assert!(matches!(rotate(session.id, "two", "three").unwrap(), Rotation::Rotated(_)));
    let at = scene.pass(1);
    assert_eq!(rotate(session.id, "one", "four").unwrap(), Rotation::Reused, "two exchanges ago");
    let ended = scene.tx(|tx| tx.sessions().get(session.id)).unwrap();
    assert_eq!((ended.is_active, ended.ended_at, ended.ended_reason), (false, Some(at), Some(SessionEnd::Reuse)));
    for shown in ["one", "two", "three"] {
        assert_eq!(rotate(session.id, shown, "four").unwrap(), Rotation::Ended(SessionEnd::Reuse), "{shown}");
    }
}

#[test]
fn an_expired_session_neither_rotates_nor_counts_as_used() {
    let scene = Scene::new();
    let id = scene.session(scene.user("ada").id, "one").id;
    let touched = scene.pass(3_599);
    assert_eq!(scene.tx(|tx| tx.sessions().touch(id)).unwrap().last_used_at, touched);
    scene.pass(1);
    scene.refused("session not found", || scene.tx(|tx| tx.sessions().touch(id)));
    let shown = scene.tx(|tx| tx.sessions().rotate(id, &hash("one"), &hash("two"))).unwrap();
    assert_eq!(shown, Rotation::Ended(SessionEnd::Expired));
}

#[test]
fn token_shown_twice_at_once_gives_two_of_which_one_goes_on() {
    let scene = Scene::new();
    let id = scene.session(scene.user("ada").id, "one").id;
    let rotate = |tx: &mut TenantTx<'_>, shown: &str, new: &str| tx.sessions().rotate(id, &hash(shown), &hash(new)).unwrap();
    let (first, second) = scene.overlap(|tx| Ok(rotate(tx, "one", "two")), || scene.tx(|tx| Ok(rotate(tx, "one", "three"))));
    for came in [first.unwrap(), second.unwrap()] {
        assert!(matches!(came, Rotation::Rotated(_)), "{came:?}");
    }
    let row = scene.row("user_sessions", id);
    let hashes = ["one", "two", "three"].map(|token| json!(hex(token)));
    assert_eq!([&row["previous_token_hash"], &row["sibling_token_hashes"][0], &row["refresh_token_hash"]], hashes.each_ref());

    // Used at once, both: the second of them sees that the first was.
    let (first, second) = scene.overlap(|tx| Ok(rotate(tx, "two", "four")), || scene.tx(|tx| Ok(rotate(tx, "three", "five"))));
    assert!(matches!(first.unwrap(), Rotation::Rotated(_)));
    assert_eq!(second.unwrap(), Rotation::Reused);
    assert_eq!(scene.tx(|tx| Ok(rotate(tx, "four", "six"))).unwrap(), Rotation::Ended(SessionEnd::Reuse));
}

#[test]
fn a_session_ends_once_for_its_first_reason() {
    let scene = Scene::new();
    let user = scene.user("ada").id;
    let id = scene.session(user, "one").id;
    let at = scene.pass(1);
    let end = |why| scene.tx(|tx| tx.sessions().end(id, why)).unwrap();
    let ended = end(SessionEnd::Logout);
    assert_eq!((ended.is_active, ended.ended_at, ended.ended_reason), (false, Some(at), Some(SessionEnd::Logout)));
    scene.pass(1);
    assert_eq!(end(SessionEnd::Reuse), ended);
    scene.refused("session not found", || scene.tx(|tx| tx.sessions().touch(id)));
    let nobodys = SessionId::new(uuid::Uuid::now_v7());
    scene.refused("session not found", || scene.tx(|tx| tx.sessions().end(nobodys, SessionEnd::Logout)));
}

#[test]
fn sessions_end_together_and_the_one_in_use_may_stay() {
    let scene = Scene::new();
    let [ada, ben] = ["ada", "ben"].map(|name| scene.user(name).id);
    let [one, _two, gone, his] =
        [(ada, "1"), (ada, "2"), (ada, "3"), (ben, "4")].map(|(user, token)| scene.session(user, token).id);
    scene.tx(|tx| tx.sessions().end(gone, SessionEnd::Logout)).unwrap();
    let living = || {
        let filter = SessionFilter { is_active: Some(true), ..SessionFilter::default() };
        all(|page| scene.tx(|tx| tx.sessions().list(&filter, page))).iter().map(|row| row.id).collect::<Vec<_>>()
    };
    let end = |except| scene.tx(|tx| tx.sessions().end_all_of_user(ada, except, SessionEnd::PasswordChanged)).unwrap();
    assert_eq!((end(Some(one)), living()), (1, vec![his, one]));
    assert_eq!((end(None), living()), (1, vec![his]));
    assert_eq!((end(None), living()), (0, vec![his]));
    assert_eq!((scene.tx(|tx| tx.sessions().end_all(SessionEnd::Suspended)).unwrap(), living()), (1, vec![]));
    let why = |id| scene.tx(|tx| tx.sessions().get(id)).unwrap().ended_reason.unwrap();
    assert_eq!([one, gone, his].map(why), [SessionEnd::PasswordChanged, SessionEnd::Logout, SessionEnd::Suspended]);
}

#[test]
fn expired_sessions_are_removed_oldest_first_and_no_living_one() {
    let scene = Scene::new();
    let user = scene.user("ada").id;
    let [one, two, three] = ["1", "2", "3"].map(|token| scene.session(user, token));
    let remove = |before, limit| scene.tx(|tx| tx.sessions().delete_expired(before, limit)).unwrap();
    let left = || all(|page| scene.tx(|tx| tx.sessions().list(&SessionFilter::default(), page))).len();
    assert_eq!((remove(scene.now() + TimeDelta::days(9), 100), left()), (0, 3), "the future does not count");
    scene.clock.advance(three.expires_at - scene.now());
    assert_eq!((remove(two.expires_at, 100), left()), (1, 2));
    assert_eq!(scene.tx(|tx| tx.sessions().find(one.id)).unwrap(), None);
    scene.pass(1);
    assert_eq!((remove(scene.now(), 1), left()), (1, 1));
    assert_eq!(scene.tx(|tx| tx.sessions().find(two.id)).unwrap(), None);
    assert_eq!((remove(scene.now(), 0), left()), (0, 1));
    assert_eq!((remove(scene.now(), 1), left()), (1, 0));
}

#[test]
fn bulk_verbs_without_rls_stay_within_their_tenant() {
    let scene = Scene::new();
    let other = Business::onboard(&scene.db.store, "Other");
    scene.db.fill_every_table(other.tenant.id());
    scene.db.execute(
        "UPDATE user_sessions SET is_active = true, ended_at = NULL, ended_reason = NULL; UPDATE user_status SET is_online = true;
         ALTER TABLE user_sessions DISABLE ROW LEVEL SECURITY; ALTER TABLE user_status DISABLE ROW LEVEL SECURITY;
         ALTER TABLE user_profiles DISABLE ROW LEVEL SECURITY; ALTER TABLE users DISABLE ROW LEVEL SECURITY;",
    );
    let before = scene.db.rows_of(other.tenant.id());
    let theirs: UserId = scene.db.query::<String>("SELECT id FROM users").remove(0).parse().unwrap();
    // Long after all that the other business has.
    scene.clock.advance(TimeDelta::days(40_000));
    let touched = scene.tx(|tx| {
        let now = tx.now();
        Ok([
            tx.sessions().end_all(SessionEnd::Suspended)?,
            tx.sessions().end_all_of_user(theirs, None, SessionEnd::Suspended)?,
            tx.sessions().delete_expired(now, 100)?,
            tx.presences().sweep(now)?,
        ])
    });
    assert_eq!(touched.unwrap(), [0; 4]);
    scene.system(|tx| tx.set_tenant_status(scene.tenant(), TenantStatus::Suspended)).unwrap();
    assert_eq!(scene.db.rows_of(other.tenant.id()), before);
}
