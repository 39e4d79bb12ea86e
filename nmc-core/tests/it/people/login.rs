//! Logging in, and the one answer of all that do not.

use super::*;
use nmc_core::SessionEnd;
use nmc_core::access::SessionFilter;
use nmc_core::people::UserPatch;
use nmc_core::testing::Sent;
use std::net::IpAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

#[test]
fn the_right_password_begins_a_session_that_is_let_in() {
    let house = House::new();
    let ip: IpAddr = "192.0.2.7".parse().unwrap();
    let origin = Origin { ip_address: Some(ip), user_agent: Some("x".repeat(1_001)), device_fingerprint: Some("van".to_owned()) };
    let tokens = house.auth.login(&" Ada@Example.com ".parse().unwrap(), &secret(PASSWORD), &origin).unwrap();
    let (now, session) = (house.now(), &tokens.session);
    assert_eq!(tokens.access_expires_at, now + TimeDelta::minutes(15));
    assert_eq!((session.user_id, session.expires_at), (house.ada, now + TimeDelta::days(30)));
    assert_eq!((session.ip_address, session.user_agent.as_ref().map(String::len)), (Some(ip), Some(1_000)));
    assert_eq!(session.device_fingerprint.as_deref(), Some("van"));
    assert_eq!(house.tx(|tx| tx.users().get(house.ada)).unwrap().last_login_at, Some(now));

    let who = house.auth.credential(&tokens.access_token).unwrap();
    let (tenant, actor) = house.acting(&who, |tx| Ok((tx.tenant(), tx.actor().clone()))).unwrap();
    assert_eq!((tenant, actor.user(), actor.session()), (house.tenant, Some(house.ada), Some(session.id)));
    assert_eq!(actor.api_key(), None);
    let [access, refresh] = [&tokens.access_token, &tokens.refresh_token].map(|token| token.expose().to_owned());
    assert!(refresh.starts_with("nmcr_") && access.split('.').count() == 3);
    let kept = format!("{:?}", house.everything());
    let (family, rest) = refresh.strip_prefix("nmcr_").unwrap().split_once('.').unwrap();
    assert!(!kept.contains(family) && !kept.contains(rest), "only hashes are kept");
}

#[test]
fn login_removes_the_users_sessions_over_for_a_month() {
    let house = House::new();
    house.add("ben", UserRole::User);
    let sessions = |name: &str| {
        let of = format!("SELECT count(*) FROM user_sessions s JOIN users u ON u.id = s.user_id WHERE u.email LIKE '{name}%'");
        house.db.query::<i64>(&of)[0]
    };
    house.login("ada");
    house.login("ben");
    house.pass(59 * 24 * 3_600);
    house.login("ada");
    assert_eq!((sessions("ada"), sessions("ben")), (2, 1), "not yet");
    house.pass(2 * 24 * 3_600);
    house.login("ada");
    assert_eq!((sessions("ada"), sessions("ben")), (2, 1), "hers, and nobody else's");
}

/// Everybody who is not let in with [`PASSWORD`], or with another.
fn not_let_in(house: &House) -> Vec<(&'static str, &'static str, &'static str)> {
    for name in ["locked", "gone", "ben"] {
        house.add(name, UserRole::User);
    }
    house.operator(|tx| invite(tx, &person("invited", UserRole::User))).unwrap();
    house.db.execute(
        "UPDATE users SET failed_login_attempts = 5, locked_until = '2999-01-01' WHERE email = 'locked@example.com';
         UPDATE users SET is_active = false WHERE email = 'gone@example.com'",
    );
    let elsewhere = house.auth.register(&registration("Suspended", "cleo"), None).unwrap();
    house
        .db
        .execute(&format!("UPDATE tenants SET status = 'suspended', is_active = false WHERE id = '{}'", elsewhere.tenant.id()));
    vec![
        ("a wrong password", "ben", "wrong horse battery"),
        ("an unknown address", "nobody", PASSWORD),
        ("a locked account", "locked", PASSWORD),
        ("a locked account's wrong password", "locked", "wrong horse battery"),
        ("a deactivated account", "gone", PASSWORD),
        ("an invitation that is open", "invited", PASSWORD),
        ("what the column holds of it", "invited", "!"),
        ("the decoy's password", "nobody", "nobody's"),
        ("a suspended business's wrong password", "cleo", "wrong horse battery"),
        ("no password", "ben", ""),
    ]
}

#[test]
fn whoever_is_not_let_in_hears_the_same_after_the_same_work() {
    let house = House::new();
    let cases = not_let_in(&house);
    let shape = |trips: Vec<Sent>| -> Vec<(String, Option<usize>)> {
        trips.into_iter().map(|sent| (sent.sql, sent.values.map(|values| values.len()))).collect()
    };
    let mut first = None;
    for (what, name, password) in cases {
        let mut came = None;
        let trips = house.db.round_trips(|store| {
            let auth = authenticator(store);
            let refusal = auth.login(&email(name), &secret(password), &Origin::default()).unwrap_err();
            came = Some((format!("{refusal:?}"), auth.hasher().done()));
        });
        let (words, done) = came.unwrap();
        assert_eq!(done, 1, "{what}: exactly one bcrypt");
        let heard = (words, shape(trips));
        assert_eq!(first.get_or_insert_with(|| heard.clone()), &heard, "{what}");
    }
    let (words, trips) = first.unwrap();
    assert!(words.contains("e-mail or password is wrong, or the account is locked for a while"), "{words}");
    assert_eq!(trips.len(), 3, "one statement, and a transaction around it: {trips:?}");
}

#[test]
fn impossible_password_is_refused_before_anything_is_counted() {
    let house = House::new();
    let work = house.auth.hasher().done();
    for name in ["ada", "nobody"] {
        for (password, words) in [
            ("x".repeat(73), "password must be at most 72 bytes"),
            ("ü".repeat(37), "password must be at most 72 bytes"),
            (format!("{PASSWORD}\0"), "password must not contain NUL"),
        ] {
            house.refused(words, || house.auth.login(&email(name), &secret(&password), &Origin::default()));
        }
    }
    assert_eq!(house.auth.hasher().done(), work);
    let longest = "ab".repeat(36);
    unknown(house.auth.login(&email("ada"), &secret(&longest), &Origin::default()));
    assert_eq!(house.guesses(house.ada).0, 1);
}

#[test]
fn right_password_of_an_inactive_business_is_told_so() {
    let house = House::new();
    let id = house.tenant.id();
    house.db.execute(&format!("UPDATE tenants SET status = 'suspended', is_active = false WHERE id = '{id}'"));
    assert_eq!(forbidden(login(&house.auth, "ada")), "this business is not active");
    unknown(house.auth.login(&email("ada"), &secret("wrong horse battery"), &Origin::default()));
    house.db.execute(&format!("UPDATE tenants SET status = 'active', is_active = true WHERE id = '{id}'"));
    house.login("ada");
}

#[test]
fn hash_of_another_cost_is_renewed_by_the_login() {
    let house = House::new();
    let dearer = house.auth_with(5, LoginPolicy::default());
    let cost = || house.db.query::<String>("SELECT substr(password_hash, 5, 2) FROM users").remove(0);
    assert_eq!(cost(), "04");
    unknown(dearer.login(&email("ada"), &secret("wrong horse battery"), &Origin::default()));
    assert_eq!((cost().as_str(), dearer.hasher().done()), ("04", 1), "not by a wrong one");
    login(&dearer, "ada").unwrap();
    assert_eq!((cost().as_str(), dearer.hasher().done()), ("05", 3));
    login(&dearer, "ada").unwrap();
    assert_eq!((cost().as_str(), dearer.hasher().done()), ("05", 4));
    house.login("ada");
    assert_eq!(cost(), "04", "and back again");
}

type Deed = Box<dyn FnOnce() + Send>;

/// A clock that does something when it is read for the nth time from now.
struct Scripted {
    reads: AtomicU32,
    then: Mutex<Option<(u32, Deed)>>,
}

impl Clock for Scripted {
    fn now(&self) -> DateTime<Utc> {
        let read = self.reads.fetch_add(1, Ordering::SeqCst) + 1;
        let mut then = self.then.lock().unwrap();
        if then.as_ref().is_some_and(|(at, _)| *at == read) {
            let (_, then) = then.take().unwrap();
            then();
        }
        noon()
    }
}

#[test]
fn what_changes_between_the_check_and_the_session_decides() {
    for (change, is_forbidden) in [
        ("UPDATE users SET password_hash = '$2b$04$another'", false),
        ("UPDATE users SET is_active = false", false),
        ("UPDATE tenants SET status = 'suspended', is_active = false", true),
        ("UPDATE users SET last_name = 'Jones'", true),
    ] {
        let clock = Arc::new(Scripted { reads: AtomicU32::new(0), then: Mutex::new(None) });
        let db = TestDb::with_clock(clock.clone());
        let auth = authenticator(&db.store);
        auth.register(&registration("Joe's Plumbing", "ada"), None).unwrap();
        let (url, change_it) = (db.superuser_url(), change.to_owned());
        let changed = move || {
            use nmc_core::diesel::connection::SimpleConnection as _;
            TestDb::connect(&url).batch_execute(&change_it).unwrap();
        };
        // The first transaction counts the guess; the second one, after the check, begins the session.
        clock.reads.store(0, Ordering::SeqCst);
        *clock.then.lock().unwrap() = Some((2, Box::new(changed)));
        let came = login(&auth, "ada");
        assert!(clock.then.lock().unwrap().is_none(), "it was changed meanwhile");
        let sessions: i64 = db.query("SELECT count(*) FROM user_sessions").remove(0);
        match (change.contains("last_name"), is_forbidden) {
            (true, _) => assert!(came.is_ok() && sessions == 1, "what has nothing to do with it does not matter"),
            (false, true) => assert_eq!((forbidden(came), sessions), ("this business is not active", 0)),
            (false, false) => {
                assert_eq!((unknown(came), sessions), ("e-mail or password is wrong, or the account is locked for a while", 0));
            }
        }
    }
}

#[test]
fn more_at_once_than_there_are_places_are_asked_to_come_again() {
    let house = House::new();
    let narrow = Hasher::new(10, 1, 1).unwrap();
    let keys = TokenKeys::ephemeral(house.now()).unwrap();
    let policy = LoginPolicy { attempts: u16::MAX, ..LoginPolicy::default() };
    let auth = Authenticator::new(house.db.store.clone(), narrow, keys, policy);
    let came = at_once(12, |_| auth.login(&email("ada"), &secret("wrong horse battery"), &Origin::default()).unwrap_err());
    let full = came.iter().filter(|error| matches!(error, Error::Unavailable { contention: false, .. })).count();
    assert!((1..=11).contains(&full), "{full} of 12");
    assert_eq!(auth.hasher().done(), 12 - u64::try_from(full).unwrap());
    let counted: i64 = house.db.query("SELECT failed_login_attempts::bigint FROM users WHERE email LIKE 'ada%'").remove(0);
    assert_eq!(counted, 12 - i64::try_from(full).unwrap(), "who was turned away is not held against the account");
    house.login("ada");
}

#[test]
fn an_unknown_account_takes_as_long_as_a_known_one() {
    let house = House::new();
    house.db.execute(&format!("UPDATE users SET password_hash = '{}'", bcrypt::hash(PASSWORD, 7).unwrap()));
    let auth = house.auth_with(7, LoginPolicy { attempts: u16::MAX, ..LoginPolicy::default() });
    let took = |name: &str| {
        let begin = Instant::now();
        unknown(auth.login(&email(name), &secret("wrong horse battery"), &Origin::default()));
        begin.elapsed()
    };
    let median = |mut times: Vec<Duration>| {
        times.sort();
        times[times.len() / 2].as_secs_f64()
    };
    let mut ratios = Vec::new();
    // A busy machine spoils one round, not three.
    for _ in 0..3 {
        let (known, nobody): (Vec<_>, Vec<_>) = (0..21).map(|_| (took("ada"), took("nobody"))).unzip();
        let ratio = median(known) / median(nobody);
        if (0.8..1.25).contains(&ratio) {
            return;
        }
        ratios.push(ratio);
    }
    panic!("known to unknown: {ratios:?}");
}

#[test]
fn password_change_needs_the_old_one_and_ends_other_sessions() {
    let house = House::new();
    let (here, there) = (house.bearer("ada"), house.bearer("ada"));
    let change = |current: &str, new: &str| house.auth.change_password(&here, &secret(current), &secret(new));
    let words = |result: Result<()>| match result {
        Err(Error::Invalid { field, rule, .. }) => format!("{field} {rule}"),
        other => panic!("{other:?}"),
    };
    let new = "another horse battery";
    assert_eq!(words(change("wrong horse battery", new)), "current_password is wrong, or the account is locked for a while");
    assert_eq!(words(change(&"x".repeat(73), new)), "current_password must be at most 72 bytes");
    assert_eq!(words(change(PASSWORD, "short")), "new_password must be at least 10 characters");
    assert_eq!((house.guesses(house.ada).0, house.known_guesses()), (0, 1), "the one wrong guess, in a live session");
    house.acting(&there, |_| Ok(())).unwrap();

    change(PASSWORD, new).unwrap();
    assert_eq!(house.guesses(house.ada), (0, None));
    house.acting(&here, |_| Ok(())).unwrap();
    assert_eq!(unknown(house.acting(&there, |_| Ok(()))), "the session has ended; log in again");
    let filter = SessionFilter { user: Some(house.ada), is_active: Some(false), ..SessionFilter::default() };
    let ended = house.tx(|tx| tx.sessions().list(&filter, nmc_core::PageRequest::first())).unwrap().items;
    assert_eq!(ended.iter().map(|session| session.ended_reason).collect::<Vec<_>>(), [Some(SessionEnd::PasswordChanged)]);
    unknown(login(&house.auth, "ada"));
    house.auth.login(&email("ada"), &secret(new), &Origin::default()).unwrap();

    // Guessing here is guessing: it locks, here.
    for _ in 0..5 {
        words(change("wrong horse battery", PASSWORD));
    }
    assert_eq!(words(change(new, PASSWORD)), "current_password is wrong, or the account is locked for a while");
    // Who is deactivated is let in nowhere.
    let ben = house.add("ben", UserRole::User);
    let his = house.bearer("ben");
    house.tx(|tx| tx.users().update(ben, &UserPatch { is_active: Some(false), ..UserPatch::default() })).unwrap();
    unknown(house.auth.change_password(&his, &secret(PASSWORD), &secret(new)));
}
