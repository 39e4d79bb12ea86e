//! Access tokens: right ones count only while session, account and business are what they must be.

use super::key_files::Keys;
use super::*;
use nmc_core::people::{UserPatch, logout, logout_everywhere};
use nmc_core::store::Reason;
use nmc_core::{SessionEnd, TenantStatus};
use serde_json::{Value, json};

const ENDED: &str = "the session has ended; log in again";

/// What a change makes of a token that was good before it.
fn after(change: impl FnOnce(&House, &Credential)) -> Result<()> {
    let house = House::new();
    let ada = house.bearer("ada");
    house.acting(&ada, |_| Ok(())).unwrap();
    change(&house, &ada);
    house.acting(&ada, |_| panic!("nobody may work here any more"))
}

#[test]
fn a_token_ends_with_its_session_its_account_or_its_business() {
    let status = |house: &House, to| {
        house.db.store.system(Reason::Operations, |tx| tx.set_tenant_status(house.tenant.id(), to).map(drop)).unwrap();
    };
    type Change<'a> = (&'a str, Box<dyn Fn(&House, &Credential) + 'a>);
    let changes: Vec<Change<'_>> = vec![
        ("logout", Box::new(|house, ada| house.acting(ada, logout).unwrap())),
        (
            "logout everywhere",
            Box::new(|house, ada| {
                assert_eq!(house.acting(ada, |tx| logout_everywhere(tx, None)).unwrap(), 1);
            }),
        ),
        ("suspension", Box::new(move |house, _| status(house, TenantStatus::Suspended))),
        (
            "an end by hand that forgot the sessions",
            Box::new(|house, _| {
                house.db.execute("UPDATE tenants SET status = 'suspended', is_active = false");
            }),
        ),
        (
            "a stay that ended sessions, and a return",
            Box::new(move |house, _| {
                status(house, TenantStatus::Suspended);
                status(house, TenantStatus::Active);
            }),
        ),
        (
            "deactivation",
            Box::new(|house, _| {
                house.add("ben", UserRole::Owner);
                let off = UserPatch { is_active: Some(false), ..UserPatch::default() };
                house.tx(|tx| tx.users().update(house.ada, &off)).unwrap();
            }),
        ),
        ("a user gone by hand", Box::new(|house, _| house.db.execute("UPDATE users SET is_active = false"))),
        (
            "the session's end",
            Box::new(|house, _| house.db.execute(&format!("UPDATE user_sessions SET expires_at = '{}'", house.now()))),
        ),
        ("the session's row gone", Box::new(|house, _| house.db.execute("DELETE FROM user_sessions"))),
        (
            "reuse",
            Box::new(|house, ada| {
                let session = house.acting(ada, |tx| Ok(tx.actor().session().unwrap())).unwrap();
                house.tx(|tx| tx.sessions().end(session, SessionEnd::Reuse)).unwrap();
            }),
        ),
    ];
    for (what, change) in changes {
        assert_eq!(unknown(after(change)), ENDED, "{what}");
    }
}

#[test]
fn a_changed_role_counts_from_the_next_request_on() {
    use nmc_core::access::Permission::UsersWrite;
    let house = House::new();
    let ben = house.add("ben", UserRole::Viewer);
    let his = house.bearer("ben");
    let may = || house.acting(&his, |tx| tx.may(UsersWrite)).unwrap();
    let set = |role| {
        house.pass(1);
        house.tx(|tx| tx.users().update(ben, &UserPatch { role: Some(role), ..UserPatch::default() })).unwrap();
    };
    assert!(!may());
    set(UserRole::Admin);
    assert!(may());
    set(UserRole::User);
    assert!(!may());
}

#[test]
fn token_expires_after_15_minutes_or_with_a_shorter_session() {
    let house = House::new();
    for (session_for, lives) in [(TimeDelta::days(1), 900), (TimeDelta::minutes(5), 300)] {
        let auth = house.auth_with(4, LoginPolicy { session_for, ..LoginPolicy::default() });
        let tokens = login(&auth, "ada").unwrap();
        assert_eq!(tokens.access_expires_at, house.now() + TimeDelta::seconds(lives));
        let known = auth.credential(&tokens.access_token).unwrap();
        house.pass(lives - 1);
        house.acting(&auth.credential(&tokens.access_token).unwrap(), |_| Ok(())).unwrap();
        house.pass(1);
        assert_eq!(unknown(auth.credential(&tokens.access_token)), "the access token has expired; refresh it");
        // Whoever kept what the token said is let in no longer than the session lives.
        let came = house.acting(&known, |_| Ok(()));
        assert_eq!(came.is_ok(), lives == 900, "{came:?}");
    }
}

#[test]
fn a_session_is_noted_as_used_once_a_minute() {
    let house = House::new();
    let ada = house.bearer("ada");
    let used = || {
        house.acting(&ada, |_| Ok(())).unwrap();
        house.db.query::<DateTime<Utc>>("SELECT last_used_at FROM user_sessions").remove(0)
    };
    let began = house.now();
    house.pass(59);
    assert_eq!(used(), began);
    let later = house.pass(1);
    assert_eq!(used(), later);
    house.pass(1);
    assert_eq!(used(), later);
    // A transaction that only reads can't note it: another does.
    let later = house.pass(60);
    house.db.store.reading().acting(&ada, |_| Ok(())).unwrap();
    assert_eq!(house.db.query::<DateTime<Utc>>("SELECT last_used_at FROM user_sessions"), [later]);
    // Where that can't be, what was read is read.
    house.pass(60);
    house.db.execute("REVOKE UPDATE ON user_sessions FROM nmc_tenant");
    assert_eq!(house.db.store.reading().acting(&ada, |_| Ok(7)).unwrap(), 7);
    assert_eq!(house.db.query::<DateTime<Utc>>("SELECT last_used_at FROM user_sessions"), [later]);
    assert!(house.acting(&ada, |_| Ok(())).is_err());
}

#[test]
fn token_for_foreign_rows_answers_like_an_ended_session() {
    let house = House::new();
    let keys = Keys::new();
    let auth = with_keys(&house.db.store, keys.open(house.now()));
    let other = auth.register(&registration("Somebody Else", "cleo"), None).unwrap();
    let (ours, theirs) = (login(&auth, "ada").unwrap().session, login(&auth, "cleo").unwrap().session);
    let (us, them, nobody) = (house.tenant.id(), other.tenant.id(), uuid::Uuid::now_v7());
    let shown = |claims: Value| -> Result<()> {
        let token = keys.forge(&claims);
        auth.store().acting(&auth.credential(&token)?, |_| Ok(()))
    };
    let now = house.now().timestamp();
    let claims = |tenant: &dyn ToString, user: &dyn ToString, session: &dyn ToString| json!({"iss": "nmc", "tid": tenant.to_string(), "sub": user.to_string(), "sid": session.to_string(), "iat": now, "exp": now + 60});
    // The forger signs as the server does: with true claims it is let in.
    shown(claims(&us, &ours.user_id, &ours.id)).unwrap();
    shown(claims(&them, &theirs.user_id, &theirs.id)).unwrap();
    for (what, claims) in [
        ("their session in our business", claims(&us, &theirs.user_id, &theirs.id)),
        ("our session in theirs", claims(&them, &ours.user_id, &ours.id)),
        ("their session under our name", claims(&us, &ours.user_id, &theirs.id)),
        ("our session under their name", claims(&us, &theirs.user_id, &ours.id)),
        ("their session under our name, there", claims(&them, &ours.user_id, &theirs.id)),
        ("nobody's session", claims(&us, &ours.user_id, &nobody)),
        ("nobody's name", claims(&us, &nobody, &ours.id)),
        ("no business", claims(&nobody, &ours.user_id, &ours.id)),
    ] {
        assert_eq!(unknown(shown(claims)), ENDED, "{what}");
    }
    let refused = "the access token is not one of ours";
    for (field, value) in [("iss", json!("somebody")), ("tid", json!("x")), ("sid", json!(null)), ("exp", json!("tomorrow"))] {
        let mut claims = claims(&us, &ours.user_id, &ours.id);
        claims[field] = value;
        assert_eq!(unknown(shown(claims)), refused, "{field}");
    }
    let mut expired = claims(&us, &ours.user_id, &ours.id);
    expired["exp"] = json!(now);
    assert_eq!(unknown(shown(expired)), "the access token has expired; refresh it");
    assert_eq!(
        unknown(house.auth.credential(&keys.forge(&claims(&us, &ours.user_id, &ours.id)))),
        refused,
        "another server's key"
    );
}
