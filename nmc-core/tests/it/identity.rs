//! People, sessions and keys against a real database.

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use nmc_core::identity::{
    ApiKey, ApiKeyFilter, ApiKeyPatch, NewApiKey, NewProfile, NewSession, NewTenant, NewUser, PreferencesFilter,
    PreferencesPatch, PresenceFilter, Profile, ProfileFilter, ProfilePatch, Rotation, Session, SessionFilter, TenantFilter,
    TenantPatch, TokenHash, User, UserFilter, UserPatch,
};
use nmc_core::store::{Reason, SystemTx};
use nmc_core::testing::{Business, Gate, ManualClock, TestDb, noon, unique_phone, wait_until};
use nmc_core::{
    DashboardView, Error, Page, PageRequest, Patch, PresenceStatus, ProfileId, Result, Secret, SessionEnd, SessionId, TenantId,
    TenantStatus, TenantTx, UserId, UserRole,
};
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};
use std::fmt::{Debug, Display};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A business, and a clock that stands still.
struct Scene {
    db: TestDb,
    clock: Arc<ManualClock>,
    business: Business,
}

impl Scene {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::new(noon()));
        let db = TestDb::with_clock(clock.clone());
        let business = Business::onboard(&db.store, "Joe's Plumbing");
        Self { db, clock, business }
    }

    fn tx<T>(&self, work: impl Fn(&mut TenantTx<'_>) -> Result<T>) -> Result<T> {
        self.db.store.tenant(&self.business.tenant, work)
    }

    fn system<T>(&self, work: impl Fn(&mut SystemTx<'_>) -> Result<T>) -> Result<T> {
        self.db.store.system(Reason::Operations, work)
    }

    fn tenant(&self) -> TenantId {
        self.business.tenant.id()
    }

    fn pass(&self, seconds: i64) -> DateTime<Utc> {
        self.clock.advance(TimeDelta::seconds(seconds));
        self.now()
    }

    fn now(&self) -> DateTime<Utc> {
        nmc_core::Clock::now(&*self.clock)
    }

    /// A user, a second later than whatever came before.
    fn user(&self, name: &str) -> User {
        self.pass(1);
        let new = NewUser {
            email: format!("{name}@example.com").parse().unwrap(),
            password_hash: "$2b$04$".to_owned(),
            first_name: Some(name.to_owned()),
            last_name: Some("Smith".to_owned()),
            role: UserRole::Operator,
        };
        self.tx(|tx| tx.users().create(&new)).unwrap()
    }

    fn profile(&self, name: &str) -> Profile {
        let user = self.user(name).id;
        self.tx(|tx| tx.profiles().create(&profile_of(user))).unwrap()
    }

    fn session(&self, user: UserId, token: &str) -> Session {
        self.pass(1);
        self.tx(|tx| tx.sessions().create(&self.login(user, token))).unwrap()
    }

    fn login(&self, user: UserId, token: &str) -> NewSession {
        NewSession {
            user_id: user,
            refresh_token_hash: hash(token),
            expires_at: self.now() + TimeDelta::hours(1),
            ip_address: None,
            user_agent: None,
            device_fingerprint: None,
        }
    }

    fn row(&self, table: &str, id: impl Display) -> Map<String, Value> {
        self.db.query(&format!("SELECT to_jsonb(t) AS row FROM {table} t WHERE id = '{id}'")).remove(0)
    }

    /// What a change does to a row, but for its time, which moves to now.
    fn change(&self, table: &str, id: impl Display, change: impl FnOnce()) -> Value {
        let (before, now) = (self.row(table, &id), self.pass(1));
        change();
        let mut after = self.row(table, &id);
        let moved = after.remove("updated_at").unwrap();
        assert_eq!(moved.as_str().unwrap().parse::<DateTime<Utc>>().unwrap(), now, "updated_at");
        after.into_iter().filter(|(column, value)| before[column] != *value).collect::<Map<_, _>>().into()
    }

    /// That this is refused in these words, and changes nothing.
    #[track_caller]
    fn refused<T: Debug>(&self, words: &str, work: impl FnOnce() -> Result<T>) {
        let before = self.db.rows_of(self.tenant());
        assert_eq!(work().unwrap_err().to_string(), words);
        assert_eq!(self.db.rows_of(self.tenant()), before, "{words}");
    }

    /// Runs `second` while the transaction of `first` is open and has done its work, until `second` waits for a lock or has
    /// ended.
    fn overlap<A, B: Send>(
        &self,
        first: impl Fn(&mut TenantTx<'_>) -> Result<A>,
        second: impl FnOnce() -> B + Send,
    ) -> (Result<A>, B) {
        self.meanwhile(|meanwhile| self.tx(|tx| first(tx).inspect(|_| meanwhile())), second)
    }

    /// The same for any transaction: `first` says itself, inside it, when its work is done.
    fn meanwhile<A, B: Send>(&self, first: impl FnOnce(&dyn Fn()) -> A, second: impl FnOnce() -> B + Send) -> (A, B) {
        let (go, ended) = (Gate::default(), AtomicBool::new(false));
        let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        std::thread::scope(|scope| {
            let second = scope.spawn(|| {
                go.wait();
                let result = second();
                ended.store(true, Ordering::SeqCst);
                result
            });
            let first = first(&|| {
                go.open();
                wait_until("the other waits or is done", || ended.load(Ordering::SeqCst) || self.db.query::<i64>(waiting) == [1]);
            });
            (first, second.join().unwrap())
        })
    }
}

fn hash(token: &str) -> TokenHash {
    TokenHash::of(&Secret::new(token))
}

fn profile_of(user: UserId) -> NewProfile {
    NewProfile {
        user_id: user,
        first_name: "Ada".to_owned(),
        last_name: "Smith".to_owned(),
        display_name: None,
        phone_number: None,
        timezone: None,
    }
}

fn key(prefix: &str) -> NewApiKey {
    NewApiKey {
        name: "the till".to_owned(),
        prefix: prefix.to_owned(),
        secret_hash: hash("a secret"),
        scopes: vec!["calls:read".to_owned()],
        created_by: None,
        expires_at: None,
    }
}

/// Every row of a list, read two at a time.
fn all<T>(list: impl Fn(PageRequest) -> Result<Page<T>>) -> Vec<T> {
    let mut page = PageRequest::new(2, None).unwrap();
    let mut rows = Vec::new();
    loop {
        let read = list(page).unwrap();
        assert!(read.items.len() <= 2);
        rows.extend(read.items);
        match read.next {
            Some(cursor) => page = page.after(cursor),
            None => return rows,
        }
    }
}

/// The rows of each filter, newest first, as `list` and `count` see them.
macro_rules! assert_filters {
    ($scene:expr, $repo:ident, $key:expr, [$($filter:expr => $expected:expr),+ $(,)?]) => {$({
        let filter = $filter;
        let rows: Vec<_> = all(|page| $scene.tx(|tx| tx.$repo().list(&filter, page))).iter().map($key).collect();
        let expected: &[_] = &$expected;
        assert_eq!(rows, expected, "{filter:?}");
        let count = $scene.tx(|tx| tx.$repo().count(&filter)).unwrap();
        assert_eq!(usize::try_from(count).unwrap(), expected.len(), "{filter:?}");
    })+};
}

/// What each patch changes of a row that is full.
macro_rules! assert_patches {
    ($scene:expr, $table:literal, $row:expr, $repo:ident, $by:expr, $patch:ident, [$($field:ident: $value:expr => $expected:tt),+ $(,)?]) => {$(
        let patch = $patch { $field: $value, ..$patch::default() };
        let changed = $scene.change($table, $row, || { $scene.tx(|tx| tx.$repo().update($by, &patch)).unwrap(); });
        assert_eq!(changed, json!($expected), "{patch:?}");
    )+};
}

// ------------------------------------------------------------------------------------------------ users

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
        email: Some("Ida@Example.com".parse().unwrap()) => {"email": "ida@example.com"},
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

// ------------------------------------------------------------------------------------------------ tenants

#[test]
fn a_business_changes_the_fields_it_names_and_no_other() {
    let scene = Scene::new();
    let id = scene.tenant();
    let update = |patch: &TenantPatch| scene.tx(|tx| tx.tenants().update(patch));
    let time = |text: &str| text.parse::<NaiveTime>().unwrap();
    macro_rules! patches {
        ($($field:ident: $value:expr => $expected:tt),+ $(,)?) => {$(
            let patch = TenantPatch { $field: $value, ..TenantPatch::default() };
            assert_eq!(scene.change("tenants", id, || { update(&patch).unwrap(); }), json!($expected), "{patch:?}");
        )+};
    }
    patches! {
        business_name: Some("Ada's".to_owned()) => {"business_name": "Ada's"},
        business_phone: Patch::Set("+14155550123".parse().unwrap()) => {"business_phone": "+14155550123"},
        business_phone: Patch::Clear => {"business_phone": null},
        business_address: Patch::Set("1 Main St".to_owned()) => {"business_address": "1 Main St"},
        business_type: Patch::Set("hvac".to_owned()) => {"business_type": "hvac"},
        industry: Patch::Set("trades".to_owned()) => {"industry": "trades"},
        industry: Patch::Keep => {},
        industry: Patch::Clear => {"industry": null},
        service_radius_miles: Some(0) => {"service_radius_miles": 0},
        estimated_job_min: Some(Decimal::new(1, 2)) => {"estimated_job_min": 0.01},
        estimated_job_max: Some(Decimal::new(9_999_999_999, 2)) => {"estimated_job_max": 99_999_999.99},
        business_hours_start: Some(time("09:30:00")) => {"business_hours_start": "09:30:00"},
        business_hours_end: Some(time("02:00:00")) => {"business_hours_end": "02:00:00"},
        timezone: Some("Europe/Berlin".parse().unwrap()) => {"timezone": "Europe/Berlin"},
    }
    let price = |min: Option<Decimal>, max: Option<Decimal>| TenantPatch {
        estimated_job_min: min,
        estimated_job_max: max,
        ..TenantPatch::default()
    };
    let ten = Some(Decimal::TEN);
    let name = |name: &str| TenantPatch { business_name: Some(name.to_owned()), ..TenantPatch::default() };
    for (words, patch) in [
        ("business_name must not be empty", name(" ")),
        ("industry must be at most 100 characters", TenantPatch { industry: Patch::Set("x".repeat(101)), ..name("x") }),
        ("service_radius_miles must be at least 0", TenantPatch { service_radius_miles: Some(-1), ..name("x") }),
        ("estimated_job_min must be at least 0", price(Some(-Decimal::ONE), None)),
        ("estimated_job_max must be above estimated_job_min", price(ten, ten)),
        ("estimated_job_max must have at most 2 decimals", price(None, Some(Decimal::new(10_001, 3)))),
        ("estimated_job_max must be between -100000000 and 100000000", price(None, Some(Decimal::from(100_000_000)))),
        ("estimated_job_min must be between -100000000 and 100000000", price(Some(Decimal::MAX), None)),
    ] {
        scene.refused(words, || update(&patch));
    }
    let phone = unique_phone();
    let other = NewTenant { business_name: "Other".to_owned(), business_phone: Some(phone.clone()), ..NewTenant::default() };
    scene.system(|tx| tx.create_tenant(&other)).unwrap();
    scene.refused("business_name is already taken", || update(&name("Other")));
    let patch = TenantPatch { business_phone: Patch::Set(phone), ..TenantPatch::default() };
    scene.refused("business_phone is already taken", || update(&patch));
}

#[test]
fn operators_find_businesses_by_every_filter() {
    let scene = Scene::new();
    let joe = scene.tenant();
    let new = NewTenant { business_name: "Ada".to_owned(), business_type: Some("hvac".to_owned()), ..NewTenant::default() };
    scene.pass(1);
    let ada = scene.system(|tx| tx.create_tenant(&new)).unwrap().id;
    scene.db.execute(&format!(
        "UPDATE tenants SET status = 'pending', onboarding_step = 5, onboarding_completed = true, service_radius_miles = 50,
         estimated_job_min = 10, estimated_job_max = 20 WHERE id = '{ada}'"
    ));
    let all = TenantFilter::default;
    let dollars = |n: i64| Some(Decimal::from(n));
    for (filter, expected) in [
        (all(), vec![ada, joe]),
        (TenantFilter { status: Some(TenantStatus::Pending), ..all() }, vec![ada]),
        (TenantFilter { business_type: Some("hvac".to_owned()), ..all() }, vec![ada]),
        (TenantFilter { onboarding_step: Some(1), ..all() }, vec![joe]),
        (TenantFilter { onboarding_completed: Some(true), ..all() }, vec![ada]),
        (TenantFilter { onboarding_completed: Some(false), ..all() }, vec![joe]),
        (TenantFilter { serves_miles: Some(25), ..all() }, vec![ada, joe]),
        (TenantFilter { serves_miles: Some(50), ..all() }, vec![ada]),
        (TenantFilter { usual_price: dollars(9), ..all() }, vec![]),
        (TenantFilter { usual_price: dollars(20), ..all() }, vec![ada]),
        (TenantFilter { usual_price: dollars(150), ..all() }, vec![joe]),
    ] {
        let page = scene.system(|tx| tx.list_tenants(&filter, PageRequest::first())).unwrap();
        assert_eq!(page.items.iter().map(|row| row.id).collect::<Vec<_>>(), expected, "{filter:?}");
        assert_eq!(scene.system(|tx| tx.count_tenants(&filter)).unwrap(), i64::try_from(expected.len()).unwrap());
    }
}

#[test]
fn a_businesss_status_moves_as_its_lifecycle_says_and_sessions_end_with_its_service() {
    let scene = Scene::new();
    let (id, user) = (scene.tenant(), scene.user("ada").id);
    for from in TenantStatus::ALL {
        for to in TenantStatus::ALL {
            scene.db.execute(&format!("UPDATE tenants SET status = 'active', is_active = true WHERE id = '{id}'"));
            let session = scene.session(user, &format!("{from} {to}"));
            let served = *from == TenantStatus::Active;
            scene.db.execute(&format!("UPDATE tenants SET status = '{from}', is_active = {served} WHERE id = '{id}'"));
            let set = || scene.system(|tx| tx.set_tenant_status(id, *to));
            if !from.may_become(*to) {
                scene.refused(&format!("tenant can't go from {from} to {to}"), set);
                continue;
            }
            let now = scene.pass(1);
            let row = set().unwrap();
            assert_eq!((row.status, row.is_active, row.updated_at), (*to, *to == TenantStatus::Active, now), "{from} {to}");
            let ended = match to {
                TenantStatus::Suspended => Some(SessionEnd::Suspended),
                TenantStatus::Inactive => Some(SessionEnd::Deactivated),
                _ => None,
            };
            let session = scene.tx(|tx| tx.sessions().get(session.id)).unwrap();
            assert_eq!((session.ended_reason, session.ended_at), (ended, ended.map(|_| now)), "{from} {to}");
        }
    }
    let nobody = TenantId::new(uuid::Uuid::now_v7());
    scene.refused("tenant not found", || scene.system(|tx| tx.set_tenant_status(nobody, TenantStatus::Active)));
}

#[test]
fn of_two_who_suspend_a_business_at_once_one_is_told_that_it_is_suspended() {
    let scene = Scene::new();
    let suspend = |tx: &mut SystemTx<'_>| tx.set_tenant_status(scene.tenant(), TenantStatus::Suspended);
    let (first, second) =
        scene.meanwhile(|meanwhile| scene.system(|tx| suspend(tx).inspect(|_| meanwhile())), || scene.system(suspend));
    assert_eq!(first.unwrap().status, TenantStatus::Suspended);
    assert_eq!(second.unwrap_err().to_string(), "tenant can't go from suspended to suspended");
}

// ------------------------------------------------------------------------------------------------ sessions

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
fn a_token_is_exchanged_once_and_its_reuse_is_told_apart_from_a_token_nobody_knows() {
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
    for (shown, id, expected) in [
        ("one", session.id, Rotation::Superseded { rotated_at: at }),
        ("zero", session.id, Rotation::Unknown),
        ("two", nobodys, Rotation::Unknown),
    ] {
        assert_eq!(rotate(id, shown, "three").unwrap(), expected, "{shown}");
    }
    scene.refused("refresh_token must be a new one", || rotate(session.id, "two", "two"));
    scene.session(user, "elsewhere");
    scene.refused("refresh_token is already in use", || rotate(session.id, "two", "elsewhere"));
    assert_eq!(scene.row("user_sessions", session.id), before, "none of these changed it");

    let find = |token: &str| scene.system(|tx| tx.find_session_by_token(&hash(token))).unwrap();
    for token in ["one", "two"] {
        assert_eq!(find(token), Some((scene.business.tenant, session.id)), "{token}");
    }
    assert_eq!(find("zero"), None);

    assert!(matches!(rotate(session.id, "two", "three").unwrap(), Rotation::Rotated(_)));
    assert_eq!(rotate(session.id, "one", "four").unwrap(), Rotation::Unknown, "two exchanges ago");
    assert_eq!(find("one"), None);
    scene.tx(|tx| tx.sessions().end(session.id, SessionEnd::Reuse)).unwrap();
    for shown in ["two", "three"] {
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
fn of_two_who_show_one_token_at_once_one_gets_the_next() {
    let scene = Scene::new();
    let id = scene.session(scene.user("ada").id, "one").id;
    let rotate = |tx: &mut TenantTx<'_>, new: &str| tx.sessions().rotate(id, &hash("one"), &hash(new));
    let (first, second) = scene.overlap(|tx| rotate(tx, "two"), || scene.tx(|tx| rotate(tx, "three")));
    assert!(matches!(first.unwrap(), Rotation::Rotated(_)));
    assert_eq!(second.unwrap(), Rotation::Superseded { rotated_at: scene.now() });
    assert!(scene.system(|tx| tx.find_session_by_token(&hash("two"))).unwrap().is_some());
    assert!(scene.system(|tx| tx.find_session_by_token(&hash("three"))).unwrap().is_none());
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
fn what_touches_many_rows_stays_at_home_without_row_level_security() {
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

// ------------------------------------------------------------------------------------------------ profiles

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
    let ada = scene.profile("ada").user_id;
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

// ------------------------------------------------------------------------------------------------ preferences

#[test]
fn preferences_begin_with_the_defaults_and_a_patch_changes_what_it_names() {
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

// ------------------------------------------------------------------------------------------------ presence

#[test]
fn a_heartbeat_brings_a_user_online_and_silence_or_goodbye_takes_them_off() {
    let scene = Scene::new();
    let user = scene.profile("ada").user_id;
    let heartbeat = || scene.tx(|tx| tx.presences().heartbeat(user)).unwrap();
    let sweep = |since| scene.tx(|tx| tx.presences().sweep(since)).unwrap();
    let get = || scene.tx(|tx| tx.presences().get(user)).unwrap();
    assert_eq!(scene.tx(|tx| tx.presences().find(user)).unwrap(), None);
    scene.refused("presence not found", || scene.tx(|tx| tx.presences().go_offline(user)));

    let first = scene.pass(1);
    let row = heartbeat();
    assert_eq!((row.is_online, row.last_seen_at, row.current_status), (true, first, PresenceStatus::Available));
    let second = scene.pass(30);
    let again = heartbeat();
    assert_eq!((again.id, again.last_seen_at, again.updated_at), (row.id, second, second));

    let swept = scene.pass(30);
    assert_eq!((sweep(second), get()), (0, again), "seen at that very instant");
    assert_eq!(sweep(second + TimeDelta::seconds(1)), 1);
    let gone = get();
    assert_eq!((gone.is_online, gone.last_seen_at, gone.updated_at), (false, second, swept));
    assert_eq!(sweep(scene.now()), 0, "once");

    heartbeat();
    let goodbye = scene.pass(1);
    let off = scene.tx(|tx| tx.presences().go_offline(user)).unwrap();
    assert_eq!((off.is_online, off.last_seen_at), (false, goodbye));
    scene.pass(1);
    assert_eq!(scene.tx(|tx| tx.presences().go_offline(user)).unwrap(), off, "twice is once");
}

#[test]
fn a_status_is_the_users_choice_and_leaves_the_connection_alone() {
    let scene = Scene::new();
    let user = scene.profile("ada").user_id;
    let set = |status, message: Patch<String>| scene.tx(|tx| tx.presences().set(user, status, &message));
    let row = set(PresenceStatus::Away, Patch::Set(" lunch ".to_owned())).unwrap();
    assert_eq!((row.is_online, row.current_status, row.status_message.as_deref()), (false, PresenceStatus::Away, Some("lunch")));
    scene.pass(1);
    scene.tx(|tx| tx.presences().heartbeat(user)).unwrap();
    for (status, message, expected) in [
        (PresenceStatus::Busy, Patch::Keep, json!({"current_status": "busy"})),
        (PresenceStatus::Busy, Patch::Clear, json!({"status_message": null})),
        (
            PresenceStatus::Offline,
            Patch::Set("x".repeat(200)),
            json!({"current_status": "offline", "status_message": "x".repeat(200)}),
        ),
    ] {
        let changed = scene.change("user_status", row.id, || {
            set(status, message.clone()).unwrap();
        });
        assert_eq!(changed, expected);
    }
    scene.refused("status_message must be at most 200 characters", || set(PresenceStatus::Busy, Patch::Set("x".repeat(201))));
}

#[test]
fn nobody_who_is_not_tracked_is_online() {
    let scene = Scene::new();
    let user = scene.profile("ada").user_id;
    let track = |tracked| scene.tx(|tx| tx.presences().track(user, tracked));
    scene.refused("presence not found", || track(true));
    scene.tx(|tx| tx.presences().heartbeat(user)).unwrap();
    scene.pass(1);
    let off = track(false).unwrap();
    assert_eq!((off.is_active, off.is_online), (false, false));
    scene.pass(1);
    assert_eq!(scene.tx(|tx| tx.presences().heartbeat(user)).unwrap(), off);
    assert!(!track(true).unwrap().is_online);
    scene.pass(1);
    assert!(scene.tx(|tx| tx.presences().heartbeat(user)).unwrap().is_online);
    scene.tx(|tx| tx.presences().delete(user)).unwrap();
    scene.refused("presence not found", || scene.tx(|tx| tx.presences().delete(user)));
}

#[test]
fn two_first_heartbeats_at_once_make_one_row() {
    let scene = Scene::new();
    let user = scene.profile("ada").user_id;
    let (first, second) = scene.overlap(|tx| tx.presences().heartbeat(user), || scene.tx(|tx| tx.presences().heartbeat(user)));
    assert_eq!(first.unwrap().id, second.unwrap().id);
}

#[test]
fn presence_is_found_by_connection_status_and_last_sign_of_life() {
    let scene = Scene::new();
    let [ada, ben, cleo] = ["ada", "ben", "cleo"].map(|name| scene.profile(name).user_id);
    scene.tx(|tx| tx.presences().insert_if_missing(cleo)).unwrap();
    scene.pass(1);
    scene.tx(|tx| tx.presences().heartbeat(ben)).unwrap();
    let at = scene.pass(1);
    scene.tx(|tx| tx.presences().heartbeat(ada)).unwrap();
    scene.tx(|tx| tx.presences().set(cleo, PresenceStatus::Busy, &Patch::Keep)).unwrap();
    let all = PresenceFilter::default;
    assert_filters!(scene, presences, |row| row.user_id, [
        all() => [ada, ben, cleo],
        PresenceFilter { is_online: Some(true), ..all() } => [ada, ben],
        PresenceFilter { is_online: Some(false), ..all() } => [cleo],
        PresenceFilter { current_status: Some(PresenceStatus::Busy), ..all() } => [cleo],
        PresenceFilter { seen_since: Some(at), ..all() } => [ada],
    ]);
}

// ------------------------------------------------------------------------------------------------ API keys

#[test]
fn a_key_keeps_its_bounds() {
    let scene = Scene::new();
    let user = scene.user("ada").id;
    let now = scene.pass(1);
    let end = now + TimeDelta::days(1);
    let new = NewApiKey { created_by: Some(user), expires_at: Some(end), ..key("nmc_1") };
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
            NewApiKey { created_by: Some(UserId::new(uuid::Uuid::now_v7())), ..key("nmc_2") },
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
fn a_key_is_refused_once_revoked_or_expired_and_only_then_removed() {
    let scene = Scene::new();
    let user = scene.user("ada").id;
    let make = |new: &NewApiKey| {
        scene.pass(1);
        scene.tx(|tx| tx.api_keys().create(new)).unwrap().id
    };
    let end = scene.now() + TimeDelta::minutes(1);
    let old = make(&NewApiKey { expires_at: Some(end), ..key("old") });
    let hers = make(&NewApiKey { created_by: Some(user), ..key("hers") });
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
    ]);
    scene.refused("created_by is still in use", || scene.tx(|tx| tx.users().delete(user)));
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
fn a_key_shown_leads_to_its_tenant_and_its_secrets_hash() {
    let scene = Scene::new();
    let id = scene.tx(|tx| tx.api_keys().create(&key("nmc_1"))).unwrap().id;
    let find = |prefix: &str| scene.db.store.system(Reason::Authentication, |tx| tx.find_api_key(prefix)).unwrap();
    let (tenant, found, secret) = find("nmc_1").unwrap();
    assert_eq!((tenant, found.id), (scene.business.tenant, id));
    assert!(secret == hash("a secret") && secret != hash("another"));
    assert!(find("nmc_2").is_none());
    scene.pass(1);
    scene.tx(|tx| tx.api_keys().revoke(id)).unwrap();
    assert!(!find("nmc_1").unwrap().1.is_in_force(scene.now()), "found, to be refused with a reason");
    scene.business.suspend(&scene.db, true);
    assert!(find("nmc_1").is_none(), "of no use while the business is suspended");
}
