//! Users, and what follows from their changes.

use super::*;
use nmc_core::access::{GuessOrigin, Origin};

const NOWHERE: GuessOrigin<'static> =
    GuessOrigin::Request(&Origin { ip_address: None, user_agent: None, device_fingerprint: None });

#[test]
fn a_patch_changes_the_fields_it_names_and_no_other() {
    let scene = Scene::new();
    let id = scene.user("ada").id;
    assert_patches!(scene, "users", id, users, id, UserPatch, [
        first_name: Patch::Set(" Ida ".to_owned()) => {"first_name": "Ida"},
        first_name: Patch::Clear => {"first_name": null},
        first_name: Patch::Keep => {},
        last_name: Patch::Set("Jones".to_owned()) => {"last_name": "Jones"},
        last_name: Patch::Clear => {"last_name": null},
        email: Some("Ida@Example.com".parse().unwrap()) => {
            "email": "ida@example.com", "email_verified": false, "email_verified_at": null, "email_changed_at": "2026-11-16T12:00:07+00:00"
        },
        role: Some(UserRole::Admin) => {"role": "admin"},
        is_active: Some(false) => {"is_active": false},
    ]);
    let long = UserPatch { first_name: Patch::Set("x".repeat(101)), ..UserPatch::default() };
    scene.refused("first_name must be at most 100 characters", || scene.tx(|tx| tx.users().update(id, &long)));
    let other = scene.user("ben");
    let taken = UserPatch { email: Some(other.email), role: Some(UserRole::Owner), ..UserPatch::default() };
    scene.refused("email is already taken", || scene.tx(|tx| tx.users().update(id, &taken)));
}

#[test]
fn users_are_found_by_what_their_logins_came_to() {
    let scene = Scene::new();
    let [ada, ben, cleo] = ["ada", "ben", "cleo"].map(|name| scene.user(name).id);
    let at = noon();
    scene.db.execute(&format!("UPDATE users SET locked_until = '{at}', failed_login_attempts = 5 WHERE id = '{ada}'"));
    scene.db.execute(&format!("UPDATE users SET last_login_at = '{at}', is_active = false, role = 'viewer' WHERE id = '{ben}'"));
    let all = UserFilter::default;
    assert_filters!(scene, users, |user| user.id, [
        all() => [cleo, ben, ada],
        UserFilter { role: Some(UserRole::Viewer), ..all() } => [ben],
        UserFilter { is_active: Some(true), ..all() } => [cleo, ada],
        UserFilter { is_active: Some(false), ..all() } => [ben],
        UserFilter { locked_at: Some(at - TimeDelta::seconds(1)), ..all() } => [ada],
        UserFilter { locked_at: Some(at), ..all() } => [],
        UserFilter { failed_logins: Some(true), ..all() } => [ada],
        UserFilter { failed_logins: Some(false), ..all() } => [cleo, ben],
        UserFilter { last_login_before: Some(at + TimeDelta::seconds(1)), ..all() } => [ben],
        UserFilter { last_login_before: Some(at), ..all() } => [],
    ]);
}

#[test]
fn deactivating_a_user_ends_their_sessions_and_nobody_elses() {
    let scene = Scene::new();
    let [ada, ben] = ["ada", "ben"].map(|name| scene.user(name).id);
    let (hers, his) = (scene.session(ada, "hers"), scene.session(ben, "his"));
    let set = |is_active| {
        let patch = UserPatch { is_active: Some(is_active), ..UserPatch::default() };
        scene.tx(|tx| tx.users().update(ada, &patch)).unwrap();
    };
    set(true);
    assert_eq!(scene.tx(|tx| tx.sessions().get(hers.id)).unwrap(), hers, "she may log in, as before");
    let now = scene.pass(1);
    set(false);
    set(true);
    let ended = scene.tx(|tx| tx.sessions().get(hers.id)).unwrap();
    assert_eq!((ended.is_active, ended.ended_at, ended.ended_reason), (false, Some(now), Some(SessionEnd::Deactivated)));
    assert_eq!(scene.tx(|tx| tx.sessions().get(his.id)).unwrap(), his);
}

#[test]
fn guess_is_counted_before_its_check_and_the_last_one_locks() {
    let scene = Scene::new();
    let user = scene.user("ada");
    let hour = TimeDelta::hours(1);
    let claim = || scene.system(|tx| tx.claim_login_attempt(&user.email, NOWHERE, 3, hour)).unwrap().is_some();
    let row = || {
        let row = scene.tx(|tx| tx.users().get(user.id)).unwrap();
        (row.failed_login_attempts, row.locked_until)
    };
    scene.pass(1);
    assert_eq!([(claim(), row()), (claim(), row())], [(true, (1, None)), (true, (2, None))]);
    let until = scene.now() + hour;
    assert_eq!([(claim(), row()), (claim(), row())], [(true, (3, Some(until))), (false, (3, Some(until)))]);
    scene.pass(3_599);
    assert!(!claim(), "until then");
    scene.pass(1);
    assert_eq!((claim(), row()), (true, (1, None)), "from then on counting begins anew");

    // Of many at once each counts, and no more than the limit pass.
    let passed = std::thread::scope(|threads| {
        let threads: Vec<_> = (0..8).map(|_| threads.spawn(claim)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).filter(|passed| *passed).count()
    });
    assert_eq!((passed, row()), (2, (3, Some(scene.now() + hour))));
    let nobody = "nobody@example.com".parse().unwrap();
    assert!(scene.system(|tx| tx.claim_login_attempt(&nobody, NOWHERE, 3, hour)).unwrap().is_none());
    for (limit, lock_for, words) in
        [(0, hour, "limit must be at least 1"), (3, TimeDelta::zero(), "lock_for must end in the future")]
    {
        scene.refused(words, || scene.system(|tx| tx.claim_login_attempt(&user.email, NOWHERE, limit, lock_for)));
    }
}

#[test]
fn a_login_counts_only_with_the_password_that_is_still_in_force() {
    let scene = Scene::new();
    let user = scene.user("ada").id;
    scene.db.execute(&format!("UPDATE users SET failed_login_attempts = 3, locked_until = '{}'", scene.now()));
    let login = |hash: &str| scene.tx(|tx| tx.logins().record(user, hash, false)).unwrap();
    assert!(!login("$2b$another"));
    let at = scene.pass(1);
    assert!(login("$2b$04$"));
    let back = scene.tx(|tx| tx.users().get(user)).unwrap();
    assert_eq!((back.failed_login_attempts, back.locked_until, back.last_login_at), (0, None, Some(at)));

    let replace = |old: &str, new: &str| scene.tx(|tx| tx.logins().replace_password_hash(user, old, new)).unwrap();
    assert_eq!([replace("$2b$another", "$2b$third"), replace("$2b$04$", "$2b$second")], [false, true]);
    let kept = || scene.db.query::<String>(&format!("SELECT password_hash FROM users WHERE id = '{user}'"));
    assert_eq!(kept(), ["$2b$second"]);
    scene.tx(|tx| tx.users().set_password_hash(user, "$2b$another")).unwrap();
    assert_eq!(kept(), ["$2b$another"]);
    scene.db.execute("UPDATE users SET is_active = false");
    assert!(!login("$2b$another"), "deactivated meanwhile");
}
