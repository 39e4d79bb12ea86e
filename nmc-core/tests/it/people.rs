//! How people and API keys authenticate, and what they may do.

mod account_mails;
mod acting;
mod api_keys;
mod api_keys_of_people;
mod debug;
mod emails;
mod guesses;
mod invitations;
mod key_files;
mod known_places;
mod login;
mod onboarding;
mod owners;
mod passwords;
mod registration;
mod roles;
mod rotation;
mod thieves;
mod tokens;

use crate::support::at_once;
use chrono::{DateTime, TimeDelta, Utc};
use nmc_core::access::{Authenticator, Credential, Hasher, LoginPolicy, Origin, TokenKeys, Tokens};
use nmc_core::people::{NewPerson, invite};
use nmc_core::store::Reason;
use nmc_core::tenants::NewTenant;
use nmc_core::testing::{ManualClock, TestDb, noon};
use nmc_core::workflows::Registration;
use nmc_core::{Clock, Email, Error, Result, Secret, Store, Tenant, TenantTx, UserId, UserRole};
use std::fmt::Debug;
use std::sync::{Arc, OnceLock};

/// Everybody's here.
const PASSWORD: &str = "correct horse battery";

/// The cheapest bcrypt there is.
pub(crate) fn authenticator(store: &Store) -> Authenticator {
    with_keys(store, TokenKeys::ephemeral(store.now()).unwrap())
}

fn with_keys(store: &Store, keys: TokenKeys) -> Authenticator {
    Authenticator::new(store.clone(), hasher(4), keys, LoginPolicy::default())
}

fn hasher(cost: u32) -> Hasher {
    Hasher::new(cost, 2, 1_000).unwrap()
}

fn secret(text: &str) -> Secret {
    Secret::new(text)
}

/// What proves a key or an invitation: the rest of `nmc_<name>_<secret>`.
fn secret_of(text: &str) -> &str {
    text.splitn(3, '_').nth(2).unwrap()
}

fn email(name: &str) -> Email {
    format!("{name}@example.com").parse().unwrap()
}

fn person(name: &str, role: UserRole) -> NewPerson {
    let (first_name, last_name) = (name.to_owned(), "Smith".to_owned());
    NewPerson { email: email(name), first_name, last_name, phone_number: None, timezone: None, role }
}

/// Somebody of that role, who has accepted their invitation.
pub(crate) fn add(auth: &Authenticator, tenant: Tenant, name: &str, role: UserRole) -> UserId {
    let (user, token) = auth.store().as_operator(&tenant, |tx| invite(tx, &person(name, role))).unwrap();
    auth.accept_invitation(&token.text(), &secret(PASSWORD)).unwrap();
    user.id
}

pub(crate) fn login(auth: &Authenticator, name: &str) -> Result<Tokens> {
    auth.login(&email(name), &secret(PASSWORD), &Origin::default())
}

fn registration(name: &str, owner: &str) -> Registration {
    Registration {
        business: NewTenant { business_name: name.to_owned(), ..NewTenant::default() },
        email: email(owner),
        password: secret(PASSWORD),
        first_name: owner.to_owned(),
        last_name: "Smith".to_owned(),
        phone_number: None,
    }
}

/// All rows of a table.
#[derive(Debug, PartialEq, serde::Deserialize)]
struct Rows {
    table: String,
    rows: Vec<String>,
}

/// A business that has registered itself, with its owner `ada`, and a clock that stands still.
struct House {
    db: TestDb,
    clock: Arc<ManualClock>,
    auth: Authenticator,
    tenant: Tenant,
    ada: UserId,
}

impl House {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::new(noon()));
        let db = TestDb::with_clock(clock.clone());
        let auth = authenticator(&db.store);
        let registered = auth.register(&registration("Joe's Plumbing", "ada"), None).unwrap();
        clock.advance(TimeDelta::seconds(1));
        Self { db, clock, auth, tenant: registered.tenant, ada: registered.owner.id }
    }

    /// The same over this database, with another policy or hasher.
    fn auth_with(&self, cost: u32, policy: LoginPolicy) -> Authenticator {
        Authenticator::new(self.db.store.clone(), hasher(cost), TokenKeys::ephemeral(self.now()).unwrap(), policy)
    }

    fn pass(&self, seconds: i64) -> DateTime<Utc> {
        self.clock.advance(TimeDelta::seconds(seconds));
        self.now()
    }

    fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    fn tx<T>(&self, work: impl Fn(&mut TenantTx<'_>) -> Result<T>) -> Result<T> {
        self.db.store.tenant(&self.tenant, work)
    }

    fn add(&self, name: &str, role: UserRole) -> UserId {
        self.pass(1);
        add(&self.auth, self.tenant, name, role)
    }

    fn login(&self, name: &str) -> Tokens {
        self.pass(1);
        login(&self.auth, name).unwrap()
    }

    /// A token of somebody, who logs in for it.
    fn bearer(&self, name: &str) -> Credential {
        self.auth.credential(&self.login(name).access_token).unwrap()
    }

    /// What `work` comes to, done by whoever holds the credential.
    fn acting<T>(&self, who: &Credential, work: impl Fn(&mut TenantTx<'_>) -> Result<T>) -> Result<T> {
        self.db.store.acting(who, work)
    }

    /// What `work` comes to, done by an operator.
    fn operator<T>(&self, work: impl Fn(&mut TenantTx<'_>) -> Result<T>) -> Result<T> {
        self.db.store.as_operator(&self.tenant, work)
    }

    /// A user's counted guesses, and until when they are locked.
    fn guesses(&self, user: UserId) -> (i32, Option<DateTime<Utc>>) {
        let row = self.tx(|tx| tx.users().get(user)).unwrap();
        (row.failed_login_attempts, row.locked_until)
    }

    /// Guesses at ada's account that count with those from known places.
    fn known_guesses(&self) -> i64 {
        self.db.query::<i64>("SELECT known_failed_attempts::bigint FROM users WHERE email LIKE 'ada%'").remove(0)
    }

    /// All rows of all tenants.
    fn everything(&self) -> Vec<Rows> {
        static SQL: OnceLock<String> = OnceLock::new();
        let sql = SQL.get_or_init(|| {
            let rows =
                |name: String| format!("SELECT '{name}' AS table, ARRAY(SELECT t::text FROM public.{name} t ORDER BY 1) AS rows");
            self.db.tables().into_iter().map(|table| rows(table.name)).collect::<Vec<_>>().join(" UNION ALL ")
        });
        self.db.query(sql)
    }

    /// That this is refused in these words, and changes nothing.
    #[track_caller]
    fn refused<T: Debug>(&self, words: &str, work: impl FnOnce() -> Result<T>) {
        let before = self.everything();
        let error = work().unwrap_err();
        assert_eq!(error.to_string(), words, "{error:?}");
        assert_eq!(self.everything(), before, "{words}");
    }
}

/// That nobody is known by what was shown, and the words.
#[track_caller]
fn unknown<T: Debug>(result: Result<T>) -> &'static str {
    match result {
        Err(Error::Unauthenticated(words)) => words,
        other => panic!("unknown was expected, not {other:?}"),
    }
}

/// That it is not allowed, and the words.
#[track_caller]
fn forbidden<T: Debug>(result: Result<T>) -> &'static str {
    match result {
        Err(Error::Forbidden(words)) => words,
        other => panic!("forbidden was expected, not {other:?}"),
    }
}
