//! People, sessions and keys against a real database.

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use nmc_core::access::{ApiKey, ApiKeyFilter, ApiKeyPatch, NewApiKey, NewSession, Rotation, Session, SessionFilter, TokenHash};
use nmc_core::people::{
    NewProfile, NewUser, PreferencesFilter, PreferencesPatch, PresenceFilter, Profile, ProfileFilter, ProfilePatch, User,
    UserFilter, UserPatch,
};
use nmc_core::store::{Reason, SystemTx};
use nmc_core::tenants::{NewTenant, TenantFilter, TenantPatch};
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
            email_verified: true,
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
            token_family_hash: family(token),
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

/// Of the family that begins with this token.
fn family(token: &str) -> TokenHash {
    hash(&format!("family of {token}"))
}

fn hash(token: &str) -> TokenHash {
    TokenHash::of(&Secret::new(token))
}

/// As a column holds the hash of a token.
fn hex(token: &str) -> String {
    use sha2::Digest as _;
    sha2::Sha256::digest(token.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
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
        goes_back_to: None,
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

mod api_keys;
mod preferences;
mod presence;
mod presence_leases;
mod profiles;
mod sessions;
mod tenants;
mod users;
